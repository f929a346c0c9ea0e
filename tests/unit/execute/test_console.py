"""krun.execute.console: the terminal that krun relays itself."""

from __future__ import annotations

import os
import termios
from collections.abc import Iterator

import pytest

from krun.execute.console import Relay


@pytest.fixture
def own_terminal() -> Iterator[int]:
    """Make standard input a terminal, as of a shell that called krun; return it."""
    keep, terminal = os.openpty()
    before = os.dup(0)
    os.dup2(terminal, 0)
    yield terminal
    os.dup2(before, 0)
    for file in (before, terminal, keep):
        os.close(file)


def test_the_callers_window_gives_the_size(own_terminal: int) -> None:
    """At the beginning, and whenever it changes."""
    master, slave = os.openpty()
    termios.tcsetwinsize(own_terminal, (25, 80))
    relay = Relay(master)
    assert termios.tcgetwinsize(slave) == (25, 80)
    termios.tcsetwinsize(own_terminal, (50, 132))
    relay.resize()
    assert termios.tcgetwinsize(slave) == (50, 132)
    relay.close()
    os.close(slave)


@pytest.mark.parametrize("size", [(0, 0), (0, 80), (25, 0)])
def test_a_window_without_a_size_leaves_the_configured_one(own_terminal: int, size: tuple[int, int]) -> None:
    """A terminal of 0x0 is none that anybody looks at: `consoleSize` stays."""
    master, slave = os.openpty()
    termios.tcsetwinsize(slave, (33, 99))
    termios.tcsetwinsize(own_terminal, size)
    relay = Relay(master)
    assert termios.tcgetwinsize(slave) == (33, 99)
    relay.close()
    os.close(slave)

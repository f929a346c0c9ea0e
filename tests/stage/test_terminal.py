"""TERMINAL: the container's terminal, its master handed over a socket."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import termios
from pathlib import Path

import pytest
from support.stage import DEV, PROC, PTS, Outcome, StageRunner, opening, shell

from krun.plan import ops
from krun.sys import native

pytestmark = pytest.mark.needs("root", "busybox")


def read_all(master: int) -> str:
    """Read until the other end is closed, which a terminal says with EIO."""
    data = b""
    try:
        while chunk := os.read(master, 4096):
            data += chunk
    except OSError:
        pass
    return data.decode().replace("\r\n", "\n")


def run(stage: StageRunner, root: Path, script: str) -> tuple[Outcome, bytes, int]:
    """Run a script on a terminal; return what came of it, the message's text and the master."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        program = [*opening(root), PROC, DEV, PTS, ops.Terminal(41, 101), ops.PivotRoot(), *shell(script)]
        outcome = stage.run(program, {native.FD_CONSOLE: theirs.fileno()})
        assert outcome.error is None
        text, fds, _, _ = socket.recv_fds(ours, 64, 2)
    assert len(fds) == 1
    return outcome, text, fds[0]


def test_payload_has_a_controlling_terminal(stage: StageRunner, root: Path) -> None:
    """The streams and /dev/console are the controlling terminal, one of the container's devpts."""
    script = (
        "tty; stat -Lc %t:%T /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 /dev/console; echo on > /dev/tty"
    )
    outcome, text, master = run(stage, root, f"busybox mknod /dev/tty c 5 0; {script}")
    try:
        lines = read_all(master).split()
        assert outcome.output == ""
        assert text == b"/dev/ptmx"
        assert lines == ["/dev/pts/0", *["88:0"] * 4, "on"]
    finally:
        os.close(master)


def test_terminal_has_its_size(stage: StageRunner, root: Path) -> None:
    """The console size is applied before the payload runs."""
    _, _, master = run(stage, root, "true")
    try:
        rows, columns, _, _ = struct.unpack("<4H", fcntl.ioctl(master, termios.TIOCGWINSZ, bytes(8)))
        assert (rows, columns) == (41, 101)
    finally:
        os.close(master)


def test_console_socket_that_is_closed_is_an_error(stage: StageRunner, root: Path) -> None:
    """Nobody would hold the other end of the terminal."""
    ours, theirs = socket.socketpair()
    ours.close()
    with theirs:
        outcome = stage.run(
            [*opening(root), DEV, PTS, ops.Terminal(0, 0)], {native.FD_CONSOLE: theirs.fileno()}
        )
    assert outcome.error == (8, "EPIPE send the terminal to the console socket")

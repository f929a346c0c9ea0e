"""Signals by number and by name."""

from __future__ import annotations

import signal

import pytest

from krun.sys.signals import name_of, number_of


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("9", 9),
        ("KILL", 9),
        ("SIGKILL", 9),
        ("sigkill", 9),
        ("0", 0),
        ("64", 64),
        ("RTMIN", signal.SIGRTMIN),
        ("SIGRTMIN+3", signal.SIGRTMIN + 3),
        ("RTMAX-1", signal.SIGRTMAX - 1),
    ],
)
def test_a_signal_has_many_spellings(text: str, number: int) -> None:
    """Those of kill(1) and of every client."""
    assert number_of(text) == number


@pytest.mark.parametrize("text", ["", "65", "-1", "NONE", "TERM+1", "RTMIN+99", "_DFL", "BLOCK", "SIG", "+"])
def test_what_is_no_signal_is_refused(text: str) -> None:
    """Names of Python's module that are no signals included."""
    with pytest.raises(ValueError, match="is not a signal"):
        number_of(text)


def test_every_signal_has_a_name() -> None:
    """For messages; a real-time signal goes by its number."""
    assert (name_of(15), name_of(40)) == ("SIGTERM", "signal 40")

"""Signals to and from the payload are what they would be without a VM."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support import cases

pytestmark = pytest.mark.needs("kvm")

WAITING = ("blocks", "spins", "blocks_and_catches", "spins_and_catches")


@pytest.mark.parametrize("case", cases.names("signals", without=WAITING))
def test_signal_case_ends_as_without_a_vm(
    case: str, static: Callable[[str], Path], in_vm: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """Handlers, masks, restarts, stacks and default actions are the kernel's."""
    payload = static("signals")
    cases.check_same(cases.natively(payload, case), in_vm(payload, case))


@pytest.mark.parametrize("case", cases.names("faults"))
def test_fault_becomes_the_signal_that_it_is_without_a_vm(
    case: str, static: Callable[[str], Path], in_vm: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """Number, code and address are the kernel's."""
    payload = static("faults")
    cases.check_same(cases.natively(payload, case), in_vm(payload, case))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGHUP, signal.SIGRTMIN])
@pytest.mark.parametrize("case", ["blocks", "spins"])
def test_signal_from_outside_ends_the_payload_by_that_signal(
    case: str, number: signal.Signals, static: Callable[[str], Path], krun_vm: Path
) -> None:
    """A payload that waits in a call, or computes, dies by the signal, and its parent sees that."""
    with subprocess.Popen([krun_vm, static("signals"), case], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        assert process.wait(10) == -number


@pytest.mark.parametrize("case", ["blocks_and_catches", "spins_and_catches"])
def test_signal_from_outside_reaches_the_handler(
    case: str, static: Callable[[str], Path], krun_vm: Path
) -> None:
    """SIGTERM is delivered promptly to a payload that waits in a call, or computes, and catches it."""
    with subprocess.Popen([krun_vm, static("signals"), case], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.terminate()
        assert process.wait(10) == signal.SIGTERM + 40


def test_signal_to_a_starting_payload_ends_it(static: Callable[[str], Path], krun_vm: Path) -> None:
    """However early SIGTERM comes, the payload dies by it."""
    for _ in range(20):
        with subprocess.Popen([krun_vm, static("signals"), "spins"], stdout=subprocess.DEVNULL) as process:
            process.terminate()
            assert process.wait(10) == -signal.SIGTERM


def test_stopped_payload_stops_and_continues(waiting: subprocess.Popen[bytes]) -> None:
    """SIGSTOP and SIGCONT work on the payload's process as on any: it still ends as it would."""
    waiting.send_signal(signal.SIGSTOP)
    stat = Path(f"/proc/{waiting.pid}/stat")
    while stat.read_text().rpartition(")")[2].split()[0] != "T":
        pass
    waiting.send_signal(signal.SIGCONT)
    assert waiting.stdin is not None
    waiting.stdin.close()
    assert waiting.wait(10) == 0

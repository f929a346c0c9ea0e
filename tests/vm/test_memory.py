"""The payload's memory behaves as the kernel's: mapping, protection, moving, sharing, copying."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support import cases

pytestmark = pytest.mark.needs("kvm")


@pytest.mark.parametrize("case", cases.names("memory"))
def test_memory_case_ends_as_without_a_vm(
    case: str, static: Callable[[str], Path], in_vm: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """Each case of memory.c promises what its name says."""
    payload = static("memory")
    cases.check_same(cases.natively(payload, case), in_vm(payload, case))


@pytest.mark.parametrize("waiting", ["waits", "waits_where_reading_implies_execution"], indirect=True)
def test_nothing_of_the_guest_is_executable_on_the_host(waiting: subprocess.Popen[bytes]) -> None:
    """The payload's code runs in the machine and nowhere else: the host maps none of it executable."""
    maps = Path(f"/proc/{waiting.pid}/maps").read_text().splitlines()
    guest = [line for line in maps if int(line.partition("-")[0], 16) < 0x200000000000]
    assert guest
    assert [line for line in guest if "x" in line.split()[1]] == []


def test_memory_is_taken_at_once_where_it_is_sure_to_be_used(
    static: Callable[[str], Path], in_vm: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """Small private mappings, and what follows a filled block; all else when it is touched."""
    huge = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    filled = 512 if huge.exists() and "[never]" not in huge.read_text() else 1
    untouched = "large 0\nshared 0\nread-only 0\n"
    assert in_vm(static("resident")).stdout == (
        f"small 8\n{untouched}sparse 1\nfilled {filled}\nunwanted 1\n"
    )

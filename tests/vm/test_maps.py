"""The files of procfs about the process itself tell the payload of itself, and nothing of the monitor."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support import cases

ARENA_END = 0x200000000000
ADDRESS = re.compile(r"([0-9a-f]{6,})[- ]")

pytestmark = pytest.mark.needs("kvm")

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize("case", cases.names("maps"))
def test_maps_are_the_payloads(case: str, static: Callable[[str], Path], in_vm: Run) -> None:
    """What profilers, debuggers and just-in-time compilers look for there is found."""
    payload = static("maps")
    cases.check_same(cases.natively(payload, case), in_vm(payload, case))


@pytest.mark.needs("busybox")
def test_maps_name_nothing_of_the_monitor(in_vm: Run) -> None:
    """Each line lies in the payload's addresses, but for the vDSO, or is a file of the payload."""
    lines = in_vm("/bin/busybox", "cat", "/proc/self/maps").stdout.splitlines()
    names = {line.split(maxsplit=5)[5].strip() if len(line.split()) > 5 else "" for line in lines}
    assert names <= {"", "/usr/bin/busybox", "[heap]", "[stack]", "[vdso]"}, lines
    assert {"/usr/bin/busybox", "[stack]"} <= names, lines


@pytest.mark.needs("busybox")
@pytest.mark.parametrize("file", ["smaps", "numa_maps", "map_files"])
def test_no_file_names_a_mapping_of_the_monitor(file: str, in_vm: Run) -> None:
    """All addresses that begin a line lie in the payload's memory."""
    command = "ls" if file == "map_files" else "cat"
    lines = in_vm("/bin/busybox", command, f"/proc/self/{file}").stdout.splitlines()
    starts = [int(found[1], 16) for found in map(ADDRESS.match, lines) if found is not None]
    assert starts
    assert max(starts) < ARENA_END, lines


@pytest.mark.needs("busybox")
def test_registers_of_the_monitor_are_not_shown(in_vm: Run) -> None:
    """What the kernel says of a call that is being made would be the monitor's."""
    assert in_vm("/bin/busybox", "cat", "/proc/self/syscall").stdout == "running\n"

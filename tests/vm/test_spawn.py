"""Children that share their parent's memory, and the path by which a program is known to itself."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support import cases

pytestmark = pytest.mark.needs("kvm")

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize("case", cases.names("spawn"))
def test_child_of_vfork_shares_its_parents_memory(
    case: str, static: Callable[[str], Path], in_vm: Run
) -> None:
    """What a vfork's child writes, its parent finds, and posix_spawn returns its child's errno."""
    payload = static("spawn")
    cases.check_same(cases.natively(payload, case), in_vm(payload, case))


@pytest.mark.parametrize("case", cases.names("share"))
def test_child_shares_what_its_clone_says(case: str, static: Callable[[str], Path], in_vm: Run) -> None:
    """A process that shares memory, descriptors, directory or handlers goes on beside its parent."""
    payload = static("share")
    cases.check_same(cases.natively(payload, case), in_vm(payload, case))


@pytest.mark.parametrize("case", cases.names("killed"))
def test_parent_goes_on_after_a_child_that_was_killed(
    case: str, static: Callable[[str], Path], in_vm: Run
) -> None:
    """A child that is killed while it changes the shared memory's mappings leaves them in order."""
    payload = static("killed")
    cases.check_same(cases.natively(payload, case), in_vm(payload, case))


@pytest.mark.needs("busybox")
def test_own_path_has_no_links_in_it(tmp_path: Path, in_vm: Run) -> None:
    """/proc/self/exe of a program that was executed through a link is the program, as $ORIGIN needs."""
    program = Path(os.path.realpath("/bin/busybox"))
    (tmp_path / "readlink").symlink_to(program)
    result = in_vm(tmp_path / "readlink", "/proc/self/exe")
    assert (result.stdout, result.returncode) == (f"{program}\n", 0)


@pytest.mark.needs("busybox")
def test_process_of_one_thread_has_one_task(in_vm: Run) -> None:
    """No task of KVM's is counted with a program's, a forked child's or the program's that it executes."""
    count = "grep Threads: /proc/self/status; busybox stat -c %h /proc/self/task"
    result = in_vm("/bin/busybox", "sh", "-c", f"{count}; (read line < /proc/self/stat; echo $line)")
    *counted, stat = result.stdout.splitlines()
    assert counted == ["Threads:\t1", "3"], result
    assert stat.rpartition(")")[2].split()[17] == "1", stat

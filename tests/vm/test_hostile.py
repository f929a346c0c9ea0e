"""A guest that attacks its monitor through every system call of the table."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.attacks import run_with_addresses
from support.bundles import TMP, MakeBundle
from support.runner import Runner


@pytest.mark.needs("root", "kvm", "gcc", "busybox")
@pytest.mark.usefixtures("nothing_left")
def test_no_call_reaches_the_monitor(runtime: Runner, bundle: MakeBundle, hostile: Path) -> None:
    """No pointer of the guest is trusted, and the monitor's descriptors are EBADF: all of it fails."""
    made = bundle(["/hostile"])
    (made.rootfs / "tmp").mkdir(exist_ok=True)
    made.add_program("hostile", hostile)
    status, out = run_with_addresses(runtime, made)
    assert status == 0, out
    lines = out.splitlines()
    assert len(lines) == 1, lines
    attempts, word = lines[0].split()
    assert word == "attempts"
    assert int(attempts) > 10000


@pytest.mark.needs("root", "kvm", "gcc", "busybox")
@pytest.mark.usefixtures("nothing_left")
def test_no_thread_is_fast_enough_to_use_what_must_not_be_opened(
    runtime: Runner, bundle: MakeBundle, static: Callable[[str], Path]
) -> None:
    """/proc/self/mem never stands at a descriptor of the guest, not even between an open and its check."""
    made = bundle(["/hostile_race"])
    (made.rootfs / "tmp").mkdir(exist_ok=True)
    made.add_program("hostile_race", static("hostile_race"))
    assert run_with_addresses(runtime, made) == (0, "some harmless files opened, 0 leaks\n")


@pytest.mark.needs("root", "kvm", "gcc", "busybox")
@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("scene", ["structures", "descriptors", "signals"])
def test_threads_and_children_get_nothing_of_the_monitor(
    runtime: Runner, bundle: MakeBundle, static: Callable[[str], Path], scene: str
) -> None:
    """Structures that change after the check, any descriptor, floods of signals: the guest lives on."""
    made = bundle(["/hostile_threads", scene], mounts=[TMP])
    made.add_program("hostile_threads", static("hostile_threads"))
    assert run_with_addresses(runtime, made) == (0, "")


@pytest.mark.needs("root", "kvm", "gcc")
def test_no_segment_is_longer_than_what_has_room_for_it(
    in_vm: Callable[..., subprocess.CompletedProcess[str]], static: Callable[[str], Path]
) -> None:
    """One that takes another's number meanwhile would lie over the monitor's memory."""
    result = in_vm(static("hostile_segment"))
    assert (result.stdout, result.returncode) == ("some attached, 0 too long\n", 0), result


@pytest.mark.needs("kvm", "gcc")
@pytest.mark.parametrize(
    "way", ["dup", "dup2", "fcntl", "message", "mmap", "vfork", "moved dup", "moved fcntl", "moved mmap"]
)
def test_no_thread_is_fast_enough_for_a_new_processors_descriptor(
    in_vm: Callable[..., subprocess.CompletedProcess[str]], static: Callable[[str], Path], way: str
) -> None:
    """It stands at the lowest free number for a moment; who had it could map the processor's registers."""
    ended = in_vm(static("hostile_births"), way)
    assert (ended.stdout, ended.returncode) == ("300 threads, 0 hits\n", 0), ended.stderr


@pytest.mark.needs("kvm", "gcc")
@pytest.mark.parametrize("way", ["unshare", "close_range"])
def test_no_thread_has_a_table_of_descriptors_that_others_lack(
    in_vm: Callable[..., subprocess.CompletedProcess[str]], static: Callable[[str], Path], way: str
) -> None:
    """What is the monitor's is known for one table: in another, its number would be the guest's."""
    ended = in_vm(static("hostile_tables"), way)
    assert (ended.stdout, ended.returncode) == ("stayed, 0 seen\n", 0), ended.stderr


@pytest.mark.needs("kvm", "gcc")
def test_no_thread_is_fast_enough_to_say_what_is_executed(
    in_vm: Callable[..., subprocess.CompletedProcess[str]], static: Callable[[str], Path]
) -> None:
    """What the next image is told cannot be changed any more, wherever it has been written."""
    ended = in_vm(static("hostile_record"))
    assert (ended.stdout, ended.returncode) == ("some executed, 0 told\n", 0), ended.stderr


@pytest.mark.needs("kvm", "gcc")
def test_the_monitors_memory_is_no_core_of_the_payload(
    static: Callable[[str], Path], krun_vm: Path, tmp_path: Path
) -> None:
    """A signal that the payload leaves at its default ends the monitor as well: no core is written."""
    # Without a limit a program of the host's gets what it has asked for.
    goes_to_the_host = Path("/proc/sys/kernel/core_pattern").read_text().startswith(("|", "@"))
    process = subprocess.Popen(
        ["prlimit", "--core=unlimited", krun_vm, static("process"), "waits"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=tmp_path,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGABRT)
        _pid, status = os.waitpid(process.pid, 0)
        process.returncode = -os.WTERMSIG(status)
    assert os.WTERMSIG(status) == signal.SIGABRT
    assert not os.WCOREDUMP(status) or goes_to_the_host
    assert list(tmp_path.iterdir()) == []

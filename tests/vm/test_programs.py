"""What runs: static, position-independent and dynamic programs, scripts, KM's payloads, busybox."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support import cases

pytestmark = pytest.mark.needs("kvm")

Compile = Callable[..., Path]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize("case", cases.names("held"))
def test_what_the_monitor_holds_for_a_call_does_not_show(
    case: str, static: Callable[[str], Path], in_vm: Run
) -> None:
    """Neither to the process itself, in its locks, nor to its other threads."""
    payload = static("held")
    cases.check_same(cases.natively(payload, case), in_vm(payload, case))


@pytest.mark.parametrize(
    "case",
    cases.names("process", without=("waits", "waits_where_reading_implies_execution", "finds_no_descriptor")),
)
def test_process_case_ends_as_without_a_vm(case: str, static: Callable[[str], Path], in_vm: Run) -> None:
    """Each case of process.c promises what its name says."""
    payload = static("process")
    cases.check_same(cases.natively(payload, case), in_vm(payload, case))


@pytest.mark.parametrize("case", cases.names("robust"))
def test_locks_of_the_dead_are_found(case: str, static: Callable[[str], Path], in_vm: Run) -> None:
    """A robust mutex of who has ended, however it was, is its next owner's to set right."""
    payload = static("robust")
    cases.check_same(cases.natively(payload, case), in_vm(payload, case))


@pytest.mark.parametrize(
    ("compiler", "options"),
    [
        ("gcc", ("-static",)),
        ("gcc", ("-static-pie",)),
        ("gcc", ("-static", "-no-pie", "-Wl,-Ttext-segment=0x200000")),
        ("gcc", ()),
        ("gcc", ("-no-pie",)),
        ("musl-gcc", ("-static",)),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else value,
)
def test_program_of_every_kind_runs(
    compiler: str, options: tuple[str, ...], compiled: Compile, in_vm: Run
) -> None:
    """Arguments and environment arrive, output leaves, the status is the program's."""
    result = in_vm(compiled("hello.c", *options, compiler=compiler), "one", "", "-x", env={"NAME": "value"})
    assert (result.stdout, result.stderr, result.returncode) == ("one||-x|NAME=value|\n", "", 7)


def test_km_payload_runs_by_out_instructions(compiled: Compile, in_vm: Run) -> None:
    """A payload at 0x200000 that calls by OUT to 0x8000 + n, its arguments behind %gs:0, works."""
    payload = compiled("km.S", "-nostdlib", "-static", "-Wl,-Ttext-segment=0x200000")
    result = in_vm(payload)
    assert (result.stdout, result.returncode) == ("hello from a hypercall\n", 42)


def test_release_ends_in_the_marker(static: Callable[[str], Path], in_vm: Run) -> None:
    """The kernel's release carries the suffix by which tools know KM's machines."""
    assert in_vm(static("process"), "release_is_marked").stdout.endswith(".kontain.KVM\n")


def test_script_runs_with_its_interpreter(tmp_path: Path, compiled: Compile, in_vm: Run) -> None:
    """A #! line names an interpreter and at most one argument; the script's path follows."""
    script = tmp_path / "script"
    script.write_text(f"#! {compiled('hello.c', '-static')} one argument\n")
    script.chmod(0o755)
    result = in_vm(script, "last", env={})
    assert result.stdout == f"one argument|{script}|last|\n"


@pytest.mark.needs("busybox")
@pytest.mark.parametrize(
    ("command", "output"),
    [
        ("echo a b", "a b\n"),
        ("pwd", "/\n"),
        ("id -u", f"{os.geteuid()}\n"),
        ("env", "A=1\n"),
        ("cat /proc/sys/kernel/ostype", "Linux\n"),
        ("ls -d /proc", "/proc\n"),
        ("stat -c %F /", "directory\n"),
        ("grep -c . /proc/sys/kernel/ostype", "1\n"),
        ("sleep 0.01", ""),
        ("uname -s", "Linux\n"),
        ("sh -c 'x=$((3*4)); cd /proc; echo $x $PWD'", "12 /proc\n"),
        ("sh -c 'echo a | tr a b | cat'", "b\n"),
        ("sh -c '(exit 3); echo $? $(echo in)'", "3 in\n"),
    ],
)
def test_busybox_applet_runs(command: str, output: str, in_vm: Run) -> None:
    """Debian's busybox-static runs in the machine: applets, the shell, its pipelines."""
    result = in_vm("/bin/busybox", *shlex.split(command), cwd="/", env={"A": "1"})
    assert (result.stdout, result.stderr, result.returncode) == (output, "", 0)


def test_process_is_shown_as_the_payload(
    static: Callable[[str], Path], waiting: subprocess.Popen[bytes]
) -> None:
    """`ps` on the host shows the payload's command line and name."""
    payload = static("process")
    proc = Path(f"/proc/{waiting.pid}")
    shown = (proc / "cmdline").read_bytes(), (proc / "comm").read_text().rstrip("\n")
    assert shown == (f"{payload}\0waits\0".encode(), payload.name[:15])


@pytest.mark.parametrize("case", ["restarts", "ends_with_eintr"])
def test_interrupted_hypercall_ends_as_a_system_call(
    case: str, static: Callable[[str], Path], in_vm: Run
) -> None:
    """A read by OUT that a handler interrupts is made again with SA_RESTART, and ends with EINTR without."""
    result = in_vm(static("hypercall"), case)
    assert result.returncode == 0, result.stdout


def test_the_processor_is_the_same_after_an_exec(static: Callable[[str], Path], in_vm: Run) -> None:
    """What CPUID says is handed from image to image, and programs find the same instructions in each."""
    payload = static("processor")
    first, second = in_vm(payload), in_vm(payload, "exec")
    assert (first.returncode, second.returncode) == (0, 0)
    assert first.stdout == second.stdout
    assert len(first.stdout.splitlines()) == 13

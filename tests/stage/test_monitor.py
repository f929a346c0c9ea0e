"""EXECUTE_MONITOR: the boot record (specs/monitor.md), and what the monitor gets besides."""

from __future__ import annotations

import os
import resource
import socket
import struct
import sys
from pathlib import Path

import pytest
from support.agent import receive
from support.stage import Outcome, StageRunner

from krun.plan import ops
from krun.sys import native

pytestmark = pytest.mark.needs("root")

# A monitor that tells what it got and plays its part of the barrier.
MONITOR = f"""#!{os.path.realpath(sys.executable)} -ISB
import os, struct, sys
print("args", sys.argv[1:])
print("env", sorted(set(os.environ) - {{"LC_CTYPE"}}))
data = os.pread(int(sys.argv[2]), 1 << 20, 0)
magic, version, size, flags, *fds = struct.unpack_from("<4s9i", data)
print("header", magic, version, size == len(data), flags)
print("given", [fd >= 0 and os.fstat(fd) is not None for fd in fds])
rest = data[struct.calcsize("<4s9i"):]
def take(form):
    global rest
    values = struct.unpack_from(form, rest)
    rest = rest[struct.calcsize(form):]
    return values
def string():
    (length,) = take("<I")
    (text,) = take(f"<{{length}}sx")
    return text.decode()
print("program", string())
for name in "args", "env":
    print(name, [string() for _ in range(take("<I")[0])])
print("filter", take(f"<{{take('<I')[0]}}s")[0])
limits = take(f"<{{take('<I')[0]}}s")[0]
print("limits", [struct.unpack_from("<IQQ", limits, at) for at in range(0, len(limits), 20)], rest)
sync, barrier, _, proc, kvm, image = fds
known = {{0, 1, 2, int(sys.argv[2]), *fds}}
there = sorted(int(fd) for fd in os.listdir("/proc/self/fd"))
# Besides what the record names: the interpreter's own of the script, and of the listing.
print("open", [fd for fd in there if fd not in known][:-1])
sys.stdout.flush()
if flags & 1:
    import socket
    with socket.socket(fileno=sync) as s:
        s.send(struct.pack("<II", 5, 0))
        print("told", *struct.unpack("<II", s.recv(8)))
        sys.stdout.flush()
    with socket.socket(fileno=barrier) as s:
        _, (fifo, started), _, _ = socket.recv_fds(s, 1, 2)
    pipe = os.open(f"self/fd/{{fifo}}", os.O_WRONLY, dir_fd=proc)
    os.write(started, b"1")
    os.write(pipe, b"ready\\n")
os._exit(9)
"""


def run(
    stage: StageRunner,
    *end: ops.Operation,
    filter_: bytes = b"\x06\0\0\0\0\0\xff\x7f",
    barrier: int = 1,
    listener: int = -1,
) -> Outcome:
    """Run the monitor that tells what it got."""
    monitor = native.memfd_sealed("krun-vm", MONITOR.encode())
    kvm = os.open("/dev/null", os.O_RDWR)
    execute = ops.ExecuteMonitor(("prog", "-x", ""), ("K=V", "KM_LOG=1"), filter_, barrier)  # type: ignore[arg-type]
    program = [
        ops.SpawnInit(),
        ops.OpenProc(),
        ops.ContainDescriptors(0),
        ops.FindProgram("true", ("/bin",)),
        *end,
        execute,
    ]
    try:
        roles = {native.FD_MONITOR: monitor, native.FD_KVM: kvm, native.FD_LISTENER: listener}
        return stage.run(program, {role: fd for role, fd in roles.items() if fd >= 0})
    finally:
        os.close(monitor)
        os.close(kvm)


def test_monitor_gets_the_boot_record_and_nothing_else(stage: StageRunner) -> None:
    """No environment, one option; what is the payload's stands in the record."""
    outcome = run(stage)
    assert outcome.error is None
    lines = outcome.output.splitlines()
    assert lines[0].startswith("args ['--boot', '")
    assert lines[1:] == [
        "env []",
        "header b'KRBT' 2 True 1",
        "given [True, True, False, True, True, True]",
        "program /bin/true",
        "args ['prog', '-x', '']",
        "env ['K=V', 'KM_LOG=1']",
        "filter b'\\x06\\x00\\x00\\x00\\x00\\x00\\xff\\x7f'",
        "limits [] b''",
        "open []",
        "told 16 0",
    ]
    assert (outcome.ready, outcome.records, outcome.started) == (True, "ready\n", True)
    assert os.waitstatus_to_exitcode(outcome.status or 0) == 9


def test_monitor_behind_the_barrier_runs_at_once(stage: StageRunner) -> None:
    """With startContainer hooks krun-init passes the barrier itself."""
    outcome = run(stage, ops.Barrier(), barrier=0, filter_=b"")
    lines = outcome.output.splitlines()
    assert lines[2:4] == ["header b'KRBT' 2 True 0", "given [False, False, False, True, True, True]"]
    assert lines[-3:-1] == ["filter b''", "limits [] b''"]
    assert (outcome.records, outcome.started) == ("ready\n", True)


def test_monitor_learns_that_an_agent_listens(stage: StageRunner) -> None:
    """The filter meets nothing of krun-init or of a monitor that does not ask; its listener is sent."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with ours, theirs:
        ours.settimeout(30)
        op = ops.SeccompMonitor(0, ("<", "-", ">"))
        outcome = run(stage, op, filter_=b"\x06\0\0\0\0\0\xc0\x7f", listener=theirs.fileno())
        text, files, _, _ = socket.recv_fds(ours, 1024, 2)
    assert (outcome.error, os.waitstatus_to_exitcode(outcome.status or 0)) == (None, 9)
    head = struct.pack("<HBBI", 0xFFFF, 1, 0, 1)
    program = head + b"\x06\0\0\0\0\0\xc0\x7f"
    assert f"filter {program!r}" in outcome.output
    pid = text[1:].partition(b"-")[0]
    assert pid.isdigit()
    assert text == b"<%s-%s>" % (pid, pid)
    (listener,) = files
    assert os.readlink(f"/proc/self/fd/{listener}") == "anon_inode:seccomp notify"
    assert receive(listener) is None
    os.close(listener)


def test_limits_are_the_payloads_and_not_the_monitors(stage: StageRunner) -> None:
    """They stand in the record, and the monitor can open files and map memory until it sets them itself."""
    outcome = run(
        stage,
        ops.Rlimit(resource.RLIMIT_NOFILE, 3, 4),
        ops.Rlimit(resource.RLIMIT_AS, 4096, 4096),
        ops.Rlimit(resource.RLIMIT_FSIZE, 0, 0),
    )
    assert outcome.error is None
    limits = [(1, 0, 0), (7, 3, 4), (9, 4096, 4096)]
    assert f"limits {limits} b''" in outcome.output.splitlines()
    assert (outcome.ready, outcome.started) == (True, True)


def test_monitor_that_is_no_program_is_an_error(stage: StageRunner) -> None:
    """The error is `create`'s."""
    monitor = native.memfd_sealed("krun-vm", b"no program")
    try:
        program = [ops.SpawnInit(), ops.OpenProc(), ops.ExecuteMonitor((), (), b"", 1)]  # type: ignore[arg-type]
        outcome = stage.run(program, {native.FD_MONITOR: monitor})
    finally:
        os.close(monitor)
    assert outcome.error == (2, "ENOEXEC execute the monitor")


def test_interpreter_of_the_tests_can_be_executed() -> None:
    """The stand-in for the monitor is a script of this interpreter."""
    assert Path(os.path.realpath(sys.executable)).is_file()
    assert struct.calcsize("<4s9i") == 40


def test_listen_pid_is_added_to_the_environment(stage: StageRunner) -> None:
    """sd_listen_fds(3): the pid that the monitor, and so the payload, has in its namespace."""
    outcome = run(stage, ops.ListenPid())
    assert f"env ['K=V', 'KM_LOG=1', 'LISTEN_PID={outcome.init_pid}']" in outcome.output.splitlines()

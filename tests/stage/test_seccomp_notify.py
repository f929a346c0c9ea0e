"""SECCOMP_NOTIFY: the filter is loaded, its listener sent away."""

from __future__ import annotations

import array
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.stage import StageRunner, opening, shell

from krun.plan import ops
from krun.sys import native
from krun.types import Record

pytestmark = pytest.mark.needs("root", "busybox")

STREAM = socket.SOCK_STREAM


class Rule(Record):
    """An entry of `linux.seccomp.syscalls`."""

    names: tuple[str, ...]
    action: str = "SCMP_ACT_NOTIFY"
    errno_ret: int | None = None
    args: tuple[object, ...] = ()


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Return the agent's end and init's."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, STREAM)
    ours.settimeout(30)
    with ours, theirs:
        yield ours, theirs


def loaded(state: tuple[str, ...], *names: str) -> ops.SeccompNotify:
    """Return an operation whose filter notifies these calls."""
    profile = native.compile_seccomp("SCMP_ACT_ALLOW", None, ("SCMP_ARCH_X86_64",), (Rule(names),))
    return ops.SeccompNotify(0, profile, state)  # type: ignore[arg-type]  # compiled already


def test_listener_comes_with_the_whole_state(
    stage: StageRunner, root: Path, ends: tuple[socket.socket, socket.socket]
) -> None:
    """The pid stands between the parts; one descriptor, in the first message; then the connection ends."""
    long = "x" * 300_000  # more than a socket takes at once
    op = loaded((f"{long}<", "-", ">"), "mkdir")
    program = [*opening(root), ops.PivotRoot(), op, *shell("true")]
    reader = os.fork()
    if reader == 0:  # takes what comes while krun-init sends
        data, files = b"", array.array("i")
        while True:
            chunk, ancillary, _, _ = ends[0].recvmsg(1 << 20, socket.CMSG_SPACE(64))
            for _, _, rights in ancillary:
                files.frombytes(rights)
            data += chunk
            if data.endswith(b">"):
                break
        pid = data[len(long) + 1 :].partition(b"-")[0]
        good = data == b"%s<%s-%s>" % (long.encode(), pid, pid) and len(files) == 1
        good = good and os.readlink(f"/proc/self/fd/{files[0]}") == "anon_inode:seccomp notify"
        os._exit(0 if good and pid.isdigit() else 1)
    outcome = stage.run(program, {native.FD_LISTENER: ends[1].fileno()})
    assert os.waitstatus_to_exitcode(os.waitpid(reader, 0)[1]) == 0
    assert (outcome.error, outcome.status) == (None, 0)


def test_a_closed_connection_is_an_error(
    stage: StageRunner, root: Path, ends: tuple[socket.socket, socket.socket]
) -> None:
    """If sending to this socket fails, the runtime MUST generate an error."""
    ends[0].close()
    program = [*opening(root), ops.PivotRoot(), loaded(("{", "}"), "mkdir")]
    outcome = stage.run(program, {native.FD_LISTENER: ends[1].fileno()})
    assert outcome.error == (7, "EPIPE send the seccomp listener")


def test_a_broken_filter_is_refused(stage: StageRunner) -> None:
    """Before anything is sent."""
    op = ops.SeccompNotify(0, bytes(7), ("{", "}"))  # type: ignore[arg-type]  # compiled already
    assert stage.run([op]).error == (0, "EINVAL load the seccomp filter: 7 bytes are no filter")


def test_a_state_of_too_many_parts_is_refused(stage: StageRunner) -> None:
    """There are three: the pid of the process stands in it at most twice."""
    error = stage.run([loaded(("a", "b", "c", "d"), "mkdir")]).error
    assert error == (0, "EINVAL send the seccomp listener: a state of 4 parts")

"""What a process does that joins a container: it takes the root that is there, and changes nothing of it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.stage import CLONE_NEWNS, DEV, PROC, PTS, StageRunner, opening, payload, shell

from krun.plan import ops
from krun.sys import native

pytestmark = pytest.mark.needs("root", "busybox")

MOUNTS = (
    'mount --make-rprivate / && mount --bind "$0" "$0" && cd "$0" && mkdir -p old && pivot_root . old && '
    "exec /bin/busybox sh -c "
    "'cd /; busybox mount -t proc proc /proc; busybox umount -l /old; echo up; read end'"
)


@pytest.fixture
def container(root: Path) -> Iterator[int]:
    """Return the pid of a process that has `root` as the root of a mount namespace of its own."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(["unshare", "--mount", "sh", "-c", MOUNTS, str(root)], **pipes) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == b"up\n"
        yield process.pid
        process.stdin.close()


def joining(pid: int) -> list[ops.Operation]:
    """Begin a program: in the mount namespace of a process, with its root."""
    return [
        ops.OpenNamespace(CLONE_NEWNS, f"/proc/{pid}/ns/mnt"),
        ops.JoinNamespace(CLONE_NEWNS),
        ops.SpawnInit(),
        ops.NewSession(),
        ops.OpenProc(),
        ops.JoinRoot(),
    ]


def test_the_root_is_that_of_the_mount_namespace(stage: StageRunner, root: Path, container: int) -> None:
    """Programs and directories are the container's."""
    (root / "data/mark").write_text("")
    outcome = stage.run([*joining(container), *payload("ls", directory="/data")])
    assert (outcome.error, outcome.output) == (None, "mark\n")


def test_the_root_cannot_be_left(stage: StageRunner, root: Path, container: int) -> None:
    """Neither by the working directory nor by links of the image."""
    shutil.rmtree(root / "data")
    (root / "data").symlink_to("../../../../..")
    outcome = stage.run([*joining(container), *payload("ls", "bin/busybox", directory="/data")])
    assert (outcome.error, outcome.output) == (None, "bin/busybox\n")


@pytest.mark.parametrize(("create", "made"), [(0, False), (1, True)])
def test_a_missing_directory_is_made_only_when_asked(
    stage: StageRunner, root: Path, create: int, made: bool
) -> None:
    """A container's init gets its working directory, a process that joins does not."""
    outcome = stage.run([*opening(root), ops.PivotRoot(), ops.ChangeDirectory("/a/b", create)])
    assert (root / "a/b").is_dir() is made
    assert outcome.error == (None if made else (7, "ENOENT change the directory to /a/b"))


@pytest.mark.parametrize(("console", "bound"), [(0, ""), (1, "/dev/console\n")])
def test_a_terminal_is_the_console_only_when_asked(
    stage: StageRunner, root: Path, console: int, bound: str
) -> None:
    """/dev/console is the terminal of the container's init, and stays that."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        terminal = ops.Terminal(0, 0, console)
        loop = "while read -r a b c; do case $b in */console) echo $b;; esac; done"
        script = shell(f"exec >/data/out; {loop} </proc/mounts")
        program = [*opening(root), PROC, DEV, PTS, terminal, ops.PivotRoot(), *script]
        outcome = stage.run(program, {native.FD_CONSOLE: theirs.fileno()})
        assert outcome.error is None
        _, fds, _, _ = socket.recv_fds(ours, 64, 2)
    for fd in fds:
        os.close(fd)
    assert (root / "data/out").read_text() == bound

"""krun-init driven by hand: a program of operations, the runtime's side of the conversation, what came of it.

Out of scope: the real runtime's side (krun.execute), which has tests of its own.  Only the encoder is shared.
"""

from __future__ import annotations

import os
import select
import shutil
import socket
import stat
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from krun.execute.protocol import encode_program
from krun.plan import ops
from krun.sys import native

MS_REC, MS_PRIVATE, MS_SLAVE, MS_SHARED = 0x4000, 1 << 18, 1 << 19, 1 << 20
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC = 1, 2, 4, 8
CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWTIME = 0x10000000, 0x20000000, 0x40000000, 0x80
NEW_NAMESPACES = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET

APPLETS = (
    "cat",
    "echo",
    "env",
    "false",
    "grep",
    "id",
    "ls",
    "pwd",
    "readlink",
    "sh",
    "sleep",
    "stat",
    "touch",
    "tty",
)
TIMEOUT_S = 30
PACKET_BYTES = 4096


@dataclass
class Outcome:
    """What came of a program."""

    error: tuple[int, str] | None = None  # operation's index, text
    log: list[str] = field(default_factory=list)
    hooks: list[str] = field(default_factory=list)
    ready: bool = False
    records: str = ""  # what came through the barrier
    started: bool = False
    output: str = ""
    init_pid: int = 0
    status: int | None = None  # of the payload, as waitpid tells it
    stage_status: int | None = None  # of krun-init's first process


def make_root(path: Path) -> Path:
    """Make a root file system of static busybox."""
    for name in ("bin", "dev", "etc", "proc", "sys", "tmp", "data"):
        (path / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", path / "bin/busybox")
    for applet in APPLETS:
        (path / "bin" / applet).symlink_to("busybox")
    return path


def opening(root: Path, *, namespaces: int = NEW_NAMESPACES) -> list[ops.Operation]:
    """Begin a program: new namespaces, init, the root opened."""
    return [
        ops.Unshare(namespaces),
        ops.SpawnInit(),
        ops.NewSession(),
        ops.OpenProc(),
        ops.HostPropagation(MS_SLAVE | MS_REC),
        ops.OpenRoot(str(root)),
    ]


def payload(*args: str, env: Sequence[str] = ("PATH=/bin",), directory: str = "/") -> list[ops.Operation]:
    """End a program: nothing open, behind the barrier the program `args`."""
    return [
        ops.ChangeDirectory(directory),
        ops.ContainDescriptors(0),
        ops.FindProgram(args[0], ("/bin",)),
        ops.Barrier(),
        ops.Execute(args, tuple(env)),
    ]


def shell(script: str) -> list[ops.Operation]:
    """End a program with a shell script."""
    return payload("sh", "-c", script)


PROC = ops.Mount("proc", "proc", (), "/proc", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, 0, 0)
DEV = ops.Mount("tmpfs", "tmpfs", ("mode=755",), "/dev", MOUNT_ATTR_NOSUID, 0, 0)
PTS = ops.Mount("devpts", "devpts", ("newinstance", "ptmxmode=0666", "mode=0620"), "/dev/pts", 0, 0, 0)
NULL = ops.MakeDevice("/dev/null", stat.S_IFCHR, 1, 3, 0o666, 0, 0)


class StageRunner:
    """Runs programs in krun-init.  One of them at a time."""

    def __init__(self, folder: Path, image: str) -> None:
        """Use this folder for the barrier's files, and the program at `image`."""
        self.folder = folder
        self.image = native.memfd_sealed("krun-init", image)
        self.abort_hooks = False
        self.hang_up_at: int | None = None  # close the socket instead of answering this message
        self.hang_up_on: int | None = None  # close the socket when this descriptor can be read
        self.release = True  # play `start` after READY
        self.maps = ("0 0 1\n", "0 0 1\n")

    def close(self) -> None:
        """Give up the image."""
        os.close(self.image)

    def run(
        self,
        program: Sequence[ops.Operation],
        roles: dict[int, int] | None = None,
        preserved: Sequence[int] = (),
    ) -> Outcome:
        """Run operations.  roles: descriptors for the header; preserved: those for the payload."""
        return self._run(lambda fds: encode_program(program, fds, bytes), roles or {}, preserved)

    def run_bytes(self, data: bytes) -> Outcome:
        """Run a program that was encoded by hand; `SYNC_` in it becomes the number of the socket."""
        return self._run(lambda fds: data.replace(b"SYNC", struct.pack("<i", fds[native.FD_SYNC])), {}, ())

    def _run(
        self, encode: Callable[[dict[int, int]], bytes], roles: dict[int, int], preserved: Sequence[int]
    ) -> Outcome:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(TIMEOUT_S)
        fifo_path, started_path = self.folder / "exec.fifo", self.folder / "started"
        os.mkfifo(fifo_path)
        fifo_path.chmod(0o622)
        fifo = os.open(fifo_path, os.O_PATH)
        started = os.open(started_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        output, writer = os.pipe()
        fds = {native.FD_SYNC: theirs.fileno(), native.FD_FIFO: fifo, native.FD_STARTED: started, **roles}
        program = native.memfd_sealed("program", encode(fds), executable=False)
        outcome = Outcome()
        try:
            pid = self._spawn(program, (program, *fds.values(), *preserved), writer)
            theirs.close()
            os.close(writer)
            with ours:
                self._converse(ours, outcome)
            outcome.stage_status = os.waitpid(pid, 0)[1]
            if outcome.ready and self.release:
                outcome.records = fifo_path.read_text()
            if outcome.init_pid and (self.release or not outcome.ready):
                outcome.status = os.waitpid(outcome.init_pid, 0)[1]
                with open(output, closefd=False) as pipe:
                    outcome.output = pipe.read()
            outcome.started = started_path.stat().st_size > 0
        finally:
            for fd in (fifo, started, output, program):
                os.close(fd)
            fifo_path.unlink()
            started_path.unlink()
        return outcome

    def _spawn(self, program: int, inherit: Sequence[int], writer: int) -> int:
        """Start krun-init with `writer` as its standard output."""
        own = os.dup(1)
        try:
            os.dup2(writer, 1)
            pid, pidfd = native.spawn(self.image, ("krun-init", str(program)), inherit)
        finally:
            os.dup2(own, 1)
            os.close(own)
        os.close(pidfd)
        return pid

    def _converse(self, ours: socket.socket, outcome: Outcome) -> None:
        sources = [ours] if self.hang_up_on is None else [ours, self.hang_up_on]
        while self.hang_up_on not in select.select(sources, [], [], TIMEOUT_S)[0]:
            packet = ours.recv(PACKET_BYTES)
            if not packet:
                return
            kind, value = struct.unpack_from("<II", packet)
            text = packet[8:].decode()
            if kind == native.MSG_INIT:
                outcome.init_pid = value
            if kind == self.hang_up_at:
                return
            if kind == native.MSG_ERROR:
                outcome.error = (value, text)
                return
            if kind == native.MSG_READY:
                outcome.ready = True
                ours.send(struct.pack("<II", native.MSG_CONTINUE, 0))
                return
            self._answer(ours, kind, value, text, outcome)

    def _answer(self, ours: socket.socket, kind: int, value: int, text: str, outcome: Outcome) -> None:
        answer = native.MSG_CONTINUE
        if kind == native.MSG_LOG:
            outcome.log.append(text)
            return
        if kind == native.MSG_MAPS_PLEASE:
            for name, lines in zip(("uid_map", "gid_map"), self.maps, strict=True):
                Path(f"/proc/{value}/{name}").write_text(lines)
        elif kind == native.MSG_HOOKS_PLEASE:
            outcome.hooks.append(text)
            answer = native.MSG_ABORT if self.abort_hooks else native.MSG_CONTINUE
        else:
            assert kind == native.MSG_INIT, f"unexpected message {kind}"
        ours.send(struct.pack("<II", answer, value))

"""The boot record and the barrier, from the monitor's side (specs/monitor.md, specs/barrier.md)."""

from __future__ import annotations

import os
import select
import socket
import struct
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

pytestmark = pytest.mark.needs("kvm")

Compile = Callable[..., Path]

BARRIER = 1
READY, ERROR, CONTINUE = 5, 6, 16
NO_OPERATION = 0xFFFFFFFF


def string(text: bytes) -> bytes:
    """Encode one string of a record."""
    return struct.pack("<I", len(text)) + text + b"\0"


def strings(texts: Sequence[bytes]) -> bytes:
    """Encode a list of strings."""
    return struct.pack("<I", len(texts)) + b"".join(map(string, texts))


def record(
    program: bytes, args: Sequence[bytes], env: Sequence[bytes], descriptors: Sequence[int], flags: int
) -> bytes:
    """Encode a boot record; the descriptors are sync, those of the barrier, none, proc, kvm and image."""
    rest = string(program) + strings(args) + strings(env) + struct.pack("<II", 0, 0)
    return b"KRBT" + struct.pack("<III6i", 2, 40 + len(rest), flags, *descriptors) + rest


class Boot:
    """A monitor that was given a boot record, and the runtime's ends of what it holds."""

    def __init__(self, krun_vm: Path, directory: Path) -> None:
        """Prepare the pipe, the marker and the socket; nothing runs yet."""
        self._krun_vm = krun_vm
        self.fifo = directory / "exec.fifo"
        self.started = directory / "started"
        os.mkfifo(self.fifo)
        self.started.touch()
        self.sync, self._their_sync = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sync.settimeout(20)

    def run(
        self,
        program: Path,
        args: Sequence[bytes],
        env: Sequence[bytes] = (),
        *,
        flags: int = BARRIER,
        has_proc: bool = True,
    ) -> None:
        """Start the monitor with a record for `program`.

        What stands in for the monitor's private procfs is the tests' own, which a payload could not use then.
        """
        descriptors = [
            self._their_sync.fileno(),
            self._hidden(),
            -1,
            os.open("/proc", os.O_PATH) if has_proc else -1,
            os.open("/dev/kvm", os.O_RDWR),
            os.open(self._krun_vm, os.O_PATH),
        ]
        self.run_record(record(bytes(program), args, env, descriptors, flags), descriptors)
        for fd in filter(lambda fd: fd >= 0, descriptors[1:]):
            os.close(fd)

    def _hidden(self) -> int:
        """Return a socket that holds the pipe and the marker."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        files = [os.open(self.fifo, os.O_PATH), os.open(self.started, os.O_WRONLY)]
        with ours:
            socket.send_fds(ours, [b"\0"], files)
        for file in files:
            os.close(file)
        return theirs.detach()

    def run_record(self, content: bytes, descriptors: Sequence[int]) -> None:
        """Start the monitor with any bytes for a record."""
        boot = os.memfd_create("boot")
        os.write(boot, content)
        self.process = subprocess.Popen(
            [self._krun_vm, "--boot", str(boot)],
            env={},
            pass_fds=[boot, *(fd for fd in descriptors if fd >= 0)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        os.close(boot)
        self._their_sync.close()

    def message(self) -> tuple[int, int, str]:
        """Return the next message: type, value, text."""
        packet = self.sync.recv(4096)
        return (*struct.unpack_from("<II", packet), packet[8:].decode())

    def commit(self) -> None:
        """Tell the monitor that the container is created."""
        self.sync.send(struct.pack("<II", CONTINUE, 0))

    def close(self) -> None:
        """End the monitor, if it still runs."""
        self.process.kill()
        self.process.communicate()
        self.sync.close()


@pytest.fixture
def boot(krun_vm: Path, tmp_path: Path) -> Iterator[Boot]:
    """Return a monitor to be started with a boot record."""
    boot = Boot(krun_vm, tmp_path)
    yield boot
    boot.close()


def test_payload_waits_at_the_barrier_and_runs_after_it(boot: Boot, compiled: Compile) -> None:
    """READY and CONTINUE, then nothing until a reader opens the pipe; then marker, `ready` and payload."""
    boot.run(compiled("hello.c", "-static"), [b"hello", b"there"], [b"A=b"])
    assert boot.message() == (READY, 0, "")
    boot.commit()
    assert boot.sync.recv(1) == b"", "the socket is closed after READY"
    assert boot.process.stdout is not None
    assert select.select([boot.process.stdout], [], [], 0.2) == ([], [], []), "the payload runs before start"
    assert boot.started.read_bytes() == b""
    with boot.fifo.open("rb") as pipe:
        assert pipe.read() == b"ready\n"
    assert boot.started.read_bytes() == b"1"
    out, err = boot.process.communicate(timeout=20)
    assert (out, err, boot.process.returncode) == ("there|A=b|\n", "", 7)


def test_reader_that_goes_away_changes_nothing(boot: Boot, compiled: Compile) -> None:
    """The moment the pipe is open the container runs, whether the reader lives or not."""
    boot.run(compiled("hello.c", "-static"), [b"hello"])
    assert boot.message()[0] == READY
    boot.commit()
    os.close(os.open(boot.fifo, os.O_RDONLY))
    assert boot.process.wait(20) == 7
    assert boot.started.read_bytes() == b"1"


def test_signal_at_the_barrier_ends_the_monitor(boot: Boot, compiled: Compile) -> None:
    """A container that waits for its start can be killed."""
    boot.run(compiled("hello.c", "-static"), [b"hello"])
    assert boot.message()[0] == READY
    boot.commit()
    boot.process.terminate()
    assert boot.process.wait(20) == -15
    assert boot.started.read_bytes() == b""


def test_the_end_of_an_uncommitted_create_ends_the_monitor(boot: Boot, compiled: Compile) -> None:
    """A create that is killed leaves nobody who waits for a start and holds its caller's pipes."""
    boot.run(compiled("hello.c", "-static"), [b"hello"])
    assert boot.message()[0] == READY
    boot.sync.close()
    assert boot.process.wait(20) == 1
    assert boot.started.read_bytes() == b""


def test_what_cannot_run_is_an_error_before_ready(boot: Boot, tmp_path: Path) -> None:
    """The payload is loaded before READY, so that a bad one is the error of create."""
    program = tmp_path / "text"
    program.write_text("text")
    program.chmod(0o755)
    boot.run(program, [b"x"])
    kind, operation, text = boot.message()
    assert (kind, operation) == (ERROR, NO_OPERATION)
    assert text == f"ENOEXEC {program} is neither an ELF program nor a script that begins with #!"
    assert boot.process.wait(20) == 1


def test_without_the_flag_the_payload_runs_at_once(boot: Boot, compiled: Compile) -> None:
    """After startContainer hooks there is no barrier ahead."""
    boot.run(compiled("hello.c", "-static"), [b"hello"], flags=0)
    assert boot.process.wait(20) == 7
    assert boot.started.read_bytes() == b""


def test_payload_finds_only_its_own_descriptors(boot: Boot, static: Callable[[str], Path]) -> None:
    """Of the monitor's descriptors the payload sees none, in /proc/self/fd and by any number."""
    boot.run(static("descriptors"), [b"descriptors"], flags=0, has_proc=False)
    out, err = boot.process.communicate(timeout=20)
    assert (out, err, boot.process.returncode) == ("0 1 2\n0 1 2\n", "", 0)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"KRBT",
        b"XXXX" + bytes(60),
        record(b"/x", [b"x"], [], [-1] * 6, 0)[:-1],
        record(b"/x", [b"x"], [], [-1] * 6, 0) + b"\0",
        record(b"/x", [], [], [-1] * 6, 0),
        record(b"", [b"x"], [], [-1] * 6, 0),
        record(b"/x", [b"x"], [], [-1] * 6, 0x80),
        record(b"/x", [b"x"], [], [-1] * 6, 16),
        record(b"/x", [b"a\0b"], [], [-1] * 6, 0),
    ],
)
def test_damaged_record_is_refused(content: bytes, boot: Boot) -> None:
    """A record that is not complete, not of this version or not consistent is no record."""
    boot.run_record(content, [])
    _, err = boot.process.communicate(timeout=20)
    assert boot.process.returncode == 126
    assert err.startswith("krun-vm: the boot record ")

"""A person at a terminal: a program whose controlling terminal it is, what is typed and what is seen.

Out of scope: emulating a screen; what is seen is a stream of bytes.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence

from support.processes import TIMEOUT_S

CHUNK = 65536
SILENCE_S = 30.0


def _take_terminal() -> None:
    """Make standard input the controlling terminal, as a login does."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """A program on a terminal, and the person who types."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        rows: int = 24,
        columns: int = 80,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Start `command` on a terminal of that size."""
        self.master, slave = pty.openpty()
        self.seen = b""
        self.resize(rows, columns)
        self.mode = termios.tcgetattr(self.master)  # before anybody changes it
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=env,
            start_new_session=True,
            preexec_fn=_take_terminal,  # noqa: PLW1509  # the tests have one thread
        )
        os.close(slave)
        # A write that waits is not always woken when the last reader goes.
        os.set_blocking(self.master, False)

    def resize(self, rows: int, columns: int) -> None:
        """Change the window's size; the kernel tells the foreground process group."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: str) -> None:
        """Type `text`."""
        os.write(self.master, text.encode())

    def expect(self, text: str) -> str:
        """Read until `text` has come; returns everything up to its end."""
        return self.exchange(b"", text)

    def exchange(self, data: bytes, text: str) -> str:
        """Paste `data`, as fast as the terminal takes it, and read until `text` has come.

        Returns everything up to the end of `text`.  Raises AssertionError when nothing moves any more.
        """
        wanted, rest, look_from = text.encode(), memoryview(data), 0
        while wanted not in self.seen[look_from:]:
            look_from = max(0, len(self.seen) - len(wanted))
            writers = [self.master] if rest else []
            begin = time.monotonic()
            readable, writable, _ = select.select([self.master], writers, [], SILENCE_S)
            assert readable or writable, (
                f"no {text!r} within {time.monotonic() - begin:.0f} s: {self._tail()}"
            )
            if writable:
                rest = rest[self._write(rest[:4096]) :]
            if readable:
                self.seen += self._read(text)
        before, _, self.seen = self.seen.partition(wanted)
        return (before + wanted).decode()

    def wait(self) -> int:
        """Wait for the program's end and return its status; what it prints meanwhile is read."""
        pidfd = os.pidfd_open(self.process.pid)
        try:
            while True:
                readable, _, _ = select.select([self.master, pidfd], [], [], SILENCE_S)
                assert readable, f"it does not end: {self._tail()}"
                if self.master in readable:
                    try:
                        self.seen += os.read(self.master, CHUNK)
                    except OSError:  # EIO: nobody has the terminal open any more
                        return self.process.wait(TIMEOUT_S)
                elif pidfd in readable:
                    return self.process.wait(TIMEOUT_S)
        finally:
            os.close(pidfd)

    def close(self) -> None:
        """Hang up and wait for the program's end."""
        os.close(self.master)
        self.process.wait(TIMEOUT_S)

    def _write(self, data: memoryview) -> int:
        try:
            return os.write(self.master, data)
        except BlockingIOError:
            return 0

    def _read(self, text: str) -> bytes:
        try:
            return os.read(self.master, CHUNK)
        except OSError as error:
            raise AssertionError(f"the terminal ended before {text!r}: {self._tail()}") from error

    def _tail(self) -> str:
        return self.seen[-2000:].decode(errors="replace")

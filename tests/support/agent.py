"""A seccomp agent: takes listeners that a runtime sends, and answers the calls of a container.

Out of scope: what the answers mean.
"""

from __future__ import annotations

import array
import errno
import fcntl
import json
import os
import select
import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# _IOWR('!', 0 and 1, …), _IOW('!', 2 and 3, …)
NOTIF_RECV, NOTIF_SEND, NOTIF_ID_VALID, NOTIF_ADDFD = 0xC0502100, 0xC0182101, 0x40082102, 0x40182103
NOTIF_BYTES = 80
CONTINUE = 1
SETFD, SEND = 1, 2
TIMEOUT_S = 30


class Agent:
    """Listens on a socket.  Each listener comes over a connection of its own."""

    def __init__(self, path: Path) -> None:
        """Listen."""
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(os.fspath(path))
        self._socket.listen()
        self._socket.settimeout(TIMEOUT_S)

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()

    def take(self) -> tuple[dict[str, Any], int]:
        """Return the state and the listener of the next connection, which has to end after them."""
        connection, _ = self._socket.accept()
        with connection:
            connection.settimeout(TIMEOUT_S)
            data, files = b"", array.array("i")
            while True:
                chunk, ancillary, _, _ = connection.recvmsg(65536, socket.CMSG_SPACE(64))
                for _, _, rights in ancillary:
                    assert data == b"", "descriptors come with the first message only"
                    files.frombytes(rights[: len(rights) - len(rights) % files.itemsize])
                if not chunk:
                    break
                data += chunk
        (listener,) = files
        state: dict[str, Any] = json.loads(data)
        return state, listener


@dataclass(frozen=True)
class Asked:
    """A call that waits for an answer."""

    listener: int
    id: int
    pid: int
    number: int
    args: tuple[int, ...]

    def text(self, index: int) -> str:
        """Return the string that an argument points to; "(nothing)" where no memory is."""
        data = b""
        with open(f"/proc/{self.pid}/mem", "rb", buffering=0) as memory:
            while b"\0" not in data:
                try:
                    memory.seek(self.args[index] + len(data))
                    part = memory.read(4096 - (self.args[index] + len(data)) % 4096)
                except (OSError, ValueError, OverflowError):
                    return "(nothing)"
                if not part:
                    return "(nothing)"
                data += part
        return data.partition(b"\0")[0].decode()

    def write(self, index: int, data: bytes) -> None:
        """Write where an argument points to."""
        with open(f"/proc/{self.pid}/mem", "wb", buffering=0) as memory:
            memory.seek(self.args[index])
            memory.write(data)

    def answer(self, error: int = 0, value: int = 0, *, go_on: bool = False) -> bool:
        """Answer with an errno, a value, or by letting it go on; False when nobody waits any more."""
        response = struct.pack("<QqiI", self.id, value, -error, CONTINUE if go_on else 0)
        try:
            fcntl.ioctl(self.listener, NOTIF_SEND, response)
        except OSError as failure:
            if failure.errno != errno.ENOENT:
                raise
            return False
        return True

    def add(self, file: int, flags: int = 0, number: int = 0, *, cloexec: bool = False) -> int:
        """Give the caller a descriptor; return its number there."""
        request = struct.pack("<QIIII", self.id, flags, file, number, os.O_CLOEXEC if cloexec else 0)
        return fcntl.ioctl(self.listener, NOTIF_ADDFD, bytearray(request))

    def is_valid(self) -> bool:
        """Tell whether the caller still waits."""
        try:
            fcntl.ioctl(self.listener, NOTIF_ID_VALID, struct.pack("<Q", self.id))
        except OSError:
            return False
        return True


def receive(listener: int) -> Asked | None:
    """Return the next call that somebody is to answer; None when there will be none any more."""
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    while True:
        ready = poll.poll(TIMEOUT_S * 1000)
        if not ready:
            raise TimeoutError("no call was notified")
        if not ready[0][1] & select.POLLIN:
            return None
        notification = bytearray(NOTIF_BYTES)
        try:
            fcntl.ioctl(listener, NOTIF_RECV, notification)
        except OSError as failure:
            if failure.errno != errno.ENOENT:  # the caller has gone meanwhile
                raise
            continue
        id, pid, _flags, number = struct.unpack_from("<QIIi", notification)
        return Asked(listener, id, pid, number, struct.unpack_from("<6Q", notification, 32))


def answer(listener: int, error: int = 0, value: int = 0, *, go_on: bool = False) -> tuple[int, int]:
    """Answer one call, with an errno, a value, or by letting it go on; return its pid and number."""
    asked = receive(listener)
    assert asked is not None, "nobody is left who could ask"
    asked.answer(error, value, go_on=go_on)
    return asked.pid, asked.number

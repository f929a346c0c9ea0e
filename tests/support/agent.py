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
from pathlib import Path
from typing import Any

NOTIF_RECV, NOTIF_SEND = 0xC0502100, 0xC0182101  # _IOWR('!', 0 and 1, …)
NOTIF_BYTES = 80
CONTINUE = 1
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


def answer(listener: int, error: int = 0, value: int = 0, *, go_on: bool = False) -> tuple[int, int]:
    """Answer one call, with an errno, a value, or by letting it go on; return its pid and number."""
    if not select.select([listener], [], [], TIMEOUT_S)[0]:
        raise TimeoutError("no call was notified")
    notification = bytearray(NOTIF_BYTES)
    fcntl.ioctl(listener, NOTIF_RECV, notification)
    id, pid, _flags, number = struct.unpack_from("<QIIi", notification)
    flags = CONTINUE if go_on else 0
    response = struct.pack("<QqiI", id, value, -error, flags)
    try:
        fcntl.ioctl(listener, NOTIF_SEND, response)
    except OSError as failure:
        if failure.errno != errno.ENOENT:  # the process has died meanwhile
            raise
    return pid, number

"""Unix sockets as krun uses them: whole packets, and descriptors in messages.

Built on `_socket`, because `socket` imports enum and selectors.  Out of scope: what is said.
"""

from __future__ import annotations

import _socket
import sys

from krun import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_RIGHTS_SPACE = _socket.CMSG_SPACE(4)
_LONGEST_PATH = 107  # sun_path without its NUL


class Packets:
    """One end of a SOCK_SEQPACKET pair: a message goes and comes as a whole."""

    def __init__(self, end: _socket.socket) -> None:
        """Take over one end."""
        self._end = end

    def fileno(self) -> int:
        """Return the descriptor, which stays this object's."""
        return self._end.fileno()

    def send(self, packet: bytes) -> bool:
        """Send a packet; False when the other side is gone."""
        try:
            self._end.send(packet, _socket.MSG_NOSIGNAL)
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def receive(self, size: int) -> bytes:
        """Receive a packet of at most `size` bytes; b"" is the end."""
        try:
            return self._end.recv(size)
        except ConnectionResetError:
            return b""

    def close(self) -> None:
        """Close the descriptor."""
        self._end.close()


def packet_pair() -> tuple[Packets, Packets]:
    """Make two connected ends, both close-on-exec."""
    kind = _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC
    ours, theirs = _socket.socketpair(_socket.AF_UNIX, kind)
    return Packets(ours), Packets(theirs)


def connect_stream(path: str) -> int:
    """Connect to a Unix stream socket by its path, however long; return an owned descriptor.

    Raises OSError.
    """
    end = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    try:
        _at_path(path, end.connect)
        return end.detach()
    finally:
        end.close()


def _at_path(path: str, use: Callable[[str], None]) -> None:
    """Bind or connect to a path, however long."""
    if len(os.fsencode(path)) <= _LONGEST_PATH:
        use(path)
        return
    folder = os.open(os.path.dirname(path) or ".", os.O_PATH | os.O_CLOEXEC)
    try:
        use(f"/proc/self/fd/{folder}/{os.path.basename(path)}")
    finally:
        os.close(folder)


def stream_pair() -> tuple[int, int]:
    """Make two connected stream sockets; return owned descriptors, both close-on-exec."""
    one, other = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    return one.detach(), other.detach()


def send_descriptor(socket: int, descriptor: int, text: bytes) -> None:
    """Send a descriptor over a stream socket, with some bytes to carry it.  Raises OSError."""
    end = _socket.socket(fileno=os.dup(socket))
    try:
        rights = descriptor.to_bytes(4, sys.byteorder)
        end.sendmsg([text], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)], _socket.MSG_NOSIGNAL)
    finally:
        end.close()


def receive_descriptor(socket: int) -> int | None:
    """Receive one descriptor over a stream socket; owned, close-on-exec; None when the other side is gone."""
    end = _socket.socket(fileno=os.dup(socket))
    try:
        _, ancillary, _, _ = end.recvmsg(4096, _RIGHTS_SPACE, _socket.MSG_CMSG_CLOEXEC)
    finally:
        end.close()
    for level, kind, data in ancillary:
        if (level, kind) == (_socket.SOL_SOCKET, _socket.SCM_RIGHTS) and len(data) >= 4:
            return int.from_bytes(data[:4], sys.byteorder)
    return None


def datagram_socket() -> int:
    """Make a SOCK_DGRAM socket without a name; return an owned descriptor, close-on-exec."""
    return _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC).detach()


def bind_for_all(socket: int, path: str) -> None:
    """Give a socket a name, in place of an old one, where everybody may send to.  Raises OSError."""
    if os.path.lexists(path):
        os.unlink(path)
    end = _socket.socket(fileno=socket)
    # Not by its name afterwards: who may write to the directory could have put another file there.
    former = os.umask(0)
    try:
        _at_path(path, end.bind)
    finally:
        os.umask(former)
        end.detach()


def receive_datagram(socket: int, size: int) -> bytes:
    """Receive one message; what is longer than `size` is lost, and so are descriptors that come with it."""
    end = _socket.socket(fileno=socket)
    try:
        return end.recv(size)
    finally:
        end.detach()


def send_datagram(socket: int, address: str, message: bytes, descriptor: int = -1) -> None:
    """Send a message, and a descriptor unless it is -1, to a path or an abstract `@name`.  Raises OSError."""
    rights = []
    if descriptor >= 0:
        value = descriptor.to_bytes(4, sys.byteorder)
        rights.append((_socket.SOL_SOCKET, _socket.SCM_RIGHTS, value))
    end = _socket.socket(fileno=socket)
    try:
        if address.startswith("@"):
            end.connect(b"\0" + os.fsencode(address[1:]))
        else:
            _at_path(address, end.connect)
        end.sendmsg([message], rights, _socket.MSG_NOSIGNAL)
    finally:
        end.detach()

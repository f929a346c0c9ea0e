"""Passing on what the payload tells the service manager (sd_notify(3)).

The payload sees a socket of krun's in the container's state directory.  A `start` stays until it has passed
on that the payload is ready, because afterwards there is nobody left to listen; a `run` in the foreground
stays anyway and passes on everything.

Out of scope: how the payload learns of the socket (`krun.plan.notify`).
"""

from __future__ import annotations

import select

from krun import os
from krun.errors import HostError, symbol
from krun.execute.inherited import notify_address
from krun.plan.notify import SOCKET
from krun.state.store import NOTIFY
from krun.sys.packets import bind_for_all, datagram_socket, receive_datagram, send_datagram

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.log import Log
    from krun.sys.descriptors import Descriptors

_MESSAGE_BYTES = 4096
_BARRIER_MS = 30_000
# Pids and descriptors of the container mean nothing to the manager outside of it.
_UNTRANSLATABLE = (b"MAINPID=", b"BARRIER=", b"FDSTORE=", b"FDSTOREREMOVE=", b"FDNAME=", b"FDPOLL=")


class Notifier:
    """The payload's socket, bound, and the way from it to the service manager."""

    def __init__(self, sockets: tuple[int, int], address: str, main_pid: int, log: Log) -> None:
        """Begin.

        sockets: the payload's, bound, and one to send from; they stay the caller's.
        address: the manager's socket, a path or an abstract name that begins with `@`.
        main_pid: what the manager is told to be the unit's main process once the payload is ready; 0 for
        krun itself, which the manager knows.
        """
        self._inside, self._outside = sockets
        self._address, self._main_pid, self._log = address, main_pid, log

    def fileno(self) -> int:
        """Return what is readable when the payload has said something."""
        return self._inside

    def forward(self) -> bool:
        """Pass on one message; True when it says that the payload is ready."""
        lines = receive_datagram(self._inside, _MESSAGE_BYTES).split(b"\n")
        kept = [line for line in lines if line and not line.startswith(_UNTRANSLATABLE)]
        is_ready = b"READY=1" in kept
        if is_ready and self._main_pid:
            kept.append(b"MAINPID=%d" % self._main_pid)
        if kept:
            self._send(b"\n".join(kept))
        return is_ready

    def forward_until_ready(self, pidfd: int) -> None:
        """Pass on messages until the payload is ready, or has ended without it; `pidfd` is its own."""
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        poll.register(pidfd, select.POLLIN)
        while True:
            ready = [file for file, _ in poll.poll()]
            if self.fileno() not in ready:
                return
            if self.forward():
                self._wait_for_manager()
                return

    def _wait_for_manager(self) -> None:
        """Wait until the manager has read all: it looks at the sender, which must not be gone by then."""
        reading, writing = os.pipe2(os.O_CLOEXEC)
        try:
            self._send(b"BARRIER=1", writing)
            os.close(writing)
            writing = -1
            poll = select.poll()
            poll.register(reading, select.POLLIN)
            if not poll.poll(_BARRIER_MS):
                self._log.warning(f"NOTIFY_SOCKET {self._address}: not read within {_BARRIER_MS // 1000} s")
        finally:
            os.close(reading)
            if writing >= 0:
                os.close(writing)

    def _send(self, message: bytes, descriptor: int = -1) -> None:
        """Send to the manager.  That it does not listen is no failure of the container's."""
        try:
            send_datagram(self._outside, self._address, message, descriptor)
        except OSError as error:
            found = symbol(error)
            self._log.warning(f"NOTIFY_SOCKET {self._address}: cannot be written to: {found}")


def open_notifier(path: str, main_pid: int, log: Log, files: Descriptors) -> Notifier | None:
    """Bind the payload's socket in a container's state directory `path`, before the payload runs.

    main_pid: as for Notifier.  files: takes over the descriptors.
    Returns None without a NOTIFY_SOCKET, and for a container that was created without one.
    Raises HostError when the socket cannot be made.
    """
    address, directory = notify_address(), f"{path}/{NOTIFY}"
    if address == "" or not os.path.isdir(directory):
        return None
    sockets = (files.add(datagram_socket()), files.add(datagram_socket()))
    try:
        bind_for_all(sockets[0], f"{directory}/{SOCKET}")
    except OSError as error:
        found = symbol(error)
        raise HostError(f"notify socket {directory}/{SOCKET}", f"cannot be made: {found}") from error
    return Notifier(sockets, address, main_pid, log)

"""The terminal's master: handed to the caller over its console socket, or relayed by krun itself.

The container's init makes the terminal and sends the master over the descriptor of KR_FD_CONSOLE.  With
`create` that descriptor is the caller's socket; with `run` in the foreground it is one end of a pair, and
krun copies between the master and its own terminal.
"""

from __future__ import annotations

import errno

from krun import os
from krun.errors import HostError, KrunError, symbol
from krun.sys.packets import connect_stream, receive_descriptor, stream_pair

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CHUNK = 65536
_PIPE_BUF = 4096
"""What a pipe that is said to be writable takes without a wait (pipe(7))."""
_MOST_LEFT = 1 << 20
"""More bytes than the kernel keeps of what was written to a terminal and not read yet."""


def connect(what: str, path: str) -> int:
    """Connect to a socket of the caller's, `what` being its name in errors; return an owned descriptor.

    Raises HostError.
    """
    try:
        return connect_stream(path)
    except OSError as error:
        found = {
            errno.ENOENT: "it is not there",
            errno.ECONNREFUSED: "nobody listens on it",
            errno.ENOTSOCK: "it is no socket",
        }.get(error.errno or 0, symbol(error))
        raise HostError(f"{what} {path}", found) from error


def console_pair() -> tuple[int, int]:
    """Make the pair for a terminal that krun relays: init's end, and the one where the master arrives."""
    return stream_pair()


def take_master(socket: int) -> int:
    """Return the master that arrived, an owned descriptor."""
    master = receive_descriptor(socket)
    if master is None:
        raise KrunError("the container's init sent no terminal")
    return master


def window_size() -> tuple[int, int] | None:
    """Return rows and columns of krun's own terminal; None when standard input is none, or has no size."""
    import fcntl
    import sys
    import termios

    if not os.isatty(0):
        return None
    size = fcntl.ioctl(0, termios.TIOCGWINSZ, b"\0" * 8)
    rows, columns = (int.from_bytes(size[i : i + 2], sys.byteorder) for i in (0, 2))
    return (rows, columns) if rows and columns else None


class Relay:
    """Copies between krun's standard input and output and a terminal's master.

    While it exists, standard input is in raw mode if it is a terminal; the window's size follows it.
    It waits for nobody: who does not read what the payload says must not keep krun from its signals.
    """

    def __init__(self, master: int) -> None:
        """Take over the master and put standard input into raw mode."""
        import termios

        self._master = master
        self._saved: list[Any] | None = None
        os.set_blocking(master, False)
        if os.isatty(0):
            self._saved = termios.tcgetattr(0)
            termios.tcsetattr(0, termios.TCSANOW, _raw(self._saved))
        self.resize()
        self._input_open = True
        self._pending = b""
        self._output = b""

    def resize(self) -> None:
        """Give the terminal the size of standard input's window, if that has one: serial lines have 0x0."""
        import fcntl
        import termios

        if os.isatty(0):
            size = fcntl.ioctl(0, termios.TIOCGWINSZ, b"\0" * 8)
            if any(size[:2]) and any(size[2:4]):  # rows and columns
                fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)

    def interests(self) -> dict[int, int]:
        """Return what to poll: descriptor -> events."""
        import select

        wanted = {self._master: select.POLLOUT} if self._pending else {}
        if self._output:
            wanted[1] = select.POLLOUT
        else:
            wanted[self._master] = wanted.get(self._master, 0) | select.POLLIN
        if self._input_open and not self._pending:
            wanted[0] = select.POLLIN
        return wanted

    def serve(self, ready: dict[int, int]) -> bool:
        """Copy what is ready; False when the terminal has ended."""
        if 0 in ready:
            self._pending = os.read(0, _CHUNK)
            if not self._pending:
                # The end of a terminal's input is a character, not a closed descriptor.
                self._input_open, self._pending = False, b"" if os.isatty(0) else b"\x04"
        if self._pending:
            self._copy_in()
        if self.flush():
            return True
        return self._copy_out() if self._master in ready else True

    def drain(self) -> None:
        """Take what the ended payload has left in the terminal; copy what standard output takes at once.

        Whoever goes on writing there keeps krun no longer.
        """
        while len(self._output) < _MOST_LEFT and self._take():
            continue
        self.flush()

    def flush(self) -> bool:
        """Write what standard output takes at once; tell whether there is more."""
        import select

        poll = select.poll()
        poll.register(1, select.POLLOUT)
        while self._output and poll.poll(0):
            self._output = self._output[os.write(1, self._output[:_PIPE_BUF]) :]
        return self._output != b""

    def close(self) -> None:
        """Give the terminal back as it was."""
        if self._saved is not None:
            _give_back(self._saved)
            self._saved = None
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def _copy_in(self) -> None:
        try:
            written = os.write(self._master, self._pending)
        except BlockingIOError:
            return  # the payload does not read; poll says when it does
        self._pending = self._pending[written:]

    def _copy_out(self) -> bool:
        if self._take() is None:
            return False
        self.flush()
        return True

    def _take(self) -> bool | None:
        """Take one piece of what the payload has said; None when the terminal has ended."""
        try:
            data = os.read(self._master, _CHUNK)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno == errno.EIO:  # nobody holds the other end any more
                return None
            raise
        self._output += data
        return True if data else None


def _give_back(mode: list[Any]) -> None:
    """Set standard input's attributes when what it was written is out."""
    import termios

    try:
        termios.tcsetattr(0, termios.TCSADRAIN, mode)
    except termios.error:
        return  # EIO: it was hung up meanwhile


def _raw(mode: list[Any]) -> list[Any]:
    """Return terminal attributes in which every byte of input passes unchanged, as with cfmakeraw(3).

    Output keeps its processing: the container's terminal leaves line ends to this one.
    """
    import termios

    iflag, oflag, cflag, lflag, ispeed, ospeed, characters = mode
    iflag &= ~(
        termios.IGNBRK
        | termios.BRKINT
        | termios.PARMRK
        | termios.ISTRIP
        | termios.INLCR
        | termios.IGNCR
        | termios.ICRNL
        | termios.IXON
    )
    lflag &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN)
    cflag = (cflag & ~(termios.CSIZE | termios.PARENB)) | termios.CS8
    return [iflag, oflag, cflag, lflag, ispeed, ospeed, characters]

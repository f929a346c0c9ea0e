"""Signals without the module `signal`, whose import of `enum` costs more than a whole verb of krun's.

`signal` itself is a thin layer over `_signal`, the module used here.  Out of scope: who is to be signalled.
"""

from __future__ import annotations

from krun import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal  # the same names, with types
else:
    import _signal

SIGHUP: int = _signal.SIGHUP
SIGINT: int = _signal.SIGINT
SIGQUIT: int = _signal.SIGQUIT
SIGTERM: int = _signal.SIGTERM
SIGKILL: int = _signal.SIGKILL
SIGPIPE: int = _signal.SIGPIPE
SIGSTOP: int = _signal.SIGSTOP
SIGWINCH: int = _signal.SIGWINCH
SIGXFSZ: int = _signal.SIGXFSZ
LAST: int = _signal.NSIG - 1

STOPPING: tuple[int, ...] = (SIGHUP, SIGINT, SIGQUIT, SIGTERM)
"""Those by which a krun at work is asked to stop."""

FORWARDED: tuple[int, ...] = (
    *STOPPING,
    SIGWINCH,
    _signal.SIGUSR1,
    _signal.SIGUSR2,
    _signal.SIGALRM,
    _signal.SIGCONT,
    _signal.SIGTSTP,
    *range(_signal.SIGRTMIN, _signal.SIGRTMAX + 1),
)
"""Those that a krun in the foreground passes on to the container's init."""


def number_of(text: str) -> int:
    """Return the number of a signal given as `15`, `TERM`, `SIGTERM`, `sigterm`, `RTMIN+1` or `RTMAX-1`.

    0 is allowed: the kernel then only looks whether the process is there.
    Raises ValueError for what is no signal of this kernel.
    """
    if text.isascii() and text.isdecimal():
        number = int(text)
    else:
        name = text.upper().removeprefix("SIG")
        base, sign, offset = name, "", ""
        for sign in "+-":
            base, found, offset = name.partition(sign)
            if found:
                break
        value = vars(_signal).get(f"SIG{base}") if base and not base.startswith("_") else None
        if not isinstance(value, int) or (offset and not (offset.isdecimal() and base in ("RTMIN", "RTMAX"))):
            raise ValueError(f"{text!r} is not a signal")
        number = int(value) + int(f"{sign}{offset}" if offset else 0)
    if not 0 <= number <= LAST:
        raise ValueError(f"{text!r} is not a signal")
    return number


def name_of(number: int) -> str:
    """Return `SIGKILL` for 9; `signal 40` for one without a name."""
    names = (name for name, value in vars(_signal).items() if value == number)
    return next((n for n in names if n.startswith("SIG") and not n.startswith("SIG_")), f"signal {number}")


def send(pidfd: int, number: int) -> bool:
    """Send a signal to the process of a pidfd; False when it has ended.  Raises OSError."""
    try:
        _signal.pidfd_send_signal(pidfd, number)
    except ProcessLookupError:
        return False
    return True


class Arrivals:
    """Signals that are caught from here on and wait to be read, so that they interrupt nothing half-way.

    `fd` is readable while there is one.  A code that must not stop simply does not look.
    """

    def __init__(self, numbers: tuple[int, ...]) -> None:
        """Catch these signals."""
        self.fd, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        _signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        self.catch(numbers)

    def catch(self, numbers: tuple[int, ...]) -> None:
        """Catch these signals too, but for those that the caller has had ignored (nohup)."""
        for number in numbers:
            if _signal.getsignal(number) is not _signal.SIG_IGN:
                _signal.signal(number, _do_nothing)

    def take(self) -> tuple[int, ...]:
        """Return the numbers of the signals that have arrived, in their order; does not wait."""
        try:
            return tuple(os.read(self.fd, 4096))
        except BlockingIOError:
            return ()


def _do_nothing(_number: int, _frame: object) -> None:
    """Be a handler: the interpreter then writes the number to the wake-up descriptor."""

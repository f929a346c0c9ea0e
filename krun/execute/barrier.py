"""The runtime's side of the barrier between `create` and `start` (specs/barrier.md)."""

from __future__ import annotations

import select

from krun import os
from krun.errors import HookError, KrunError, PayloadError, WrongStatus, with_errno

_RECORD_BYTES = 4096
_READY = "ready"
_ERROR = "error"


def make_fifo(path: str) -> int:
    """Make the pipe; return an owned O_PATH descriptor of it for init."""
    os.mkfifo(path)
    os.chmod(path, 0o622)  # init may be a user of a namespace of its own, and the umask is the caller's
    return os.open(path, os.O_PATH | os.O_CLOEXEC)


def make_started(path: str) -> int:
    """Make the file `started`; return an owned descriptor that writes to it, for init."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)


def release(id: str, fifo_path: str, started_path: str, pidfd: int) -> None:
    """Let the payload run and wait until it does.

    The caller holds the container's lock; `pidfd` is init's.
    Raises WrongStatus when it runs already, PayloadError with init's words when it cannot be executed,
    HookError when a startContainer hook failed, and KrunError when init ended on the way.
    """
    try:
        fifo = os.open(fifo_path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise _already_running(id) from None
    try:
        # The byte may be the answer to this very opening: then init holds the pipe or has left a record in
        # it.  A writer that came and went before the opening has left neither.
        first: bytes | None = b""
        if os.stat(started_path).st_size > 0:
            first = _read_now(fifo)
            if first == b"":
                raise _already_running(id)
        records = (first or b"") + _read_records(fifo, pidfd)
    finally:
        os.close(fifo)
    _check(records, f'container "{id}" ended before its process was started')
    os.unlink(fifo_path)


def open_gate() -> tuple[int, int]:
    """Make a barrier that lets through at once: a pipe that init can open, because it is open already.

    Returns the end to read from and the one for init; owned descriptors.
    """
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    os.fchmod(writing, 0o622)  # as the named pipe: init may be any user by then
    return reading, writing


def wait_for_payload(gate: int, pidfd: int) -> None:
    """Wait until the process behind an open gate runs.  The caller has closed the other end.

    Raises PayloadError with its words when it cannot be executed, KrunError when it ended on the way.
    """
    _check(_read_records(gate, pidfd), "the process ended before it was executed")


def _check(records: bytes, ended: str) -> None:
    """Raise what the records of init say; `ended` is for those that do not say that the payload runs."""
    lines = records.decode("utf-8", "replace").splitlines()
    failure = next((line for line in lines if line.startswith(f"{_ERROR} ")), None)
    if failure is not None:
        raise _hook_error(_words(failure)) or PayloadError(_words(failure))
    if _READY not in lines:
        raise KrunError(ended)


def _already_running(id: str) -> WrongStatus:
    return WrongStatus(id, f'container "{id}" cannot be started: it is already running')


def _read_now(fifo: int) -> bytes | None:
    """Read what is in the pipe: b"" when it is empty and nobody writes, None when a writer holds it."""
    try:
        return os.read(fifo, _RECORD_BYTES)
    except BlockingIOError:
        return None


def _words(failure: str) -> str:
    """Return what init says in its record `error OP ERRNO TEXT`."""
    fields = failure.split(" ", 3)
    if len(fields) < 4:
        return failure
    _, _, name, text = fields
    return text if _hook_error(text) is not None else with_errno(name, text)


def _hook_error(words: str) -> HookError | None:
    """Return the error of a hook for `hook POINT[INDEX] PATH: REASON`, None for other words."""
    name, opened, rest = words.partition("[")
    index, closed, rest = rest.partition("] ")
    path, _, reason = rest.partition(": ")
    if not (name.startswith("hook ") and opened and closed and index.isdecimal()):
        return None
    return HookError(name.removeprefix("hook "), int(index), path, reason)


def _read_records(fifo: int, pidfd: int) -> bytes:
    """Read until the writer has closed the pipe, or init has ended."""
    data = b""
    poll = select.poll()
    poll.register(fifo, select.POLLIN)
    poll.register(pidfd, select.POLLIN)
    while True:
        # Before the writer has come, the pipe is not ready.  Once init is dead it has written all that it
        # will, so then too the pipe is read to its end, whatever poll saw of it.
        poll.poll()
        chunk = _read_now(fifo)
        if not chunk:  # None: a process that init left behind still holds it
            return data
        data += chunk

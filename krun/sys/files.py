"""Reading a whole file, but not without bound: callers name some of them.

Plain system calls: the text layer of `open` would cost more than most reads do.

Out of scope: what is in it.
"""

from __future__ import annotations

import errno

from krun import os

MOST_BYTES = 16 << 20
"""Far beyond what any client writes; a device that never ends is named by mistake."""


def read_document(file: str | int) -> bytes:
    """Return the bytes of a file, or of an open descriptor, which stays open.

    Raises OSError, with EFBIG when there are more than MOST_BYTES.
    """
    if isinstance(file, int):
        return _read_all(file, file)
    stream = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _read_all(stream, file)
    finally:
        os.close(stream)


def read_text(path: str) -> str:
    """Return what a file says, as names and paths are decoded.  Raises OSError as read_document does."""
    return os.fsdecode(read_document(path))


def _read_all(stream: int, name: str | int) -> bytes:
    parts, size = [], 0
    while part := os.read(stream, 1 << 16):
        parts.append(part)
        size += len(part)
        if size > MOST_BYTES:
            raise OSError(errno.EFBIG, "too large", name)
    return b"".join(parts)

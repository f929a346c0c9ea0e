"""Reading what callers name: a whole file, but not without bound.

Out of scope: what is in it.
"""

from __future__ import annotations

import errno

MOST_BYTES = 16 << 20
"""Far beyond what any client writes; a device that never ends is named by mistake."""


def read_document(file: str | int) -> bytes:
    """Return the bytes of a file, or of an open descriptor, which stays open.

    Raises OSError, with EFBIG when there are more than MOST_BYTES.
    """
    with open(file, "rb", closefd=not isinstance(file, int)) as stream:
        data = stream.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise OSError(errno.EFBIG, "too large", file)
    return data

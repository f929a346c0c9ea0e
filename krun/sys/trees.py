"""Walking through directories that somebody else has made, however deep.

One descriptor at a time: a payload makes directories deeper than descriptors last and than a path is long.
Out of scope: what is done with them.
"""

from __future__ import annotations

from krun import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_BELOW = _DIRECTORY | os.O_NOFOLLOW


def remove(top: str) -> None:
    """Remove a directory with all that it holds, if it is there.  Raises OSError."""
    for above, name in directories(top):
        directory = os.open(name, _BELOW, dir_fd=above)
        try:
            for file in os.listdir(directory):
                os.unlink(file, dir_fd=directory)
        finally:
            os.close(directory)
        os.rmdir(name, dir_fd=above)


def directories(top: str) -> Iterator[tuple[int, str]]:
    """Give the directories below one, each after those below it, and then that one; none when it is gone.

    Each is a name in the directory of a descriptor, which is good until the next is asked for.  They may be
    removed meanwhile, but not moved elsewhere.  Raises OSError.
    """
    above, _, name = top.rpartition("/")
    try:
        here = os.open(above, _DIRECTORY)
    except FileNotFoundError:
        return
    # Of each directory above here and of here, what is left; the last of one above is the way that was taken.
    left = [[name]]
    try:
        while True:
            while left[-1]:
                try:
                    below = os.open(left[-1][-1], _BELOW, dir_fd=here)
                except FileNotFoundError:
                    left[-1].pop()
                    continue
                here = _replaced(here, below)
                left.append(_children(here))
            left.pop()
            if not left:
                return
            here = _replaced(here, os.open("..", _DIRECTORY, dir_fd=here))
            yield here, left[-1].pop()
    finally:
        os.close(here)


def _replaced(old: int, new: int) -> int:
    os.close(old)
    return new


def _children(directory: int) -> list[str]:
    try:
        with os.scandir(directory) as entries:
            return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []  # it was removed after it had been opened

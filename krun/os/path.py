"""Paths as text: what krun needs of `os.path`, with the same results, and without importing `os`."""

from __future__ import annotations

from posix import getcwd, lstat, stat

_TYPE_MASK = 0o170000
_DIRECTORY = 0o040000


def join(path: str, *parts: str) -> str:
    """Put parts behind a path, with one slash between; an absolute part begins anew."""
    for part in parts:
        if part.startswith("/"):
            path = part
        elif not path or path.endswith("/"):
            path += part
        else:
            path += "/" + part
    return path


def split(path: str) -> tuple[str, str]:
    """Return what stands before the last slash, and what behind it."""
    head, slash, tail = path.rpartition("/")
    return head.rstrip("/") or head + slash, tail


def dirname(path: str) -> str:
    """Return what stands before the last slash."""
    return split(path)[0]


def basename(path: str) -> str:
    """Return what stands behind the last slash."""
    return path[path.rfind("/") + 1 :]


def normpath(path: str) -> str:
    """Take out `.`, doubled slashes, and `..` with the part before it, by the text alone."""
    parts: list[str] = []
    # POSIX leaves to the system what exactly two slashes at the beginning mean.
    slashes = 0 if not path.startswith("/") else 2 if path.startswith("//") and path[2:3] != "/" else 1
    for part in path.split("/"):
        if part in ("", "."):
            continue
        if part != ".." or (not slashes and not parts) or (parts and parts[-1] == ".."):
            parts.append(part)
        elif parts:
            parts.pop()
    return "/" * slashes + "/".join(parts) or "."


def abspath(path: str) -> str:
    """Return the normal form of a path, from the working directory where it is relative.  Raises OSError."""
    return normpath(path if path.startswith("/") else join(getcwd(), path))


def exists(path: str) -> bool:
    """Tell whether a path leads to something."""
    return _mode(path) is not None


def lexists(path: str) -> bool:
    """Tell whether a path is there, be it a link that leads nowhere."""
    try:
        lstat(path)
    except (OSError, ValueError):
        return False
    return True


def isdir(path: str) -> bool:
    """Tell whether a path leads to a directory."""
    mode = _mode(path)
    return mode is not None and mode & _TYPE_MASK == _DIRECTORY


def _mode(path: str) -> int | None:
    try:
        return stat(path).st_mode
    except (OSError, ValueError):
        return None

"""Compiles seccomp profiles, and keeps what was compiled: libseccomp takes longer than the rest of `create`.

The cache is a directory of the caller's own, `<XDG_RUNTIME_DIR or /run>/krun/.cache`, emptied by a reboot.
It stands among the containers, in a place that no id of theirs can name.
Nothing is taken from it that another user could have put there.  Without a usable directory everything is
compiled anew.
"""

from __future__ import annotations

import stat

from krun import os
from krun.errors import Unsupported
from krun.sys import native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hashlib import sha256

    from krun.spec.model import Seccomp
else:  # hashlib itself would load OpenSSL
    try:
        from _sha256 import sha256
    except ImportError:  # where Python 3.12 has it
        from _sha2 import sha256

_FORMAT = b"krun seccomp 2\0"  # changes whenever compile_seccomp would compile the same profile differently
_MOST_ENTRIES = 64
_INSTRUCTION_BYTES = 8


def compile_filter(profile: Seccomp, base: str = "") -> bytes:
    """Return the profile as classic BPF, from the cache if it is there.  Raises Unsupported.

    base: the directory below which the cache is; by default the user's runtime directory.
    """
    directory = _open_cache(base or _runtime_directory())
    if directory is None:
        return _compile(profile)
    try:
        name = sha256(_FORMAT + repr(profile).encode()).hexdigest()
        code = _read(directory, name)
        if code is None:
            code = _compile(profile)
            _write(directory, name, code)
        return code
    finally:
        os.close(directory)


def _compile(profile: Seccomp) -> bytes:
    try:
        return native.compile_seccomp(
            profile.default_action, profile.default_errno_ret, profile.architectures, profile.syscalls
        )
    except KeyError as error:
        raise Unsupported("$.linux.seccomp", f"{error.args[0]!r} is not known to this krun") from error
    except OSError as error:
        raise Unsupported("$.linux.seccomp", f"cannot be compiled: {error.strerror}") from error


def _runtime_directory() -> str:
    return "/run" if os.geteuid() == 0 else os.getenv("XDG_RUNTIME_DIR", "/run")


def _open_cache(base: str) -> int | None:
    """Open the directory of the cache, which nobody else may write to; None when there is no such thing."""
    try:
        parent = _open_own(None, f"{base}/krun")
        try:
            return _open_own(parent, ".cache")
        finally:
            os.close(parent)
    except OSError:
        return None


def _open_own(parent: int | None, path: str) -> int:
    """Open, and make if needed, a directory that belongs to the caller alone.  Raises OSError."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        directory = os.open(path, flags, dir_fd=parent)
    except FileNotFoundError:
        os.mkdir(path, 0o711, dir_fd=parent)
        directory = os.open(path, flags, dir_fd=parent)
    if not _is_own(directory):
        os.close(directory)
        raise PermissionError(path)
    return directory


def _is_own(file: int) -> bool:
    found = os.fstat(file)
    return found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _read(directory: int, name: str) -> bytes | None:
    try:
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    except OSError:
        return None
    try:
        if not _is_own(file):
            return None
        code = os.read(file, os.fstat(file).st_size)
        return code if code and len(code) % _INSTRUCTION_BYTES == 0 else None
    finally:
        os.close(file)


def _write(directory: int, name: str, code: bytes) -> None:
    """Add an entry; it appears as a whole.  A full disk, say, only means that there is no entry."""
    new = f"{name}.{os.getpid()}"
    try:
        entries = os.listdir(directory)
        if len(entries) >= _MOST_ENTRIES:
            for entry in entries:
                os.unlink(entry, dir_fd=directory)
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=directory)
        try:
            written = os.write(file, code)
        finally:
            os.close(file)
        if written == len(code):
            os.rename(new, name, src_dir_fd=directory, dst_dir_fd=directory)
        else:
            os.unlink(new, dir_fd=directory)
    except OSError:
        return

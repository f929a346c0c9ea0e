"""The directories of containers, `<root>/<id>/`: made, locked, read, rewritten as one, removed.

A directory holds the record `krun.json`, the `lock`, the pipe `exec.fifo` and the file `started`
(specs/barrier.md), and `process.json`: what `exec` has to know of the configuration, in a file of its own,
because the other verbs would read a whole seccomp profile for nothing.  The root may be shared with other
runtimes (dockerd gives all of them the same one): a directory without a record is somebody else's and is
left alone.

Who changes a container holds its lock; who only reads needs none, because a record changes by rename.
An id is the name of a directory: callers have checked it (krun.spec.ids) before it comes here.
"""

from __future__ import annotations

import errno
import fcntl

from krun import os
from krun.errors import ContainerExists, HostError, KrunError, NoSuchContainer, WrongStatus, symbol
from krun.state import liveness
from krun.state.model import (
    CREATED,
    CREATING,
    PAUSED,
    RUNNING,
    STOPPED,
    Container,
    from_document,
    to_document,
)
from krun.sys import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, Self

RECORD = "krun.json"
LOCK = "krun.lock"
FIFO = "exec.fifo"
STARTED = "started"
PROCESS = "process.json"
NOTIFY = "notify"
"""A directory, visible in the container, for the socket by which the payload says that it is ready."""
_NEW_RECORD = "krun.json.new"
_LONGEST_PATH = 4096  # PATH_MAX of limits.h, with its NUL
_OWN_FILES = frozenset((RECORD, LOCK, FIFO, STARTED, PROCESS, NOTIFY, _NEW_RECORD))


class Held:
    """A container's directory, locked until `release`.  Only who holds it changes what is in it."""

    def __init__(self, root: str, id: str, lock: int) -> None:
        """Take over the locked descriptor."""
        self.id, self.path, self._root, self._lock = id, f"{root}/{id}", root, lock
        status = os.fstat(lock)
        self._file = status.st_ino, status.st_ctime_ns

    def save(self, container: Container) -> None:
        """Replace the record as a whole: a reader sees the old one or the new one."""
        new = f"{self.path}/{_NEW_RECORD}"
        _write(new, to_document(container))
        os.rename(new, f"{self.path}/{RECORD}")

    def save_process(self, document: Mapping[str, Any]) -> None:
        """Write, once, what `exec` will want to know; `load_process` returns it."""
        _write(f"{self.path}/{PROCESS}", document)

    def make_notify(self, gid: int | None) -> None:
        """Make the directory NOTIFY.

        gid: the host's id of the group of the container's root in a user namespace, None without one.  It
        has to get here to bind the directory, and gets no further.
        """
        os.mkdir(f"{self.path}/{NOTIFY}")
        os.chmod(f"{self.path}/{NOTIFY}", 0o755)  # the payload may be any user
        if gid is not None:
            os.chown(self.path, -1, gid)
            os.chmod(self.path, 0o710)

    def remove(self) -> None:
        """Remove the directory, if it is still locked."""
        if self._lock >= 0:
            _remove(self.path)

    def release(self) -> None:
        """Unlock."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def take_again(self) -> bool:
        """Wait for the lock once more; False when the container has been deleted since `release`."""
        again = _lock(self._root, self.id)
        if again is None:
            return False
        if again._file != self._file:  # another container of that name
            again.release()
            return False
        self._lock, again._lock = again._lock, -1
        return True

    def __enter__(self) -> Self:
        """Enter a `with` that ends with `release`."""
        return self

    def __exit__(self, *_: object) -> None:
        """Unlock."""
        self.release()


def create(root: str, id: str) -> Held:
    """Make the directory of a new container and hold it.  Raises ContainerExists when the id is taken."""
    if len(os.fsencode(root)) + len(id) + 1 >= _LONGEST_PATH:
        raise HostError("the state directory cannot be made", f"{root[:40]}... is too long a path")
    try:
        os.makedirs(root, 0o711)
        os.mkdir(f"{root}/{id}", 0o700)
    except FileExistsError as error:
        if error.filename == root:
            raise HostError("the state directory cannot be made", f"{root} is not a directory") from error
        raise ContainerExists(id) from None
    except OSError as error:
        found = f"{root}/{id}: {symbol(error)}"
        hint = "is this user allowed to?" if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS) else ""
        raise HostError("the state directory cannot be made", found, hint) from error
    try:
        held = _lock(root, id)
    except BaseException:
        _remove(f"{root}/{id}")
        raise
    if held is None:  # somebody forced a deletion in between
        raise NoSuchContainer(id)
    return held


def exists(root: str, id: str) -> bool:
    """Tell whether the id is taken, be it by another runtime that shares the root."""
    return os.path.lexists(f"{root}/{id}")


def hold(root: str, id: str, *, also_unfinished: bool = False) -> Held:
    """Wait for the lock of a container and hold it.

    also_unfinished: wait for a `create` as well.  Else it is an error that the container is being created:
    who asks may be a hook, for which that very `create` waits.
    Raises NoSuchContainer, WrongStatus.
    """
    try:
        os.stat(f"{root}/{id}/{LOCK}")
    except (FileNotFoundError, NotADirectoryError):
        raise NoSuchContainer(id) from None
    if not also_unfinished:
        container = _read(f"{root}/{id}")
        if container is not None and status(root, container) == CREATING:
            raise WrongStatus(id, f'container "{id}" is not created yet: {CREATING}')
    held = _lock(root, id)
    if held is None:
        raise NoSuchContainer(id)
    return held


def load(root: str, id: str) -> Container:
    """Read the record of a container.  Raises NoSuchContainer, and KrunError for a damaged one."""
    container = _read(f"{root}/{id}")
    if container is None:
        raise NoSuchContainer(id)
    return container


def load_process(root: str, id: str) -> dict[str, Any]:
    """Read what `save_process` wrote.  Raises KrunError when it is not there or damaged."""
    path = f"{root}/{id}/{PROCESS}"
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise KrunError(f'container "{id}" was made by a krun that kept nothing for exec') from None
    try:
        data = os.read(file, os.fstat(file).st_size + 1)
    finally:
        os.close(file)
    try:
        document = json.loads(data)
    except json.JsonError as error:
        raise KrunError(f"{path}: {error}") from error
    if not isinstance(document, dict):
        raise KrunError(f"{path}: is damaged")
    return document


def load_all(root: str) -> Iterator[Container]:
    """Read the records of all containers, ordered by id; what is not krun's is passed over."""
    try:
        names = sorted(os.listdir(root))
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise HostError("the state directory cannot be read", f"{root}: {symbol(error)}") from error
    for name in names:
        container = _read(f"{root}/{name}")
        if container is not None:
            yield container


def status(root: str, container: Container) -> str:
    """Return the container's status at this moment (specs/barrier.md), for who does not hold its lock."""
    if not container.ready and _is_locked(f"{root}/{container.id}"):
        return CREATING
    return status_when_held(root, container)


def status_when_held(root: str, container: Container) -> str:
    """Return the status for who holds the lock: nobody else can be creating the container."""
    if not liveness.is_alive(container.pid, container.pid_start):
        return STOPPED
    if container.cgroup is not None and liveness.is_frozen(container.cgroup):
        return PAUSED
    return RUNNING if was_started(f"{root}/{container.id}") else CREATED


def was_started(path: str) -> bool:
    """Tell whether the payload of the container in the directory `path` was released."""
    try:
        return os.stat(f"{path}/{STARTED}").st_size > 0
    except FileNotFoundError:
        return False


def remove_unfinished(root: str, id: str) -> None:
    """Remove what a `create` left that was killed before it wrote a record; nothing of anybody else's."""
    path = f"{root}/{id}"
    try:
        names = set(os.listdir(path))
    except (FileNotFoundError, NotADirectoryError):
        return
    if not names <= _OWN_FILES or RECORD in names:
        return
    held = _lock(root, id)
    if held is not None:
        with held:
            if not os.path.exists(f"{path}/{RECORD}"):
                held.remove()


def _write(path: str, document: Mapping[str, Any]) -> None:
    data = json.dumps(document).encode()
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            while data:
                data = data[os.write(file, data) :]
        finally:
            os.close(file)
    except OSError as error:
        raise HostError("the state cannot be written", f"{path}: {symbol(error)}") from error


def _read(path: str) -> Container | None:
    try:
        file = os.open(f"{path}/{RECORD}", os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        data = os.read(file, os.fstat(file).st_size + 1)
    finally:
        os.close(file)
    try:
        return from_document(json.loads(data))
    except (ValueError, KeyError, json.JsonError) as error:
        raise KrunError(f"{path}/{RECORD}: {error}") from error


def _remove(path: str) -> None:
    """Remove a container's directory.  The lock goes late, so that who waits for it finds it unlinked."""
    if os.path.isdir(f"{path}/{NOTIFY}"):
        from krun.sys import trees  # here: few containers have one, and every verb comes by this module

        trees.remove(f"{path}/{NOTIFY}")
    for name in (FIFO, STARTED, PROCESS, _NEW_RECORD, RECORD, LOCK):
        try:
            os.unlink(f"{path}/{name}")
        except FileNotFoundError:
            continue
    try:
        os.rmdir(path)
    except FileNotFoundError:
        return  # a poststart hook that failed has destroyed the container, and its creation is undone too


def _lock(root: str, id: str) -> Held | None:
    """Lock a container's directory; None when it was removed meanwhile."""
    try:
        lock = os.open(f"{root}/{id}/{LOCK}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        removed = os.fstat(lock).st_nlink == 0
    except BaseException:
        os.close(lock)
        raise
    if removed:
        os.close(lock)
        return None
    return Held(root, id, lock)


def _is_locked(path: str) -> bool:
    try:
        lock = os.open(f"{path}/{LOCK}", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False

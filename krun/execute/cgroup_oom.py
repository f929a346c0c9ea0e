"""Being told when a container runs out of memory.

On v1 the kernel writes to an eventfd at each event, on v2 `memory.events` becomes ready and counts the kills.
Out of scope: who is told (`krun.commands.events`).
"""

from __future__ import annotations

import select

from krun import os
from krun.errors import HostError, symbol
from krun.execute.cgroup_files import write_file
from krun.sys.cgroups import UNIFIED
from krun.sys.descriptors import Descriptors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.execute.cgroup_record import CgroupRecord


class OomWatch:
    """A descriptor to poll, and how often the container has run out of memory since the last look.

    `fd` is -1 where the host has no memory controller; `events` are those to poll for.
    """

    def __init__(self, record: CgroupRecord, files: Descriptors) -> None:
        """Begin to watch; `files` takes over the descriptors.  Raises HostError."""
        self.fd, self.events, self._is_v2, self._seen = -1, select.POLLIN, record.version == "v2", 0
        directory = record.paths.get(UNIFIED if self._is_v2 else "memory")
        if directory is None:
            return
        try:
            if self._is_v2:
                self._watch_v2(directory, files)
            else:
                self._watch_v1(directory, files)
        except OSError as error:
            raise HostError(f"cgroup {directory} cannot be watched", symbol(error)) from None

    def take(self) -> int:
        """Return how many times it has happened since the last call; does not wait."""
        if self._is_v2:
            count = self._kills()
            new, self._seen = count - self._seen, count
            return new
        try:
            return os.eventfd_read(self.fd)
        except BlockingIOError:
            return 0

    def _watch_v1(self, directory: str, files: Descriptors) -> None:
        """Source: Documentation/admin-guide/cgroup-v1/memory.rst, "OOM Control"."""
        control = files.add(os.open(f"{directory}/memory.oom_control", os.O_RDONLY | os.O_CLOEXEC))
        self.fd = files.add(os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK))
        write_file(f"{directory}/cgroup.event_control", f"{self.fd} {control}")

    def _watch_v2(self, directory: str, files: Descriptors) -> None:
        self.events = select.POLLPRI
        try:
            self.fd = files.add(os.open(f"{directory}/memory.events", os.O_RDONLY | os.O_CLOEXEC))
        except FileNotFoundError:
            return  # the memory controller is not handed down
        self._seen = self._kills()

    def _kills(self) -> int:
        try:
            text = os.pread(self.fd, 4096, 0).decode()
        except OSError:
            return self._seen  # the cgroup is gone
        return next((int(line[9:]) for line in text.splitlines() if line.startswith("oom_kill ")), 0)

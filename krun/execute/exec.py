"""Carries out the plan of a process that joins a running container, or leaves nothing behind.

Nothing of it is recorded: what a killed krun leaves is a process in the container's cgroup and namespaces,
which ends with the container.

Out of scope: deciding anything; the plan has decided.
"""

from __future__ import annotations

from krun import os
from krun.errors import HostError, KrunError, Unsupported, symbol
from krun.execute import barrier, cgroup, stage
from krun.execute.cgroup_join import below, joinable
from krun.execute.cgroup_record import cgroup_record
from krun.execute.console import connect
from krun.execute.filters import compile_filter
from krun.execute.monitor import open_monitor
from krun.execute.processes import kill_child
from krun.state import liveness
from krun.sys import native
from krun.sys.descriptors import Descriptors
from krun.sys.pidfd import open_pidfd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from krun.execute.undo import Undo
    from krun.log import Log
    from krun.plan.exec import ExecPlan
    from krun.state.model import Container


class Execution:
    """One process while it joins a container; answers what krun-init asks of the runtime."""

    def __init__(
        self,
        plan: ExecPlan,
        container: Container,
        init: int,
        log: Log,
        cgroups: Mapping[str, str],
    ) -> None:
        """Begin.

        init: a pidfd of the container's init.
        cgroups: controller -> path below the container's cgroup, `*` for all others; empty for the cgroup
        itself.
        """
        self._plan, self._container, self._init, self._log = plan, container, init, log
        self._cgroups = cgroups
        self.pid = 0
        self.pidfd = -1

    def run(self, console: int, preserved: Sequence[int], interrupt: int, undo: Undo) -> None:
        """Start the process; when this returns it runs, as `pid` and `pidfd`, a child of this process.

        console: a connected socket for the terminal's master, -1 for none.
        preserved: descriptors that the payload gets besides 0 to 2.
        interrupt: a descriptor that is readable when krun is asked to stop.
        undo: takes what has to be taken back when this or a later step of the caller's fails.
        """
        self._move_to_initial_cpus()
        with Descriptors() as gates:
            reading, writing = barrier.open_gate()
            gates.add(reading)
            with Descriptors() as files:
                roles = self._descriptors(files.add(writing), files)
                if console >= 0:
                    roles[native.FD_CONSOLE] = console
                entrance = self._entrance(files)
                process = stage.start(self._plan.program, roles, preserved, compile_filter, entrance)
                undo.add("end the process", self._end)
                try:
                    process.converse(self, interrupt)
                    process.commit()
                finally:
                    process.close()
            barrier.wait_for_payload(reading, self.pidfd)

    def map_ids(self, pid: int) -> None:
        """Refuse: a joined user namespace has its maps."""
        raise KrunError(f"krun-init asked for id maps of process {pid}, and the plan has none")

    def adopt(self, pid: int) -> None:
        """Take note of the process, which waits and is in the container's cgroup already."""
        self.pid, self.pidfd = pid, open_pidfd(pid)
        # All namespaces are open by now.  If init still lives, it was init's that were opened, for nobody
        # else has had its pid.
        if liveness.wait_for_end(self._init, 0):
            raise HostError(f'container "{self._container.id}"', "ended while it was joined")
        if self._container.rdt is not None:
            from krun.execute import rdt  # hardly any host has it

            rdt.enter(rdt.rdt_record(self._container.rdt), pid)

    def run_hooks(self, point: str) -> None:
        """Refuse: hooks belong to the container, not to a process that joins it."""
        raise KrunError(f"krun-init asked for the {point} hooks, and the plan has none")

    def take_log(self, text: str) -> None:
        """Log a warning of krun-init's."""
        self._log.warning(text)

    def _move_to_initial_cpus(self) -> None:
        """Run where `execCPUAffinity.initial` says: the process inherits it until it is in its cgroup."""
        if not self._plan.initial_cpus:
            return
        try:
            os.sched_setaffinity(0, self._plan.initial_cpus)
        except OSError as error:
            found = symbol(error)
            raise Unsupported(
                "$.process.execCPUAffinity.initial", f"the kernel refuses it: {found}"
            ) from None

    def _entrance(self, files: Descriptors) -> cgroup.Entrance:
        if self._container.cgroup is None:
            return cgroup.Entrance()
        record = cgroup_record(self._container.cgroup)
        if self._cgroups:
            return cgroup.open_entrance(below(record, self._cgroups), files)
        return cgroup.open_entrance(joinable(record, self._container.pid), files)

    def _descriptors(self, gate: int, files: Descriptors) -> dict[int, int]:
        """Open what krun-init is to be handed: role -> descriptor."""
        started = files.add(os.memfd_create("started", os.MFD_CLOEXEC))
        roles = {native.FD_FIFO: gate, native.FD_STARTED: started}
        if self._plan.listener:
            roles[native.FD_LISTENER] = files.add(connect("seccomp listener", self._plan.listener))
        if self._plan.needs_kvm:
            roles |= open_monitor(files)
        return roles

    def _end(self) -> None:
        if self.pidfd >= 0:
            kill_child(self.pid, self.pidfd)
            os.close(self.pidfd)
            self.pidfd = -1

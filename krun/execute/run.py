"""Carries out a plan: makes the barrier, the cgroup and the container's init, or leaves nothing behind.

Each thing that outlives a killed krun is in the record on disk before it is made: the cgroup's directories
before the first mkdir, init's pid before init may go on.  So `delete --force` can remove it.

Out of scope: deciding anything; the plan has decided.
"""

from __future__ import annotations

from krun import os
from krun.errors import KrunError
from krun.execute import barrier, cgroup, stage
from krun.execute.cgroup_record import as_document
from krun.execute.filters import compile_filter
from krun.execute.monitor import open_monitor
from krun.execute.processes import kill_child
from krun.state import liveness, store
from krun.state.model import CREATING, Container, runtime_state
from krun.sys import native
from krun.sys.descriptors import Descriptors
from krun.sys.pidfd import open_pidfd
from krun.types import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from krun.execute.cgroup_record import CgroupRecord
    from krun.execute.undo import Undo
    from krun.log import Log
    from krun.plan.model import Plan
    from krun.state.store import Held


class Created(Record):
    """What was made: the record as it stands on disk, and an owned pidfd of init.

    Init lives only as long as this process until `commit` is called.
    """

    container: Container
    pidfd: int
    commit: Callable[[], None]


class Creation:
    """One container while it is made; answers what krun-init asks of the runtime."""

    def __init__(self, plan: Plan, container: Container, held: Held, log: Log, interrupt: int) -> None:
        """Begin.  `interrupt` is a descriptor that is readable when krun is asked to stop."""
        self._plan, self._container, self._held = plan, container, held
        self._log, self._interrupt = log, interrupt
        self._cgroup: CgroupRecord | None = None
        self._undo: Undo | None = None
        self._pidfd = -1

    def run(self, console: int, preserved: Sequence[int], undo: Undo) -> Created:
        """Make the container.

        console: a connected socket for the terminal's master, -1 for none.
        preserved: descriptors that the payload gets besides 0 to 2.
        undo: takes what has to be taken back when this or a later step of the caller's fails.
        """
        self._undo = undo
        self._make_cgroup(undo)
        self._make_rdt(undo)
        self._share_mounts(undo)
        with Descriptors() as files:
            roles = self._descriptors(files)
            if console >= 0:
                roles[native.FD_CONSOLE] = console
            entrance = self._entrance(files)
            process = stage.start(self._plan.program, roles, preserved, compile_filter, entrance)
            undo.add("end the container's init", self._end_init)
            undo.add("end the conversation with it", process.close)
            process.converse(self, self._interrupt)
        self._record(ready=True)
        return Created(self._container, self._pidfd, process.commit)

    def map_ids(self, pid: int) -> None:
        """Write the id maps of the plan."""
        if self._plan.id_maps is None:
            raise KrunError("krun-init asked for id maps, and the plan has none")
        from krun.execute import idmap

        idmap.write_maps(pid, self._plan.id_maps)

    def adopt(self, pid: int) -> None:
        """Record init, which waits in its cgroup, then limit that: the stage has not counted."""
        self._pidfd = open_pidfd(pid)
        self._record(pid=pid, pid_start=liveness.start_time(pid) or 0)
        if self._cgroup is not None and self._plan.cgroup is not None:
            unit = self._plan.cgroup.unit
            if unit is not None:
                from krun.execute import systemd  # with its library of D-Bus

                systemd.start_scope(unit, pid, self._cgroup.directories()[0])
            cgroup.apply(self._plan.cgroup, self._cgroup)
        if self._container.rdt is not None:
            from krun.execute import rdt

            rdt.enter(rdt.rdt_record(self._container.rdt), pid)
        if self._plan.net_devices and self._undo is not None:
            from krun.execute.net_devices import move_devices  # hardly anybody wants it, and it takes long

            move_devices(self._plan.net_devices, pid, self._undo)

    def run_hooks(self, point: str) -> None:
        """Run the configuration's hooks of a point here, in the runtime's namespaces."""
        from krun.execute.hooks import run_hooks

        hooks = {"prestart": self._plan.hooks.prestart, "createRuntime": self._plan.hooks.create_runtime}
        # A deletion by force kills init, and then waits for this process, which might wait for that very one.
        interrupts = [file for file in (self._interrupt, self._pidfd) if file >= 0]
        run_hooks(point, hooks[point], runtime_state(self._container, CREATING), interrupts)

    def take_log(self, text: str) -> None:
        """Log a warning of krun-init's."""
        self._log.warning(text)

    def _make_cgroup(self, undo: Undo) -> None:
        plan = self._plan.cgroup
        if plan is None:
            self._record()
            return
        prepared = cgroup.prepare(plan)
        self._record(cgroup=as_document(prepared))
        undo.add("remove the cgroup", lambda: cgroup.remove(prepared))
        if plan.unit is not None:
            self._cgroup = prepared  # systemd makes it when it is given init
            return
        self._cgroup = cgroup.create(plan, prepared)
        if self._cgroup != prepared:
            self._record(cgroup=as_document(self._cgroup))

    def _make_rdt(self, undo: Undo) -> None:
        if self._plan.rdt is None:
            return
        from krun.execute import rdt  # hardly any host has it

        self._record(rdt=rdt.as_document(rdt.prepare(self._plan.rdt)))
        rdt.create(self._plan.rdt, undo)

    def _share_mounts(self, undo: Undo) -> None:
        if not self._plan.shares_mounts:
            return
        from krun.execute import shared_root

        path = self._plan.rootfs
        try:
            below = shared_root.mount_of(path)
        except OSError:
            return  # krun-init says what is wrong with the root
        self._record(covered_mount=below)
        undo.add("unmount the root", lambda: shared_root.unmount(path, below))

    def _entrance(self, files: Descriptors) -> cgroup.Entrance:
        if self._cgroup is None or self._cgroup.unit:
            return cgroup.Entrance()
        return cgroup.open_entrance(self._cgroup, files)

    def _descriptors(self, files: Descriptors) -> dict[int, int]:
        """Open what krun-init is to be handed: role -> descriptor."""
        path = self._held.path
        roles = {
            native.FD_FIFO: files.add(barrier.make_fifo(f"{path}/{store.FIFO}")),
            native.FD_STARTED: files.add(barrier.make_started(f"{path}/{store.STARTED}")),
        }
        if self._plan.listener:
            from krun.execute.console import connect

            roles[native.FD_LISTENER] = files.add(connect("seccomp listener", self._plan.listener))
        if self._plan.needs_kvm:
            roles |= open_monitor(files)
        return roles

    def _record(self, **changes: object) -> None:
        self._container = self._container.replace(**changes)
        self._held.save(self._container)

    def _end_init(self) -> None:
        if self._pidfd >= 0:
            kill_child(self._container.pid, self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1

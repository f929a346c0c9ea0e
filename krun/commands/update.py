"""`krun update`: change the limits of a container."""

from __future__ import annotations

from krun import os
from krun.commands.options import Argument, Option
from krun.errors import HostError, WrongStatus, symbol
from krun.execute.cgroup_update import update
from krun.execute.undo import Undo
from krun.host.probe import probe
from krun.plan.update import NUMBERS, SIZES, TEXTS, resources_document, update_settings
from krun.spec.ids import check_id
from krun.spec.load import load_resources
from krun.state import store
from krun.state.model import STOPPED
from krun.sys import json
from krun.sys.cgroups import UNIFIED
from krun.sys.files import read_document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from krun.commands.options import Arguments, Context
    from krun.plan.resources import Setting
    from krun.state.model import Container

SUMMARY = "change the limits of a container"
OPTIONS = (
    Option("--resources", "read them from this JSON file, - for stdin", short="-r", value="FILE"),
    Option("--memory", "limit of memory, such as 64m; -1 for none", value="SIZE"),
    Option("--memory-reservation", "soft limit of memory", value="SIZE"),
    Option("--memory-swap", "limit of memory and swap together", value="SIZE"),
    Option("--kernel-memory", "limit of the kernel's memory, where the kernel has one", value="SIZE"),
    Option("--kernel-memory-tcp", "limit of the memory of TCP buffers", value="SIZE"),
    Option("--cpu-period", "period of the CPU quota, in microseconds", value="N"),
    Option("--cpu-quota", "CPU time in a period, in microseconds", value="N"),
    Option("--cpu-burst", "CPU time that may be saved up, in microseconds", value="N"),
    Option("--cpu-share", "weight against other containers", value="N", also=("--cpu-shares",)),
    Option("--cpu-rt-period", "real-time period, in microseconds", value="N"),
    Option("--cpu-rt-runtime", "real-time time in a period, in microseconds", value="N"),
    Option("--cpu-idle", "1 to run only when nothing else does", value="N"),
    Option("--cpuset-cpus", "the CPUs that it may use", value="LIST"),
    Option("--cpuset-mems", "the memory nodes that it may use", value="LIST"),
    Option("--pids-limit", "limit of processes, -1 for none", value="N"),
    Option("--l3-cache-schema", "what it may take of the caches, for Intel RDT", value="L3:..."),
    Option("--mem-bw-schema", "what it may take of the memory's bandwidth, for Intel RDT", value="MB:..."),
    Option("--blkio-weight", "weight of its input and output, 10 to 1000", value="N"),
)
ARGUMENTS = (Argument("container-id", "the container"),)


def run(args: Arguments, context: Context) -> int:
    """Change all limits that are named, or none: 0 and "" leave what there is."""
    id = check_id(args["container-id"])
    given = {name: args[name] for name in (*SIZES, *NUMBERS, *TEXTS)}
    if args["resources"]:
        if any(given.values()):
            context.log.warning("update: with --resources, the limits of the command line are ignored")
        data = _read(args["resources"])
    else:
        data = json.dumps(resources_document(given)).encode()
    settings = update_settings(load_resources(data), probe().cgroups)
    with store.hold(context.root, id):
        container = store.load(context.root, id)
        status = store.status_when_held(context.root, container)
        if status == STOPPED:
            raise WrongStatus(id, f'cannot update container "{id}": container not running: {status}')
        if container.cgroup is None and settings:
            raise HostError(f'cannot update container "{id}"', "it has no cgroup")
        with Undo() as undo:
            _change_schemata(args, container, undo)
            if container.cgroup is not None:
                update(settings, container.cgroup["paths"], lambda: _tell_systemd(container.cgroup, settings))
    return 0


def _change_schemata(args: Arguments, container: Container, undo: Undo) -> None:
    """Write the lines for Intel RDT, which runc takes beside a file with resources, too."""
    lines = [line for name in ("l3-cache-schema", "mem-bw-schema") for line in args[name].split("\n") if line]
    if not lines:
        return
    from krun.execute import rdt  # hardly any host has it

    if container.rdt is None:
        raise HostError(f'cannot update container "{container.id}"', "it has no class of Intel RDT")
    rdt.change(rdt.rdt_record(container.rdt), lines, undo)


def _tell_systemd(cgroup: Mapping[str, Any] | None, settings: Sequence[Setting]) -> None:
    """Let systemd know the limits of its own unit: it would put back what it knows at the next occasion."""
    if cgroup is None or "unit" not in cgroup:
        return
    from krun.execute.systemd import tell_limits  # with its library of D-Bus

    tell_limits(cgroup["unit"], cgroup["paths"][UNIFIED], settings, is_user=cgroup["userUnit"])


def _read(path: str) -> bytes:
    """Read a file, or standard input for `-`.  Raises HostError."""
    try:
        return read_document(0 if path == "-" else path)
    except OSError as error:
        raise HostError(f"resources {os.path.abspath(path)}", f"cannot be read: {symbol(error)}") from error

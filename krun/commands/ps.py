"""`krun ps`: the processes of a container, by the host's pids."""

from __future__ import annotations

from krun import os
from krun.commands.options import Argument, Option
from krun.errors import HostError, KrunError, UsageError
from krun.execute import cgroup_processes
from krun.execute.cgroup_record import cgroup_record
from krun.host.namespaces import pids_in_namespace
from krun.spec.ids import check_id
from krun.state import liveness, store
from krun.sys import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from krun.commands.options import Arguments, Context
    from krun.state.model import Container

SUMMARY = "list the processes of a container"
OPTIONS = (Option("--format", "table or json", short="-f", value="FORMAT", default="table"),)
ARGUMENTS = (
    Argument("container-id", "the container"),
    Argument("ps-options", "for the host's ps, by default -ef", required=False, rest=True),
)


def run(args: Arguments, context: Context) -> int:
    """Print the pids as JSON, or the lines that the host's `ps` has for them."""
    if args["format"] not in ("table", "json"):
        raise UsageError(f"ps: --format: {args['format']!r} is neither table nor json")
    container = store.load(context.root, check_id(args["container-id"]))
    pids = processes(container)
    if args["format"] == "json":
        context.out(json.dumps(pids) + "\n")
        return 0
    context.out(select(_ps(args.all("ps-options") or ("-ef",)), pids))
    return 0


def processes(container: Container) -> list[int]:
    """Return the pids of a container: those of its cgroup, without one those of its pid namespace."""
    if container.cgroup is not None:
        return cgroup_processes.pids(cgroup_record(container.cgroup))
    if not liveness.is_alive(container.pid, container.pid_start):
        return []
    found = pids_in_namespace(container.pid)
    if found is None:
        raise HostError(
            f'the processes of container "{container.id}" cannot be told from others',
            "it has neither a cgroup nor a pid namespace of its own",
        )
    return found


def select(table: str, pids: Sequence[int]) -> str:
    """Return the heading of what ps printed and the lines of these pids.  Raises KrunError without pids."""
    heading, *lines = table.splitlines()
    try:
        column = heading.split().index("PID")
    except ValueError:
        raise KrunError("ps: its output has no column PID; give it other options") from None
    wanted = {str(pid) for pid in pids}
    chosen = [line for line in lines if line.split()[column : column + 1] and line.split()[column] in wanted]
    return "".join(f"{line}\n" for line in (heading, *chosen))


def _ps(options: Sequence[str]) -> str:
    """Run the host's ps.  Raises KrunError when it fails or is missing."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    try:
        try:
            actions = ((os.POSIX_SPAWN_DUP2, writing, 1),)
            pid = os.posix_spawnp("ps", ("ps", *options), os.environ, file_actions=actions)
        except OSError as error:
            raise HostError("ps cannot be run", "the host has none", "install procps") from error
        finally:
            os.close(writing)
        parts = []
        while part := os.read(reading, 1 << 16):
            parts.append(part)
    finally:
        os.close(reading)
    if os.waitpid(pid, 0)[1] != 0:
        raise KrunError(f"ps: ps {' '.join(options)} failed")
    return b"".join(parts).decode(errors="replace")

"""`krun events`: what a container uses, and that it has run out of memory, one JSON object a line."""

from __future__ import annotations

import select
import time

from krun.commands.options import Argument, Option
from krun.errors import HostError, UsageError, WrongStatus
from krun.execute.cgroup_oom import OomWatch
from krun.execute.cgroup_record import cgroup_record
from krun.execute.cgroup_stats import read_stats
from krun.spec.ids import check_id
from krun.state import liveness, store
from krun.state.model import STOPPED
from krun.sys import json
from krun.sys.descriptors import Descriptors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from krun.commands.options import Arguments, Context
    from krun.execute.cgroup_record import CgroupRecord
    from krun.state.model import Container

SUMMARY = "print what a container uses, and when it runs out of memory"
OPTIONS = (
    Option("--interval", "time between two lines of statistics, such as 5s", value="TIME", default="5s"),
    Option("--stats", "print the statistics once and end"),
)
ARGUMENTS = (Argument("container-id", "the container"),)

_UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}


def run(args: Arguments, context: Context) -> int:
    """Print the statistics, once or until the container ends; an object of type `oom` at each event."""
    interval_ms = parse_interval(args["interval"])
    container = store.load(context.root, check_id(args["container-id"]))
    pidfd = liveness.open_process(container.pid, container.pid_start)
    if pidfd is None:
        raise WrongStatus(
            container.id, f'container "{container.id}" has no events: container not running: {STOPPED}'
        )
    if container.cgroup is None:
        raise HostError(f'container "{container.id}" has no events', "it has no cgroup")
    record = cgroup_record(container.cgroup)
    with Descriptors() as files:
        files.add(pidfd)
        if args.flag("stats"):
            _print_stats(container, record, context)
        else:
            _follow(container, record, context, pidfd, OomWatch(record, files), interval_ms)
    return 0


def parse_interval(text: str) -> int:
    """Return milliseconds: `500ms`, `5s`, `1m`, `1h`.  Raises UsageError, for 0 too."""
    number = text.rstrip("hms")
    unit = text[len(number) :]
    if not (number.isascii() and number.isdecimal() and unit in _UNITS_MS and int(number) > 0):
        raise UsageError(f"--interval: {text!r} is not a time such as 500ms or 5s")
    return int(number) * _UNITS_MS[unit]


def _follow(
    container: Container,
    record: CgroupRecord,
    context: Context,
    pidfd: int,
    watch: OomWatch,
    interval_ms: int,
) -> None:
    """Print until init has ended; the first statistics come after one interval, as with runc."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    if watch.fd >= 0:
        poll.register(watch.fd, watch.events)
    due_ms = _now_ms() + interval_ms
    while True:
        ready = dict(poll.poll(max(0, due_ms - _now_ms())))
        if watch.fd in ready:
            for _ in range(watch.take()):
                context.out(json.dumps({"type": "oom", "id": container.id}) + "\n")
        if pidfd in ready:
            return
        if _now_ms() >= due_ms:
            _print_stats(container, record, context)
            due_ms += interval_ms


def _print_stats(container: Container, record: CgroupRecord, context: Context) -> None:
    data = read_stats(record) | {"intel_rdt": _rdt_stats(container), "network_interfaces": None}
    document = {"type": "stats", "id": container.id, "data": data}
    context.out(json.dumps(document) + "\n")


def _rdt_stats(container: Container) -> dict[str, Any]:
    if container.rdt is None:
        return {}
    from krun.execute.rdt import rdt_record  # hardly any host has it
    from krun.execute.rdt_stats import read_rdt_stats

    return read_rdt_stats(rdt_record(container.rdt))


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000

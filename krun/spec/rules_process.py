"""Rules about `process`, each taking that object.  See `krun.spec.rules`.

Out of scope: single values, which the schema judges.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from krun.spec.faults import Finding

_REALTIME = ("SCHED_FIFO", "SCHED_RR")


def rlimits_are_unique(process: dict[str, Any]) -> Iterator[Finding]:
    """No two entries of `rlimits` have the same type (config.md#posix-process)."""
    seen: dict[str, int] = {}
    for index, limit in enumerate(process.get("rlimits", ())):
        first = seen.setdefault(limit["type"], index)
        if first != index:
            yield ("rlimits", index, "type"), f"repeats {limit['type']} of rlimits[{first}]"


def soft_limits_are_within_hard_ones(process: dict[str, Any]) -> Iterator[Finding]:
    """No soft limit exceeds its hard limit (setrlimit(2): EINVAL)."""
    for index, limit in enumerate(process.get("rlimits", ())):
        if limit["soft"] > limit["hard"]:
            yield ("rlimits", index, "soft"), f"must not exceed hard, {limit['hard']}, got {limit['soft']}"


def scheduler_parameters_fit_the_policy(process: dict[str, Any]) -> Iterator[Finding]:
    """A priority is for real-time policies, times are for SCHED_DEADLINE (sched_setattr(2))."""
    scheduler = process.get("scheduler", {})
    policy, priority = scheduler.get("policy"), scheduler.get("priority", 0)
    if policy in _REALTIME and not 1 <= priority <= 99:
        yield ("scheduler", "priority"), f"must be 1 to 99 with {policy}, got {priority}"
    if policy not in _REALTIME and priority != 0:
        yield ("scheduler", "priority"), f"has no meaning with {policy}"
    if policy != "SCHED_DEADLINE":
        for name in ("runtime", "deadline", "period"):
            if scheduler.get(name, 0) != 0:
                yield ("scheduler", name), f"has no meaning with {policy}"

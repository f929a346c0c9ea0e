"""How the kernel treats the process among others: scheduler, priorities, CPUs, memory nodes, personality.

Children inherit all of it and an exec keeps it, so in a VM it is the monitor's, with every thread and process
that the payload makes.  Tables are features' as well.

Out of scope: limits (`credentials`) and cgroups.
"""

from __future__ import annotations

from krun.errors import Unsupported
from krun.plan import ops
from krun.plan.number_lists import mask_of, parse_list

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from krun.plan.ops import Op
    from krun.spec.model import Linux, Process, Scheduler

# sched_setattr(2), linux/sched.h.
POLICIES: Mapping[str, int] = {
    "SCHED_OTHER": 0,
    "SCHED_FIFO": 1,
    "SCHED_RR": 2,
    "SCHED_BATCH": 3,
    "SCHED_ISO": 4,
    "SCHED_IDLE": 5,
    "SCHED_DEADLINE": 6,
}
SCHEDULER_FLAGS: Mapping[str, int] = {
    "SCHED_FLAG_RESET_ON_FORK": 0x01,
    "SCHED_FLAG_RECLAIM": 0x02,
    "SCHED_FLAG_DL_OVERRUN": 0x04,
    "SCHED_FLAG_KEEP_POLICY": 0x08,
    "SCHED_FLAG_KEEP_PARAMS": 0x10,
    "SCHED_FLAG_UTIL_CLAMP_MIN": 0x20,
    "SCHED_FLAG_UTIL_CLAMP_MAX": 0x40,
}
_RESET_ON_FORK = "SCHED_FLAG_RESET_ON_FORK"
_DEADLINE = "SCHED_DEADLINE"

# ioprio_set(2).
IO_CLASSES: Mapping[str, int] = {"IOPRIO_CLASS_RT": 1, "IOPRIO_CLASS_BE": 2, "IOPRIO_CLASS_IDLE": 3}

# set_mempolicy(2), linux/mempolicy.h.
MEMORY_MODES: Mapping[str, int] = {
    "MPOL_DEFAULT": 0,
    "MPOL_PREFERRED": 1,
    "MPOL_BIND": 2,
    "MPOL_INTERLEAVE": 3,
    "MPOL_LOCAL": 4,
    "MPOL_PREFERRED_MANY": 5,
    "MPOL_WEIGHTED_INTERLEAVE": 6,
}
MEMORY_FLAGS: Mapping[str, int] = {
    "MPOL_F_NUMA_BALANCING": 1 << 13,
    "MPOL_F_RELATIVE_NODES": 1 << 14,
    "MPOL_F_STATIC_NODES": 1 << 15,
}

# personality(2).
DOMAINS: Mapping[str, int] = {"LINUX": 0x0000, "LINUX32": 0x0008}

_MOST_CPUS = 8192  # NR_CPUS can be no greater on x86-64
_MOST_NODES = 1024  # nor MAX_NUMNODES


def inherited_scheduling(process: Process, linux: Linux) -> list[Op]:
    """Return what the stage sets and init inherits, because it needs capabilities on the host.

    Within a user namespace nobody may raise a priority or choose a real-time policy.  So there the policy,
    too, is set in the stage.  Raises Unsupported for a policy that init would not inherit.
    """
    program: list[Op] = []
    priority = process.io_priority
    if priority is not None:
        program.append(ops.IoPriority(kind=IO_CLASSES[priority.class_], level=priority.priority))
    scheduler = process.scheduler
    if scheduler is not None and linux.namespace("user") is not None:
        if scheduler.policy == _DEADLINE or _RESET_ON_FORK in scheduler.flags:
            what = _DEADLINE if scheduler.policy == _DEADLINE else _RESET_ON_FORK
            raise Unsupported("$.process.scheduler", f"{what} cannot be had in a user namespace")
        program.append(_scheduler(scheduler))
    return program


def scheduling_operations(process: Process, linux: Linux, monitor: str) -> list[Op]:
    """Return what init sets for itself, once its cgroup has its limits and before it gives up privileges.

    Raises Unsupported for a policy under which nobody may fork, where KVM has to: it makes a task of its own
    for each machine, as a child of who runs it.
    """
    program: list[Op] = []
    scheduler = process.scheduler
    can_fork = scheduler is None or scheduler.policy != _DEADLINE or _RESET_ON_FORK in scheduler.flags
    if monitor != "none" and not can_fork:
        raise Unsupported("$.process.scheduler", f"{_DEADLINE} needs {_RESET_ON_FORK} in a VM")
    policy = linux.memory_policy
    if policy is not None:
        mode = MEMORY_MODES[policy.mode]
        for flag in policy.flags:
            mode |= MEMORY_FLAGS[flag]
        path = "$.linux.memoryPolicy.nodes"
        nodes = parse_list(policy.nodes, _MOST_NODES, path) if policy.nodes else ()
        program.append(ops.MemoryPolicy(mode=mode, nodes=mask_of(nodes)))
    if linux.personality is not None:
        program.append(ops.Personality(persona=DOMAINS[linux.personality.domain]))
    if scheduler is not None and linux.namespace("user") is None:
        program.append(_scheduler(scheduler))
    return program


def affinity_operations(process: Process) -> list[Op]:
    """Return the CPUs of a process that joins: `execCPUAffinity.final`, not for a container's init."""
    affinity = process.exec_cpu_affinity
    if affinity is None or affinity.final == "":
        return []
    cpus = parse_list(affinity.final, _MOST_CPUS, "$.process.execCPUAffinity.final")
    return [ops.CpuAffinity(cpus=mask_of(cpus))]


def initial_cpus(process: Process) -> tuple[int, ...]:
    """Return the CPUs that the runtime itself runs on until the process is in its cgroup; empty: as it is."""
    affinity = process.exec_cpu_affinity
    if affinity is None or affinity.initial == "":
        return ()
    return parse_list(affinity.initial, _MOST_CPUS, "$.process.execCPUAffinity.initial")


def _scheduler(scheduler: Scheduler) -> Op:
    flags = 0
    for flag in scheduler.flags:
        flags |= SCHEDULER_FLAGS[flag]
    return ops.Scheduler(
        policy=POLICIES[scheduler.policy],
        flags=flags,
        nice=scheduler.nice,
        priority=scheduler.priority,
        runtime_ns=scheduler.runtime,
        deadline_ns=scheduler.deadline,
        period_ns=scheduler.period,
    )

"""Scheduler, priorities, CPUs, memory nodes and personality in the plan."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from krun.errors import SpecError, Unsupported
from krun.plan import ops
from krun.plan.describe import describe
from krun.plan.model import Plan
from krun.plan.number_lists import mask_of, parse_list
from krun.plan.scheduling import MEMORY_FLAGS, MEMORY_MODES, POLICIES, affinity_operations, initial_cpus
from krun.spec._schema import CONFIG
from krun.spec.model import (
    CpuAffinity,
    IdMapping,
    IoPriority,
    MemoryPolicy,
    Namespace,
    Personality,
    Process,
    Scheduler,
    Spec,
)

Compile = Callable[..., Plan]
MAPS = (IdMapping(0, 100000, 65536),)


def with_process(spec: Spec, **changes: object) -> Spec:
    """Return the specification with properties of its process changed."""
    assert spec.process is not None
    return spec.replace(process=spec.process.replace(**changes))  # type: ignore[no-any-return]  # replace() returns its own type


def with_user_namespace(spec: Spec) -> Spec:
    """Return the specification with a new user namespace."""
    linux = spec.linux.replace(
        namespaces=(*spec.linux.namespaces, Namespace("user")), uid_mappings=MAPS, gid_mappings=MAPS
    )
    return spec.replace(linux=linux)  # type: ignore[no-any-return]  # as above


def test_scheduler_is_set_before_privileges_go(spec: Spec, compile_spec: Compile) -> None:
    """And in init, whose cgroup has its limits by then."""
    scheduler = Scheduler("SCHED_DEADLINE", flags=("SCHED_FLAG_RECLAIM",), runtime=1, deadline=2, period=3)
    program = compile_spec(with_process(spec, scheduler=scheduler)).program
    op = ops.Scheduler(6, 2, 0, 0, 1, 2, 3)
    bound = next(i for i, other in enumerate(program) if isinstance(other, ops.BoundCapabilities))
    assert program.index(ops.SpawnInit()) < program.index(op) < bound
    assert (
        describe(op)
        == "set the scheduling policy SCHED_DEADLINE (SCHED_FLAG_RECLAIM,runtime 1,deadline 2,period 3)"
    )


def test_scheduler_is_inherited_into_a_user_namespace(spec: Spec, compile_spec: Compile) -> None:
    """Within it, nobody may choose a real-time policy."""
    spec = with_user_namespace(with_process(spec, scheduler=Scheduler("SCHED_RR", nice=0, priority=7)))
    assert compile_spec(spec).program[0] == ops.Scheduler(2, 0, 0, 7, 0, 0, 0)


@pytest.mark.parametrize(
    ("scheduler", "word"),
    [
        (Scheduler("SCHED_DEADLINE", runtime=1, deadline=1, period=1), "SCHED_DEADLINE"),
        (
            Scheduler("SCHED_FIFO", priority=1, flags=("SCHED_FLAG_RESET_ON_FORK",)),
            "SCHED_FLAG_RESET_ON_FORK",
        ),
    ],
)
def test_what_init_would_not_inherit_is_refused_in_a_user_namespace(
    spec: Spec, compile_spec: Compile, scheduler: Scheduler, word: str
) -> None:
    """A policy that is lost on the way is not what was asked for."""
    with pytest.raises(Unsupported, match=rf"^\$\.process\.scheduler: {word} cannot be had"):
        compile_spec(with_user_namespace(with_process(spec, scheduler=scheduler)))


@pytest.mark.parametrize(("monitor", "flags"), [("none", ()), ("builtin", ("SCHED_FLAG_RESET_ON_FORK",))])
def test_deadlines_can_be_had_where_forks_can(
    spec: Spec, compile_spec: Compile, monitor: str, flags: tuple[str, ...]
) -> None:
    """sched(7): a thread with this policy may fork only with the flag, and KVM makes a task of its own."""
    scheduler = Scheduler("SCHED_DEADLINE", flags=flags, runtime=1, deadline=2, period=3)
    plan = compile_spec(with_process(spec, scheduler=scheduler), monitor=monitor)
    assert any(isinstance(op, ops.Scheduler) for op in plan.program)


def test_deadlines_without_forks_are_refused_in_a_vm(spec: Spec, compile_spec: Compile) -> None:
    """Before the kernel says that there are too many processes."""
    scheduler = Scheduler("SCHED_DEADLINE", runtime=1, deadline=2, period=3)
    with pytest.raises(Unsupported, match=r"^\$\.process\.scheduler: SCHED_DEADLINE needs"):
        compile_spec(with_process(spec, scheduler=scheduler), monitor="builtin")


def test_io_priority_is_set_in_the_stage(spec: Spec, compile_spec: Compile) -> None:
    """The real-time class needs a capability on the host."""
    program = compile_spec(with_process(spec, io_priority=IoPriority("IOPRIO_CLASS_RT", 3))).program
    assert program[0] == ops.IoPriority(1, 3)
    assert describe(program[0]) == "set the I/O priority IOPRIO_CLASS_RT 3"


def test_memory_policy_and_personality_are_set(spec: Spec, compile_spec: Compile) -> None:
    """Mode and flags are one number, nodes a mask."""
    linux = spec.linux.replace(
        memory_policy=MemoryPolicy("MPOL_BIND", "0,2-3", ("MPOL_F_STATIC_NODES",)),
        personality=Personality("LINUX32"),
    )
    program = compile_spec(spec.replace(linux=linux)).program
    policy = ops.MemoryPolicy(2 | 1 << 15, b"\x0d" + bytes(7))
    assert policy in program
    assert describe(policy) == "set the memory policy MPOL_BIND MPOL_F_STATIC_NODES nodes 0,2,3"
    assert ops.Personality(8) in program
    assert describe(ops.Personality(8)) == "set the personality LINUX32"


def test_affinity_is_for_processes_that_join(spec: Spec, process: Process, compile_spec: Compile) -> None:
    """config.md#linux-process: `execCPUAffinity` is not applicable to the container's init."""
    bound = process.replace(exec_cpu_affinity=CpuAffinity("1-2", "0,65"))
    assert not any(
        isinstance(op, ops.CpuAffinity) for op in compile_spec(spec.replace(process=bound)).program
    )
    (op,) = affinity_operations(bound)
    assert op == ops.CpuAffinity(b"\x01" + bytes(7) + b"\x02" + bytes(7))
    assert describe(op) == "run on the CPUs 0,65"
    assert initial_cpus(bound) == (1, 2)


def test_an_absent_affinity_changes_nothing(process: Process) -> None:
    """If omitted or empty, the kernel decides."""
    for affinity in (None, CpuAffinity(), CpuAffinity("", "")):
        unbound = process.replace(exec_cpu_affinity=affinity)
        assert affinity_operations(unbound) == []
        assert initial_cpus(unbound) == ()


def test_lists_have_numbers_and_ranges() -> None:
    """Each number once, in order."""
    assert parse_list("7, 0-3,2", 8, "$") == (0, 1, 2, 3, 7)
    assert mask_of(()) == b""


@pytest.mark.parametrize("text", ["8192", "0-999999999", "999999999"])
def test_a_number_that_no_kernel_has_is_refused(process: Process, text: str) -> None:
    """Before a mask is made for it."""
    with pytest.raises(SpecError, match=r"^\$\.process\.execCPUAffinity\.final: must be numbers below 8192"):
        affinity_operations(process.replace(exec_cpu_affinity=CpuAffinity("", text)))


@pytest.mark.parametrize(
    ("place", "table"),
    [
        (("process", "scheduler", "policy"), POLICIES),
        (("linux", "memoryPolicy", "mode"), MEMORY_MODES),
        (("linux", "memoryPolicy", "flags"), MEMORY_FLAGS),
    ],
)
def test_every_name_of_the_schema_has_its_number(place: tuple[str, ...], table: dict[str, int]) -> None:
    """What the schema lets through, the compiler knows."""
    part = CONFIG
    for name in place:
        part = part["properties"][name]
    assert set(part.get("enum", part.get("items", {}).get("enum"))) == set(table)

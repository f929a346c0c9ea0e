"""Scheduler, priorities, CPUs, memory policy, personality, and labels, as krun-init sets them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.stage import PROC, StageRunner, opening, payload, shell

from krun.plan import ops

pytestmark = pytest.mark.needs("root", "busybox")

SCHED_BATCH, SCHED_FIFO, RESET_ON_FORK = 3, 1, 1
FIRST_CPU = min(os.sched_getaffinity(0))


def fields(text: str) -> dict[str, str]:
    """Read `name: value` lines of /proc."""
    return {
        key.strip(): value.strip() for key, _, value in (line.partition(":") for line in text.splitlines())
    }


def run(stage: StageRunner, root: Path, op: ops.Operation, *args: str) -> str:
    """Run a program after an operation of init's; return its output."""
    outcome = stage.run([*opening(root), PROC, ops.PivotRoot(), op, *payload(*args)])
    assert outcome.error is None
    return outcome.output


def test_policy_and_nice_value_are_set(stage: StageRunner, root: Path) -> None:
    """sched_setattr(2), for the process that is executed."""
    op = ops.Scheduler(SCHED_BATCH, 0, 5, 0, 0, 0, 0)
    assert fields(run(stage, root, op, "cat", "/proc/self/sched"))["policy"] == str(SCHED_BATCH)
    assert run(stage, root, op, "cat", "/proc/self/stat").split(") ")[1].split()[16] == "5"


def test_policy_is_lost_by_children_when_that_is_asked_for(stage: StageRunner, root: Path) -> None:
    """SCHED_FLAG_RESET_ON_FORK: the payload has the nice value, its child has not."""
    op = ops.Scheduler(0, RESET_ON_FORK, -5, 0, 0, 0, 0)
    script = shell("read s < /proc/self/stat; echo $s; cat /proc/self/stat; true")
    outcome = stage.run([*opening(root), PROC, ops.PivotRoot(), op, *script])
    assert [line.split(") ")[1].split()[16] for line in outcome.output.splitlines()] == ["-5", "0"]


def test_a_policy_that_is_none_is_named(stage: StageRunner) -> None:
    """By its number."""
    outcome = stage.run([ops.Scheduler(77, 0, 0, 0, 0, 0, 0)])
    assert outcome.error == (0, "EINVAL there is no scheduling policy 77")


def test_a_policy_that_the_kernel_lacks_is_named(stage: StageRunner) -> None:
    """SCHED_ISO has a number and was never built."""
    outcome = stage.run([ops.Scheduler(4, 0, 0, 0, 0, 0, 0)])
    assert outcome.error == (0, "EINVAL set the scheduling policy SCHED_ISO")


def test_io_priority_is_inherited_by_init(stage: StageRunner, root: Path) -> None:
    """It is set in the stage, which has the host's capabilities."""
    program = [ops.IoPriority(2, 6), *opening(root), PROC, ops.PivotRoot(), *payload("ionice")]
    (root / "bin/ionice").symlink_to("busybox")
    assert stage.run(program).output == "best-effort: prio 6\n"


def test_an_io_class_that_is_none_is_named(stage: StageRunner) -> None:
    """Classes are 0 to 3."""
    assert stage.run([ops.IoPriority(6, 0)]).error == (0, "EINVAL set the I/O priority to class 6 level 0")


def test_affinity_is_set(stage: StageRunner, root: Path) -> None:
    """A mask with one bit."""
    op = ops.CpuAffinity((1 << FIRST_CPU).to_bytes(8, "little"))
    assert fields(run(stage, root, op, "cat", "/proc/self/status"))["Cpus_allowed_list"] == str(FIRST_CPU)


def test_affinity_to_no_cpu_is_named(stage: StageRunner) -> None:
    """The kernel's EINVAL for an empty set."""
    assert stage.run([ops.CpuAffinity(bytes(8))]).error == (0, "EINVAL set the CPU affinity")


def test_memory_policy_is_set(stage: StageRunner, root: Path) -> None:
    """/proc/PID/numa_maps tells each mapping's policy."""
    op = ops.MemoryPolicy(2, b"\x01" + bytes(7))
    assert " bind:0 " in run(stage, root, op, "cat", "/proc/self/numa_maps")


def test_a_memory_node_that_is_not_there_is_named(stage: StageRunner) -> None:
    """The kernel's EINVAL."""
    op = ops.MemoryPolicy(2, bytes(7) + b"\x80")
    assert stage.run([op]).error == (0, "EINVAL set the memory policy 0x2")


def test_personality_is_set(stage: StageRunner, root: Path) -> None:
    """LINUX32 makes uname(2) tell a 32-bit machine."""
    (root / "bin/uname").symlink_to("busybox")
    assert run(stage, root, ops.Personality(8), "uname", "-m") == "i686\n"
    assert run(stage, root, ops.Personality(0), "uname", "-m") == "x86_64\n"


@pytest.mark.parametrize(
    ("op", "words"),
    [
        (ops.AppArmorProfile("p"), "set the AppArmor profile p"),
        (ops.SelinuxLabel("l"), "set the SELinux label l"),
    ],
)
def test_a_label_that_cannot_be_taken_is_an_error(stage: StageRunner, op: ops.Operation, words: str) -> None:
    """Without the module, or without the profile, the kernel refuses the write."""
    error = stage.run([op]).error
    assert error is not None
    assert words in error[1]

"""What the schedulers are told of a payload holds for it and its children, in a VM as without one."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from support.bundles import Bundle, MakeBundle
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]

AFFINITY = "grep Cpus_allowed_list /proc/self/status"
# A command of a pipeline is a child.
NICE = "cut -d' ' -f19 /proc/self/stat | cat"


def changed(
    made: Bundle, process: dict[str, Any] | None = None, linux: dict[str, Any] | None = None
) -> Bundle:
    """Write properties into the configuration."""
    made.config["process"].update(process or {})
    made.config["linux"].update(linux or {})
    made.write()
    return made


def told(runner: Runner, made: Bundle) -> list[str]:
    """Return what the payload printed, line by line."""
    result = runner.ok("run", "--bundle", made, "c")
    return result.out.splitlines()


@pytest.mark.parametrize("flags", [[], ["SCHED_FLAG_RESET_ON_FORK"]], ids=["kept", "reset"])
def test_scheduler_is_the_payloads_and_its_childrens(
    either_runtime: Runner, bundle: MakeBundle, flags: list[str]
) -> None:
    """config.md#linux-process: `scheduler`; SCHED_FLAG_RESET_ON_FORK keeps it from children."""
    own = "read s < /proc/self/stat; echo $s | cut -d' ' -f19"
    made = bundle(["sh", "-c", f"{own}; {NICE}; grep policy /proc/$$/sched"])
    changed(made, {"scheduler": {"policy": "SCHED_BATCH", "nice": -3, "flags": flags}})
    payload, child, policy = told(either_runtime, made)
    assert payload == "-3"
    assert child == ("0" if flags else "-3")
    assert policy.split() == ["policy", ":", "3"]


@pytest.mark.parametrize(
    ("scheduler", "policy"),
    [
        ({"policy": "SCHED_FIFO", "priority": 5}, "1"),
        ({"policy": "SCHED_IDLE"}, "5"),
        (
            {
                "policy": "SCHED_DEADLINE",
                "flags": ["SCHED_FLAG_RESET_ON_FORK"],
                "runtime": 1_000_000,
                "deadline": 10_000_000,
                "period": 10_000_000,
            },
            "6",
        ),
    ],
    ids=["real-time", "idle", "deadline"],
)
def test_every_kind_of_policy_runs_a_payload(
    either_runtime: Runner, bundle: MakeBundle, scheduler: dict[str, Any], policy: str
) -> None:
    """The payload has it, whatever it allows to children; real-time policies within the cgroup's share."""
    find = "case $name in policy) echo $value;; esac"
    script = f"while read name _ value; do {find}; done < /proc/$$/sched; ls -d / | cat"
    made = changed(bundle(["sh", "-c", script]), {"scheduler": scheduler})
    if scheduler["policy"] == "SCHED_FIFO":
        times = {"realtimeRuntime": 100_000, "realtimePeriod": 1_000_000}
        changed(made, linux={"resources": {"cpu": times}})
    assert told(either_runtime, made) == [policy, "/"]


def test_scheduler_of_a_container_in_a_user_namespace(either_runtime: Runner, bundle: MakeBundle) -> None:
    """Where nobody may raise a priority any more, it has been raised before."""
    ids = [{"containerID": 0, "hostID": 0, "size": 65536}]
    made = bundle(["sh", "-c", NICE])
    made.config["linux"]["namespaces"].append({"type": "user"})
    changed(
        made, {"scheduler": {"policy": "SCHED_BATCH", "nice": -3}}, {"uidMappings": ids, "gidMappings": ids}
    )
    assert told(either_runtime, made) == ["-3"]


@pytest.mark.parametrize(
    ("kind", "level", "words"),
    [("IOPRIO_CLASS_IDLE", 0, "idle"), ("IOPRIO_CLASS_RT", 2, "realtime: prio 2")],
)
def test_io_priority_is_the_payloads_and_its_childrens(
    either_runtime: Runner, bundle: MakeBundle, kind: str, level: int, words: str
) -> None:
    """config.md#linux-process: `ioPriority` affects all processes within the container."""
    made = changed(
        bundle(["sh", "-c", "busybox ionice; busybox ionice | cat"]),
        {"ioPriority": {"class": kind, "priority": level}},
    )
    assert told(either_runtime, made) == [words, words]


def test_personality_tells_a_32_bit_machine(either_runtime: Runner, bundle: MakeBundle) -> None:
    """config-linux.md#personality: LINUX32 sets what uname shows."""
    script = "busybox uname -m; busybox uname -m | cat"
    made = changed(bundle(["sh", "-c", script]), linux={"personality": {"domain": "LINUX32"}})
    assert told(either_runtime, made) == ["i686", "i686"]


def test_memory_policy_is_the_payloads(either_runtime: Runner, bundle: MakeBundle) -> None:
    """config-linux.md#memory-policy: set_mempolicy(2) with mode, flags and nodes."""
    policy = {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]}
    made = bundle(["sh", "-c", "grep -c bind=static:0 /proc/self/numa_maps | cat"])
    changed(made, linux={"memoryPolicy": policy})
    assert int(told(either_runtime, made)[0]) > 0


def test_a_policy_that_the_kernel_refuses_leaves_no_container(
    either_runtime: Runner, bundle: MakeBundle
) -> None:
    """The error names what could not be set."""
    made = changed(bundle(["true"]), linux={"memoryPolicy": {"mode": "MPOL_BIND", "nodes": "63"}})
    assert "set the memory policy 0x2" in either_runtime.refused("create", "--bundle", made, "c")
    assert either_runtime.ok("list", "--quiet").out == ""


def test_exec_runs_on_its_own_cpus(either_runtime: Runner, bundle: MakeBundle, tmp_path: Path) -> None:
    """config.md#linux-process: `execCPUAffinity.final` is for exec, and not for the container's init."""
    cpus = sorted(os.sched_getaffinity(0))
    first, last = cpus[0], cpus[-1]
    made = changed(
        bundle(["sh", "-c", f"{AFFINITY}; exec sleep 100"]),
        {"execCPUAffinity": {"initial": str(first), "final": str(last)}},
    )
    either_runtime.ok("create", "--bundle", made, "c")
    either_runtime.ok("start", "c")
    from_options = either_runtime.ok("exec", "c", "sh", "-c", f"{AFFINITY}; {AFFINITY} | cat")
    assert [line.split()[-1] for line in from_options.out.splitlines()] == [str(last)] * 2
    document = {**made.config["process"], "args": ["sh", "-c", AFFINITY]}
    document["execCPUAffinity"] = {"final": str(first)}
    file = tmp_path / "process.json"
    file.write_text(json.dumps(document))
    assert either_runtime.ok("exec", "--process", file, "c").out.split()[-1] == str(first)
    either_runtime.ok("delete", "--force", "c")


def test_exec_has_the_containers_scheduler_and_personality(
    either_runtime: Runner, bundle: MakeBundle
) -> None:
    """As with runc, what the process does not say is the container's."""
    made = changed(
        bundle(["sleep", "100"]),
        {
            "scheduler": {"policy": "SCHED_OTHER", "nice": 4},
            "ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 6},
        },
        {"personality": {"domain": "LINUX32"}},
    )
    either_runtime.ok("create", "--bundle", made, "c")
    either_runtime.ok("start", "c")
    result = either_runtime.ok("exec", "c", "sh", "-c", f"{NICE}; busybox ionice; busybox uname -m")
    assert result.out.splitlines() == ["4", "best-effort: prio 6", "i686"]
    either_runtime.ok("delete", "--force", "c")


@pytest.mark.parametrize(
    ("which", "words"),
    [("initial", "$.process.execCPUAffinity.initial: "), ("final", "set the CPU affinity")],
)
def test_a_cpu_that_is_not_there_is_refused(
    either_runtime: Runner, bundle: MakeBundle, which: str, words: str
) -> None:
    """One clear line, and the container lives on."""
    made = changed(bundle(["sleep", "100"]), {"execCPUAffinity": {which: "4000"}})
    either_runtime.ok("create", "--bundle", made, "c")
    either_runtime.ok("start", "c")
    result = either_runtime("exec", "c", "true")
    assert (result.status, result.err.count("\n")) == (255, 1)
    assert words in result.err
    assert either_runtime.state("c")["status"] == "running"
    either_runtime.ok("delete", "--force", "c")

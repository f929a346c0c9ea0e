"""`krun events`: statistics in runc's shape, and the news that the memory is used up."""

from __future__ import annotations

import json
import select
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.bundles import MakeBundle
from support.processes import TIMEOUT_S
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]

MIB = 1 << 20
ATTEMPTS = 20
NEVER_ZERO = """
    cpu.usage.total cpu.usage.percpu cpu.usage.percpu_kernel cpu.usage.percpu_user cpu.throttling
    cpuset.cpus cpuset.mems cpuset.cpu_exclusive cpuset.mem_hardwall cpuset.mem_exclusive
    cpuset.memory_migrate cpuset.memory_spread_page cpuset.memory_spread_slab cpuset.memory_pressure
    cpuset.sched_load_balance cpuset.sched_relax_domain_level intel_rdt network_interfaces
    memory.usage.limit memory.usage.usage memory.usage.max
    memory.swap.limit memory.kernel.limit memory.kernelTCP.limit memory.raw pids.current blkio hugetlb
""".split()


def limit(config: dict[str, Any]) -> None:
    """Give a container limits that show in the statistics."""
    config["linux"]["resources"] = {"memory": {"limit": 64 * MIB, "swap": 64 * MIB}, "pids": {"limit": 44}}


def test_stats_are_what_the_kernel_counts(runner: Runner, bundle: MakeBundle) -> None:
    """One object on one line: the limits that were set, and a use of time and memory that is not 0."""
    runner.ok("run", "--detach", "--bundle", bundle(["sleep", "600"], change=limit), "c")
    (line,) = runner.ok("events", "--stats", "c").out.splitlines()
    runner.ok("delete", "--force", "c")
    event = json.loads(line)
    assert (event["type"], event["id"]) == ("stats", "c")
    data = event["data"]
    assert data["cpu"]["usage"]["total"] > 0
    assert data["memory"]["usage"]["limit"] == 64 * MIB
    assert 0 < data["memory"]["usage"]["usage"] <= data["memory"]["usage"]["max"] <= 64 * MIB
    assert data["memory"]["raw"]
    assert data["pids"]["limit"] == 44
    assert 1 <= data["pids"]["current"] < 44
    assert {"blkio", "hugetlb"} < set(data)


@pytest.mark.needs("runc", "cgroup_v1")
def test_stats_have_the_names_that_runc_gives_them(
    runner: Runner, bundle: MakeBundle, tmp_path: Path
) -> None:
    """Time, memory and processes; runc leaves out what is 0, so only what never is can be compared."""
    runner.ok("run", "--detach", "--bundle", bundle(["sleep", "600"]), "c")
    data = json.loads(runner.ok("events", "--stats", "c").out)["data"]
    runner.ok("delete", "--force", "c")

    runc = ["runc", "--root", str(tmp_path / "runc")]
    other = bundle(["sleep", "600"], name="other")
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([*runc, "run", "--detach", "--bundle", str(other), "r"], **quiet, check=True)
    told = subprocess.run([*runc, "events", "--stats", "r"], capture_output=True, check=True).stdout
    subprocess.run([*runc, "delete", "--force", "r"], **quiet, check=True)
    expected = json.loads(told)["data"]
    for place in NEVER_ZERO:
        ours, theirs = data, expected
        for name in place.split("."):
            ours, theirs = ours[name], theirs[name]
        assert type(ours) is type(theirs), place
        if place.startswith("cpuset"):
            assert ours == theirs, place


def test_events_come_until_the_container_ends(runner: Runner, bundle: MakeBundle) -> None:
    """Statistics at each interval; then the command ends, too."""
    runner.ok("run", "--detach", "--bundle", bundle(["sleep", "600"]), "c")
    with runner.start("events", "--interval", "50ms", "c", stdout=subprocess.PIPE) as events:
        assert events.stdout is not None
        seen = [json.loads(events.stdout.readline())["type"] for _ in range(3)]
        assert seen == ["stats"] * 3
        runner.ok("kill", "c", "KILL")
        assert events.wait(TIMEOUT_S) == 0
    runner.ok("delete", "c")


def test_running_out_of_memory_is_an_event(runner: Runner, bundle: MakeBundle) -> None:
    """It is told when it happens, and not at the next interval."""
    runner.ok("run", "--detach", "--bundle", bundle(["sleep", "600"], change=limit), "c")
    with runner.start("events", "--interval", "1h", "c", stdout=subprocess.PIPE) as events:
        assert events.stdout is not None
        # The first that is too much may come before the watch is there: there are as many as it takes.
        script = "x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done"
        for _ in range(ATTEMPTS):
            assert runner("exec", "c", "sh", "-c", script).status == 137
            if select.select([events.stdout], [], [], 1.0)[0]:
                break
        assert json.loads(events.stdout.readline()) == {"type": "oom", "id": "c"}
        runner.ok("kill", "c", "KILL")
        assert events.wait(TIMEOUT_S) == 0
    runner.ok("delete", "c")


@pytest.mark.parametrize("interval", ["0s", "5", "-1s", "s", "1d", "ms"])
def test_an_interval_is_a_time(runner: Runner, interval: str) -> None:
    """Nothing else, and not 0."""
    line = runner.refused("events", "--interval", interval, "c")
    assert line == f"krun: --interval: {interval!r} is not a time such as 500ms or 5s"


def test_a_stopped_container_has_no_events(runner: Runner, bundle: MakeBundle) -> None:
    """Which is said."""
    runner.ok("run", "--keep", "--bundle", bundle(["true"]), "c")
    assert "container not running" in runner.refused("events", "--stats", "c")
    runner.ok("delete", "c")

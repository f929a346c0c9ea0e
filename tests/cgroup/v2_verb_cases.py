"""What test_v2 runs in the small kernel beside v2_cases: containers in cgroups of v2, by krun's verbs.

Not collected by itself: these need a root process on a cgroup v2 that nobody else uses.
"""

from __future__ import annotations

import json
import select
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import updates
from support.bundles import MakeBundle
from support.runner import Runner

ROOT = Path("/sys/fs/cgroup")

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture
def path(cgroup_name: str) -> str:
    """Return the cgroup of the container."""
    return f"/{cgroup_name}bundle"


def test_a_container_is_born_limited_in_its_cgroup_and_leaves_none(
    plain_runtime: Runner, bundle: MakeBundle, path: str
) -> None:
    """The whole of krun: the payload sees its cgroup, the limits hold, `delete` removes all."""
    resources = {"memory": {"limit": 67108864}, "devices": [{"allow": False, "access": "rwm"}]}
    opening = "(: </dev/zero) && echo zero; mknod /dev/mine c 1 11; (: </dev/mine) || echo no"
    made = bundle(["sh", "-c", f"cat /proc/self/cgroup; {opening}"])
    made.config["linux"]["resources"] = resources
    made.write()
    said = plain_runtime.ok("run", "--bundle", made, "r").out
    assert said.splitlines() == [f"0::{path}", "zero", "no"]
    plain_runtime.ok("create", "--bundle", made, "c")
    assert (ROOT / path[1:] / "memory.max").read_text() == "67108864\n"
    plain_runtime.ok("delete", "--force", "c")


@pytest.fixture
def running(plain_runtime: Runner, bundle: MakeBundle) -> Iterator[Runner]:
    """Return krun with a container that sleeps and may use 64 MiB."""
    made = bundle(["sleep", "600"])
    made.config["linux"]["resources"] = {"memory": {"limit": 64 << 20, "swap": 64 << 20}}
    made.write()
    plain_runtime.ok("run", "--detach", "--bundle", made, "c")
    yield plain_runtime
    plain_runtime.ok("delete", "--force", "c")


def test_pause_shows_in_the_state_and_a_forced_deletion_ends_it(running: Runner) -> None:
    """The freezer of v2 is in every cgroup."""
    running.ok("pause", "c")
    assert running.state("c")["status"] == "paused"
    assert "it is paused" in running("exec", "c", "true").err
    running.ok("resume", "c")
    assert running.state("c")["status"] == "running"
    running.ok("pause", "c")


def test_exec_and_ps_see_one_cgroup(running: Runner, path: str) -> None:
    """The process that joins is in the container's cgroup, and is listed with it."""
    assert running.ok("exec", "c", "cat", "/proc/self/cgroup").out == f"0::{path}\n"
    running.ok("exec", "--detach", "c", "sh", "-c", "exec sleep 601 >/dev/null 2>&1")
    assert len(json.loads(running.ok("ps", "--format", "json", "c").out)) == 2


def test_exec_enters_a_cgroup_below_that_is_named(running: Runner, path: str) -> None:
    """--cgroup: a path below the container's own, with or without a slash in front."""
    (ROOT / path[1:] / "part").mkdir()
    for word in ("part", "/part"):
        found = running.ok("exec", "--cgroup", word, "c", "cat", "/proc/self/cgroup").out
        assert found == f"0::{path}/part\n"
    assert "is not there" in running("exec", "--cgroup", "other", "c", "true").err
    assert "the container has no such cgroup" in running("exec", "--cgroup", "pids:part", "c", "true").err


def test_exec_follows_an_init_that_has_left_for_a_cgroup_below(running: Runner, path: str) -> None:
    """A cgroup that hands controllers down takes no processes: an init system arranges its own so."""
    own = ROOT / path[1:]
    (own / "init.scope").mkdir()
    (own / "init.scope/cgroup.procs").write_text((own / "cgroup.procs").read_text())
    (own / "cgroup.subtree_control").write_text("+pids")
    assert running.ok("exec", "c", "cat", "/proc/self/cgroup").out == f"0::{path}/init.scope\n"


def test_update_changes_all_or_nothing(running: Runner, path: str) -> None:
    """A quota keeps the period; a refused value puts the others back."""
    own = ROOT / path[1:]
    running.ok("update", "--memory", "96m", "--cpu-quota", "5000", "--cpu-period", "20000", "c")
    running.ok("update", "--cpu-quota", "6000", "c")
    assert (own / "memory.max").read_text() == f"{96 << 20}\n"
    assert (own / "cpu.max").read_text() == "6000 20000\n"
    refused = running.refused("update", "--memory", "32m", "--cpu-quota", "10", "c")
    assert "$.linux.resources.cpu.quota: " in refused
    assert (own / "memory.max").read_text() == f"{96 << 20}\n"


LIMITS = (
    "memory.max",
    "memory.low",
    "memory.swap.max",
    "cpu.weight",
    "cpu.max",
    "cpu.max.burst",
    "cpu.idle",
    "pids.max",
)
CANNOT_BE = {**updates.CANNOT_BE, **updates.NOT_ON_V2}


@pytest.mark.parametrize("option", CANNOT_BE)
def test_an_update_that_cannot_be_leaves_all_as_it_is(running: Runner, path: str, option: str) -> None:
    """Beside one that takes the weight along, and among all that can: none is in force afterwards."""
    own = ROOT / path[1:]
    running.ok("update", "--cpu-share", "512", "--cpu-quota", "20000", "--cpu-period", "50000", "c")
    before = {name: (own / name).read_text() for name in LIMITS}
    for values in ({"--cpu-idle": "1"}, updates.CAN_BE):
        running.refused("update", *updates.words({**values, option: CANNOT_BE[option]}), "c")
        assert {name: (own / name).read_text() for name in LIMITS} == before


def test_an_update_of_all_that_can_be_is_in_force(running: Runner, path: str) -> None:
    """The values of the test above that can be: each is what its file says."""
    running.ok("update", *updates.words(updates.CAN_BE), "c")
    found = {name: (ROOT / path[1:] / name).read_text().strip() for name in LIMITS}
    assert found == {
        "memory.max": str(60 << 20),
        "memory.low": str(30 << 20),
        "memory.swap.max": str(20 << 20),
        "cpu.weight": "0",  # that of an idle group
        "cpu.max": "10000 40000",
        "cpu.max.burst": "5000",
        "cpu.idle": "1",
        "pids.max": "44",
    }
    running.ok("update", "--cpu-idle", "0", "--cpu-share", "256", "c")
    files = ("cpu.idle", "cpu.weight")
    assert [(ROOT / path[1:] / name).read_text().strip() for name in files] == ["0", "35"]


def test_events_count_and_tell_of_an_end_by_lack_of_memory(running: Runner) -> None:
    """Statistics in the same shape as on v1, and one event for a process that was killed."""
    data = json.loads(running.ok("events", "--stats", "c").out)["data"]
    assert data["memory"]["usage"]["limit"] == 64 << 20
    assert 0 < data["memory"]["usage"]["usage"] < 64 << 20
    assert data["cpu"]["usage"]["total"] > 0
    assert data["pids"]["current"] == 1
    with running.start("events", "--interval", "1h", "c", stdout=subprocess.PIPE) as events:
        assert events.stdout is not None
        script = "x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done"
        for _ in range(20):
            assert running("exec", "c", "sh", "-c", script).status == 137
            if select.select([events.stdout], [], [], 1.0)[0]:
                break
        assert json.loads(events.stdout.readline()) == {"type": "oom", "id": "c"}
        running.ok("kill", "c", "KILL")
        assert events.wait(60) == 0

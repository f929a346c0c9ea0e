"""What test_v2 runs in the small kernel: cgroups made for real on a pure cgroup v2, and read back.

Not collected by itself: these need a root process on a cgroup v2 that nobody else uses.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.cgroups import inside, left, made, output_inside, plan_here, read

from krun.errors import HostError, Unsupported
from krun.execute import cgroup, cgroup_processes
from krun.host.cgroups import Hierarchy, probe_cgroups
from krun.state import liveness

CONFIGS = Path(__file__).resolve().parent.parent / "data" / "configs"
ROOT = Path("/sys/fs/cgroup")
_numbers = itertools.count()


@pytest.fixture
def path() -> Iterator[str]:
    """Name a cgroup, and assert that nothing of it is left at the end."""
    top = f"/krun-test-{next(_numbers)}"
    yield f"{top}/c1"
    assert not (ROOT / top[1:]).exists()


def linux_of(name: str) -> dict[str, Any]:
    """Return the resources of a configuration as a client wrote it, without cpusets: one processor here."""
    resources = json.loads((CONFIGS / f"{name}.config.json").read_text())["linux"]["resources"]
    resources.get("cpu", {}).pop("cpus", None)
    return {"resources": resources}


def test_the_host_is_pure_v2() -> None:
    """The probe takes a cgroup2 at /sys/fs/cgroup for v2."""
    facts = probe_cgroups()
    assert facts.version == "v2"
    assert facts.unified == Hierarchy(mount="/sys/fs/cgroup", own="/")
    assert {"cpu", "io", "memory", "pids"} <= set(facts.controllers)


def test_dockers_limits_are_what_the_kernel_has(path: str) -> None:
    """Docker's configuration is written for v1; the kernel has it in v2's words."""
    with made(plan_here(path, linux_of("docker-run-limits"))) as record:
        assert read(record, "memory", "memory.max") == "67108864"
        assert read(record, "memory", "memory.low") == "33554432"
        assert read(record, "cpu", "cpu.max") == "50000 100000"
        assert read(record, "cpu", "cpu.weight") == "35"
        assert read(record, "pids", "pids.max") == "30"


def test_dockers_zeros_leave_the_defaults(path: str) -> None:
    """Nothing is limited, and every controller is there for statistics."""
    with made(plan_here(path, linux_of("docker-run-true"))) as record:
        assert read(record, "memory", "memory.max") == "max"
        assert read(record, "cpu", "cpu.weight") == "100"
        assert {"cpu", "io", "memory", "pids"} <= set(read(record, "", "cgroup.controllers").split())


def test_a_process_enters(path: str) -> None:
    """One hierarchy, one write."""
    with made(plan_here(path)) as record, inside(record) as process:
        assert Path(f"/proc/{process.pid}/cgroup").read_text() == f"0::{path}\n"
        assert cgroup_processes.pids(record) == [process.pid]


PROBE = "for d in null zero tty7; do (: </run/devices/$d) 2>/dev/null && echo $d; done; :"


@pytest.fixture
def devices() -> None:
    """Make device nodes in a directory of their own; tty7 stands for one that no container gets."""
    directory = Path("/run/devices")
    if not directory.exists():
        directory.mkdir()
        for name, minor in (("null", 3), ("zero", 5), ("tty7", 11)):
            os.mknod(directory / name, 0o20666, os.makedev(1, minor))


@pytest.mark.usefixtures("devices")
def test_only_the_devices_of_the_list_can_be_opened(path: str) -> None:
    """The filter is attached: what docker allows works, what it does not fails, also for root."""
    with made(plan_here(path, linux_of("docker-run-true"))) as record:
        assert output_inside(record, PROBE).split() == ["null", "zero"]


@pytest.mark.usefixtures("devices")
def test_privileged_opens_all_devices(path: str) -> None:
    """Without a filter, all three."""
    with made(plan_here(path, linux_of("docker-run-privileged"))) as record:
        assert output_inside(record, PROBE).split() == ["null", "zero", "tty7"]


@pytest.mark.usefixtures("devices")
def test_a_new_filter_replaces_the_old_one(path: str) -> None:
    """All attached programs have to allow an access: an old one that stays would deny what is allowed now."""
    more = {"resources": {"devices": [{"allow": True, "type": "c", "major": 1, "minor": 11, "access": "rw"}]}}
    with made(plan_here(path, linux_of("docker-run-true"))), made(plan_here(path, more)) as record:
        assert output_inside(record, PROBE).split() == ["null", "zero", "tty7"]


@pytest.mark.usefixtures("devices")
def test_making_nodes_is_allowed_and_opening_them_is_not(path: str) -> None:
    """As in runc: mknod of any device, without a right to what it stands for."""
    script = "cd /run/devices; mknod made c 1 11; ls made; (: <made) 2>&1; rm made"
    with made(plan_here(path)) as record:
        said = output_inside(record, script)
    assert said.startswith("made\n")
    assert "Operation not permitted" in said


def test_a_limit_of_pids_holds(path: str) -> None:
    """The process itself and one child are allowed, a second child is not."""
    with made(plan_here(path, {"resources": {"pids": {"limit": 2}}})) as record:
        said = output_inside(record, "sleep 60 >/dev/null 2>&1 & sleep 60 >/dev/null 2>&1 & echo both")
        assert "both" not in said


def test_unified_is_written(path: str) -> None:
    """config-linux.md: "Configuration unknown to the runtime MUST still be written to the relevant file."""
    unified = {"memory.high": "1048576", "cgroup.max.depth": "2"}
    with made(plan_here(path, {"resources": {"unified": unified}})) as record:
        assert {file: read(record, "", file) for file in unified} == unified


def test_a_limit_below_the_usage_is_rejected_when_it_is_to_be_checked(path: str) -> None:
    """With checkBeforeUpdate the runtime "MUST reject the new limit"; the kernel would kill."""
    plan = plan_here(path, {"resources": {"memory": {"limit": 4096, "checkBeforeUpdate": True}}})
    with made(plan_here(path)) as record, inside(record, "echo here; sleep 60") as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(Unsupported, match=r"^\$\.linux\.resources\.memory\.limit: 4096 is below"):
            cgroup.apply(plan, record)
        assert read(record, "", "memory.max") == "max"


def test_a_controller_that_a_busy_parent_cannot_hand_down_is_an_error(path: str) -> None:
    """A cgroup with processes hands no controllers down; the limit then has no file."""
    parent = path.rpartition("/")[0]
    message = r"^\$\.linux\.resources\.memory\.limit: this kernel, or the cgroup above"
    with made(plan_here(parent)) as record, inside(record):
        plan = plan_here(path, {"resources": {"memory": {"limit": 67108864}}})
        with pytest.raises(Unsupported, match=message), made(plan):
            pass


def test_the_cgroup_is_delegated_with_the_files_that_are_made_for_it(path: str) -> None:
    """config-linux.md#cgroup-ownership: the directory and the files listed by the kernel, nothing else."""
    linux = {
        "namespaces": [{"type": "cgroup"}, {"type": "user"}],
        "uidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
        "gidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
    }
    mounts = [{"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["rw"]}]
    with made(plan_here(path, linux, mounts=mounts)) as record:
        directory = Path(record.paths[""])
        listed = set(Path("/sys/kernel/cgroup/delegate").read_text().split())
        owned = {entry.name for entry in directory.iterdir() if entry.stat().st_uid == 100000}
        assert directory.stat().st_uid == 100000
        assert owned == {name for name in listed if (directory / name).exists()}
        assert "cgroup.procs" in owned
        assert "memory.max" not in owned


def test_a_cgroup_with_processes_is_refused(path: str) -> None:
    """config-linux.md: a cgroup that is not fit for the container is an error."""
    plan = plan_here(path)
    with (
        made(plan) as record,
        inside(record),
        pytest.raises(HostError, match=r"^cgroup .*: is not empty: 1 proc"),
    ):
        cgroup.prepare(plan)


def test_a_frozen_cgroup_is_refused(path: str) -> None:
    """Nothing in there could be started."""
    plan = plan_here(path)
    with made(plan) as record:
        cgroup_processes.freeze(record)
        with pytest.raises(HostError, match=r"^cgroup .*: is frozen$"):
            cgroup.prepare(plan)


@pytest.mark.parametrize("paused", [False, True])
def test_killing_all_ends_every_process_also_of_a_paused_container(path: str, *, paused: bool) -> None:
    """`delete --force`: when it returns, nothing of the container runs."""
    with made(plan_here(path)) as record, inside(record, "sleep 60 & sleep 60 & echo ready; wait") as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert len(cgroup_processes.pids(record)) == 3
        if paused:
            cgroup_processes.freeze(record)
            assert cgroup_processes.is_frozen(record)
        cgroup_processes.kill_all(record)
        assert cgroup_processes.pids(record) == []
        assert process.wait(10) == -signal.SIGKILL


def test_removing_takes_the_cgroups_below_and_their_processes(path: str) -> None:
    """A container may have made cgroups of its own."""
    with made(plan_here(path)) as record, inside(record) as process:
        below = Path(record.paths[""]) / "below"
        (below / "deeper").mkdir(parents=True)
        (below / "cgroup.procs").write_text(str(process.pid))
        cgroup.remove(record)
        assert left(record) == []
        assert process.wait(10) == -signal.SIGKILL


def test_a_process_whose_session_outlives_it_is_dead() -> None:
    """Of a pid that only a session goes by, this kernel says EINVAL, where later ones say ESRCH."""
    reading, writing = os.pipe()
    leader = os.fork()
    if leader == 0:
        os.setsid()
        follower = os.fork()
        if follower == 0:
            signal.pause()
        os.write(writing, str(follower).encode())
        os._exit(0)
    os.waitpid(leader, 0)
    follower = int(os.read(reading, 20))
    try:
        assert liveness.open_process(leader, 1) is None
    finally:
        os.kill(follower, signal.SIGKILL)
        os.close(reading)
        os.close(writing)

"""Cgroups made for real in the v1 hierarchies of this host, and read back from the kernel."""

from __future__ import annotations

import itertools
import json
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.cgroups import inside, left, made, output_inside, plan_here, read

from krun.errors import HostError, Unsupported
from krun.execute import cgroup, cgroup_processes

pytestmark = pytest.mark.needs("root", "cgroup_v1")

CONFIGS = Path(__file__).resolve().parent.parent / "data" / "configs"
_numbers = itertools.count()


@pytest.fixture
def path() -> Iterator[str]:
    """Name a cgroup that nobody else uses, and assert that nothing of it is left at the end."""
    top = f"/krun-test-cgroup-{os.getpid()}-{next(_numbers)}"
    yield f"{top}/c1"
    assert not [mount for mount in Path("/sys/fs/cgroup").glob("*") if (mount / top[1:]).exists()]


def linux_of(name: str) -> dict[str, Any]:
    """Return the resources of a configuration as a client wrote it."""
    return {"resources": json.loads((CONFIGS / f"{name}.config.json").read_text())["linux"]["resources"]}


def test_dockers_limits_are_what_the_kernel_has(path: str) -> None:
    """`docker run -m 64m --memory-reservation 32m -c 256 --cpus 0.5 --cpuset-cpus 1 --pids-limit 30`."""
    with made(plan_here(path, linux_of("docker-run-limits"))) as record:
        assert {
            (controller, file): read(record, controller, file)
            for controller, file in (
                ("memory", "memory.limit_in_bytes"),
                ("memory", "memory.memsw.limit_in_bytes"),
                ("memory", "memory.soft_limit_in_bytes"),
                ("cpu", "cpu.shares"),
                ("cpu", "cpu.cfs_quota_us"),
                ("cpu", "cpu.cfs_period_us"),
                ("cpuset", "cpuset.cpus"),
                ("pids", "pids.max"),
            )
        } == {
            ("memory", "memory.limit_in_bytes"): "67108864",
            ("memory", "memory.memsw.limit_in_bytes"): "134217728",
            ("memory", "memory.soft_limit_in_bytes"): "33554432",
            ("cpu", "cpu.shares"): "256",
            ("cpu", "cpu.cfs_quota_us"): "50000",
            ("cpu", "cpu.cfs_period_us"): "100000",
            ("cpuset", "cpuset.cpus"): "1",
            ("pids", "pids.max"): "30",
        }


# What dockerd leaves out: property, value, file, and what stands in it then.
FURTHER: tuple[tuple[str, str, Any, str, str], ...] = (
    ("memory", "swappiness", 7, "memory.swappiness", "7"),
    ("memory", "disableOOMKiller", True, "memory.oom_control", "oom_kill_disable 1"),
    ("memory", "kernelTCP", 8 << 20, "memory.kmem.tcp.limit_in_bytes", str(8 << 20)),
    ("cpu", "quota", 50000, "cpu.cfs_quota_us", "50000"),
    ("cpu", "burst", 3000, "cpu.cfs_burst_us", "3000"),
    ("cpu", "mems", "0", "cpuset.mems", "0"),
    ("pids", "limit", 0, "pids.max", "0"),
)


def test_what_docker_does_not_set_is_what_the_kernel_has(path: str) -> None:
    """Properties that its configurations do not have; a limit of no process is one."""
    resources: dict[str, dict[str, Any]] = {}
    for section, name, value, _, _ in FURTHER:
        resources.setdefault(section, {})[name] = value
    with made(plan_here(path, {"resources": resources})) as record:
        found = {file: read(record, file.partition(".")[0], file).splitlines()[0] for *_, file, _ in FURTHER}
    assert found == {file: expected for *_, file, expected in FURTHER}


def test_an_idle_group_is_one(path: str) -> None:
    """cpu.idle takes the shares along, and -1 lifts a limit of processes."""
    with made(plan_here(path, {"resources": {"cpu": {"idle": 1}, "pids": {"limit": -1}}})) as record:
        assert (read(record, "cpu", "cpu.idle"), read(record, "pids", "pids.max")) == ("1", "max")


def test_dockers_zeros_leave_the_defaults(path: str) -> None:
    """Without options docker sends shares and weight 0: nothing is limited, the cpuset is the parent's."""
    with made(plan_here(path, linux_of("docker-run-true"))) as record:
        assert read(record, "cpu", "cpu.shares") == "1024"
        assert read(record, "pids", "pids.max") == "max"
        parent = Path(record.paths["cpuset"]).parent
        assert read(record, "cpuset", "cpuset.cpus") == (parent / "cpuset.cpus").read_text().strip() != ""


def test_a_process_enters_every_hierarchy(path: str) -> None:
    """As with runc: all controllers, the named systemd hierarchy and cgroup2."""
    with made(plan_here(path)) as record, inside(record) as process:
        lines = Path(f"/proc/{process.pid}/cgroup").read_text().splitlines()
        entered = dict(line.split(":", 2)[1:] for line in lines)
        assert {entered[name] for name in record.paths} == {path}
        assert cgroup_processes.pids(record) == [process.pid]


def test_only_the_devices_of_the_list_can_be_opened(path: str) -> None:
    """What docker allows works, what it does not fails with EPERM, also for root."""
    probe = "for d in null zero kmsg; do (: </dev/$d) 2>/dev/null && echo $d; done"
    with made(plan_here(path, linux_of("docker-run-true"))) as record:
        assert output_inside(record, probe).split() == ["null", "zero"]
        assert "c 10:200 rwm" in read(record, "devices", "devices.list").splitlines()


def test_privileged_opens_all_devices(path: str) -> None:
    """Docker's --privileged."""
    with made(plan_here(path, linux_of("docker-run-privileged"))) as record:
        assert read(record, "devices", "devices.list") == "a *:* rwm"


def test_a_limit_of_pids_holds(path: str) -> None:
    """The process itself and one child are allowed, a second child is not."""
    with made(plan_here(path, {"resources": {"pids": {"limit": 2}}})) as record:
        said = output_inside(record, "sleep 60 >/dev/null 2>&1 & sleep 60 >/dev/null 2>&1 & echo both")
        assert "both" not in said


def test_limits_of_a_cgroup_that_exists_are_raised_and_lowered(path: str) -> None:
    """The kernel checks limit against memory+swap: the order of the writes follows the old values."""
    directories = plan_here(path).paths

    def limits(size: int) -> dict[str, Any]:
        return {"resources": {"memory": {"limit": size, "swap": size}}}

    with made(plan_here(path, limits(64 << 20))):
        for size in (256 << 20, 32 << 20):
            again = plan_here(path, limits(size))
            with made(again) as record:
                assert set(record.kept) == set(directories.values())
                assert read(record, "memory", "memory.limit_in_bytes") == str(size)
                assert read(record, "memory", "memory.memsw.limit_in_bytes") == str(size)
            assert left(record), "what was there before is not removed"


def test_what_the_kernel_refuses_names_the_property(path: str) -> None:
    """One line: the JSON path, the file, the error's symbol."""
    plan = plan_here(path, {"resources": {"cpu": {"quota": 1}}})
    with pytest.raises(Unsupported) as refusal, made(plan):
        pass
    file = f"/sys/fs/cgroup/cpu{path}/cpu.cfs_quota_us"
    assert str(refusal.value) == f"$.linux.resources.cpu.quota: cannot write '1' to {file}: EINVAL"


def test_a_file_that_the_kernel_lacks_names_the_property(path: str) -> None:
    """leaf_weight is gone since Linux 5.0."""
    plan = plan_here(path, {"resources": {"blockIO": {"leafWeight": 10}}})
    with (
        pytest.raises(Unsupported, match=r"^\$\.linux\.resources\.blockIO\.leafWeight: this kernel, "),
        made(plan),
    ):
        pass


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
        cgroup_processes.thaw(record)


def test_a_frozen_process_stands_still_until_it_is_thawed(path: str) -> None:
    """Pause and resume."""
    with made(plan_here(path)) as record, inside(record, "while :; do :; done") as process:
        cgroup_processes.freeze(record)
        assert cgroup_processes.is_frozen(record)
        before = Path(f"/proc/{process.pid}/schedstat").read_text()
        assert Path(f"/proc/{process.pid}/schedstat").read_text() == before
        cgroup_processes.thaw(record)
        assert not cgroup_processes.is_frozen(record)


@pytest.mark.parametrize("paused", [False, True])
def test_killing_all_ends_every_process_also_of_a_paused_container(path: str, *, paused: bool) -> None:
    """`delete --force`: when it returns, nothing of the container runs."""
    with made(plan_here(path)) as record, inside(record, "sleep 60 & sleep 60 & echo ready; wait") as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert len(cgroup_processes.pids(record)) == 3
        if paused:
            cgroup_processes.freeze(record)
        cgroup_processes.kill_all(record)
        assert cgroup_processes.pids(record) == []
        assert process.wait(10) == -signal.SIGKILL


def test_killing_all_ends_a_process_that_forks_without_end(path: str) -> None:
    """All stand still while they are killed, so none escapes by forking."""
    with made(plan_here(path)) as record, inside(record, "f() { f & f & wait; }; echo ready; f") as process:
        assert process.stdout is not None
        process.stdout.readline()
        cgroup_processes.kill_all(record)
        assert cgroup_processes.pids(record) == []


def test_more_processes_than_descriptors_are_usual_are_killed_at_once(path: str) -> None:
    """A descriptor stands for each of them meanwhile, whatever limit a shell has set."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    many = "for i in $(seq 200); do sleep 60 & done; echo ready; wait"
    with made(plan_here(path)) as record, inside(record, many) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        few = (len(os.listdir("/proc/self/fd")) + 50, limits[1])
        resource.setrlimit(resource.RLIMIT_NOFILE, few)
        try:
            cgroup_processes.kill_all(record)
            assert resource.getrlimit(resource.RLIMIT_NOFILE) == few
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert cgroup_processes.pids(record) == []


def test_a_signal_reaches_every_process_once(path: str) -> None:
    """`kill --all`."""
    waiting = "trap 'echo got' USR1; echo ready; while :; do sleep 60 & wait; done"
    with made(plan_here(path)) as record, inside(record, f"({waiting}) & {waiting}") as p:
        assert p.stdout is not None
        assert [p.stdout.readline().strip() for _ in range(2)] == ["ready", "ready"]
        cgroup_processes.signal_all(record, 0)
        cgroup_processes.signal_all(record, signal.SIGUSR1)
        assert [p.stdout.readline().strip() for _ in range(2)] == ["got", "got"]


def test_removing_takes_the_cgroups_below_and_their_processes(path: str) -> None:
    """A container may have made cgroups of its own."""
    plan = plan_here(path)
    with made(plan) as record, inside(record) as process:
        for directory in record.directories():
            (Path(directory) / "below" / "deeper").mkdir(parents=True)
        below = Path(record.paths["memory"]) / "below" / "cgroup.procs"
        below.write_text(str(process.pid))
        cgroup.remove(record)
        assert left(record) == []
        assert process.wait(10) == -signal.SIGKILL
        cgroup.remove(record)


def test_cgroups_deeper_than_a_path_is_long_are_emptied_and_removed(path: str) -> None:
    """A payload with a cgroup file system of its own makes them so; the container can still be deleted."""
    levels = 2000
    with made(plan_here(path)) as record, inside(record) as process:
        here = os.open(record.paths["pids"], os.O_DIRECTORY)
        for _ in range(levels):
            os.mkdir("below", dir_fd=here)
            below = os.open("below", os.O_DIRECTORY, dir_fd=here)
            os.close(here)
            here = below
        members = os.open("cgroup.procs", os.O_WRONLY, dir_fd=here)
        os.write(members, str(process.pid).encode())
        os.close(members)
        os.close(here)
        cgroup_processes.kill_all(record)
        assert process.wait(timeout=10) == -signal.SIGKILL
        cgroup.remove(record)
        assert left(record) == []


def test_a_failed_creation_removes_what_it_made(path: str) -> None:
    """Also the parents, and also when it is the last hierarchy that cannot be made."""
    plan = plan_here(path)
    broken = plan.replace(
        paths={**plan.paths, "zzz": "/proc/nowhere/c1"}, mounts={**plan.mounts, "zzz": "/proc"}
    )
    with pytest.raises(HostError, match=r"^cannot make cgroup /proc/nowhere/c1: ENOENT$"):
        cgroup.create(broken, cgroup.prepare(broken))


def test_a_parent_in_use_outlives_the_container_that_brought_it(path: str) -> None:
    """Two containers below one parent: the last one takes it along only if it made it."""
    sibling = plan_here(f"{path}-sibling")
    first = cgroup.prepare(plan_here(path))
    second = cgroup.prepare(sibling)
    cgroup.create(plan_here(path), first)
    cgroup.create(sibling, second)
    cgroup.remove(first)
    assert len(left(second)) == len(second.directories())
    cgroup.remove(second)


def test_huge_pages_are_limited_where_the_host_has_them(path: str) -> None:
    """A hybrid may have hugetlb on cgroup2: it is handed down there, and limited in v2's words."""
    plan = plan_here(path, {"resources": {"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]}})
    file = "hugetlb.2MB.limit_in_bytes" if "hugetlb" in plan.paths else "hugetlb.2MB.max"
    with made(plan) as record:
        assert read(record, "hugetlb", file) == "4194304"

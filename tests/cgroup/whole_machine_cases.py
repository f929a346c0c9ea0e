"""What test_whole_machine runs in a machine that has what small ones lack: all controllers, devices, and KVM.

Not collected by itself: these need root, a systemd as the first process, and a cgroup v2.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.runner import Result
from support.shared_root import Krun
from support.systemd import ROOT, show, systemctl

TOP = Path("/sys/fs/cgroup/krun-test")
V1 = Path("/run/v1")
SYSTEMD = ("--systemd-cgroup",)
# In a mount namespace of its own: the hierarchies that are mounted at V1, and a cgroup2 beside them.
HYBRID = """
umount --recursive --lazy /sys/fs/cgroup
mount -t tmpfs none /sys/fs/cgroup
mkdir /sys/fs/cgroup/unified
mount -t cgroup2 none /sys/fs/cgroup/unified
for path in /run/v1/*; do
    mkdir "/sys/fs/cgroup/${path##*/}"
    mount --bind "$path" "/sys/fs/cgroup/${path##*/}"
done
exec "$@"
"""


Make = Callable[..., Krun]


@pytest.fixture
def make(krun: Path, krun_root: Path, tmp_path: Path, shared_root: Path) -> Iterator[Make]:
    """Return what makes a krun with the options of a Runner; nothing is left of it."""
    made: list[Krun] = []

    def call(**options: Any) -> Krun:
        made.append(Krun(krun, krun_root, tmp_path, shared_root, **{"monitor": "none", **options}))
        return made[-1]

    yield call
    for each in made:
        if (krun_root / each.id).exists():
            each.ok("delete", "--force", each.id)
    assert not TOP.exists()


def values(directory: Path, *files: str) -> list[str]:
    """Return what files of a cgroup say."""
    return [(directory / name).read_text().strip() for name in files]


def allowed(krun: Krun) -> str:
    """Return the processors that the container's init may use, as the kernel has it."""
    lines = Path(f"/proc/{krun.pid()}/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("Cpus_allowed_list:")]
    return line.split()[1]


def test_processors_and_memory_nodes_are_systemds_too(make: Make) -> None:
    """cpuset by AllowedCPUs and AllowedMemoryNodes; a reload keeps it, an update changes it for good."""
    krun = make(options=SYSTEMD)
    assert krun.create(f":test:{krun.id}", {"cpu": {"cpus": "1", "mems": "0"}}).status == 0
    unit = f"test-{krun.id}.scope"
    own = ROOT / "system.slice" / unit
    assert show(unit, "AllowedCPUs", "AllowedMemoryNodes") == {"AllowedCPUs": "1", "AllowedMemoryNodes": "0"}
    systemctl("daemon-reload")
    assert values(own, "cpuset.cpus", "cpuset.cpus.effective", "cpuset.mems") == ["1", "1", "0"]
    assert allowed(krun) == "1"
    krun.ok("update", "--cpuset-cpus", "0", krun.id)
    refused = krun.refused("update", "--cpuset-cpus", "1000", "--pids-limit", "7", krun.id)
    assert "$.linux.resources.cpu.cpus: " in refused
    systemctl("daemon-reload")
    assert values(own, "cpuset.cpus", "cpuset.cpus.effective") == ["0", "0"]
    assert values(own, "pids.max") != ["7"]
    assert allowed(krun) == "0"


def test_weights_and_rates_of_devices_outlive_a_reload(make: Make) -> None:
    """BFQ's weight and a throttled device, in the files and, where it has words for it, in systemd."""
    major, minor = map(int, Path("/sys/block/nullb0/dev").read_text().split(":"))
    rate = {"major": major, "minor": minor, "rate": 1 << 20}
    krun = make(options=SYSTEMD)
    throttles = {"throttleReadBpsDevice": [rate], "throttleWriteIOPSDevice": [rate]}
    assert krun.create(f":test:{krun.id}", {"blockIO": {"weight": 300, **throttles}}).status == 0
    own = ROOT / f"system.slice/test-{krun.id}.scope"
    before = values(own, "io.bfq.weight", "io.max")
    systemctl("daemon-reload")
    assert before == ["default 300", f"{major}:{minor} rbps=1048576 wbps=max riops=max wiops=1048576"]
    assert values(own, "io.bfq.weight", "io.max") == before
    krun.ok("update", "--blkio-weight", "50", krun.id)
    systemctl("daemon-reload")
    assert values(own, "io.bfq.weight") == ["default 50"]


def test_huge_pages_are_limited(make: Make) -> None:
    """Their faults and their reservations."""
    krun = make()
    limit = {"pageSize": "2MB", "limit": 4 << 20}
    assert krun.create("/krun-test/huge", {"hugepageLimits": [limit]}).status == 0
    found = values(TOP / "huge", "hugetlb.2MB.max", "hugetlb.2MB.rsvd.max")
    assert found == [str(4 << 20), str(4 << 20)]


@pytest.fixture
def rdma() -> Iterator[str]:
    """Return the name of an RDMA device, which is software.

    It goes before the container does: Linux 6.1 trips over a device whose limited cgroup is gone.
    """
    for words in ("ip link add dummy9 type dummy", "ip link set dummy9 up"):
        subprocess.run(words.split(), check=True)
    subprocess.run("rdma link add rxe9 type rxe netdev dummy9".split(), check=True)
    yield "rxe9"
    subprocess.run("rdma link delete rxe9".split(), check=True)
    subprocess.run("ip link delete dummy9".split(), check=True)


@pytest.mark.parametrize(
    ("limits", "line"),
    [
        ({"hcaHandles": 3, "hcaObjects": 10000}, "hca_handle=3 hca_object=10000"),
        ({"hcaHandles": 3}, "hca_handle=3 hca_object=max"),
        ({"hcaObjects": 0}, "hca_handle=max hca_object=0"),
    ],
)
def test_rdma_is_limited(make: Make, rdma: str, limits: dict[str, int], line: str) -> None:
    """Handles, objects, or both; what is not named is not limited."""
    krun = make()
    done = krun.create("/krun-test/rdma", {"rdma": {rdma: limits}})
    assert done.status == 0, done
    assert values(TOP / "rdma", "rdma.max") == [f"{rdma} {line}"]


def test_rdma_of_a_device_that_is_not_there_is_an_error(make: Make) -> None:
    """The property is named, and nothing is left."""
    done = make().create("/krun-test/rdma", {"rdma": {"mlx9_9": {"hcaHandles": 3}}})
    assert (done.status, done.err.startswith("krun: $.linux.resources.rdma")) == (1, True), done
    assert not TOP.exists()


def test_network_packets_are_marked_on_v1(make: Make) -> None:
    """net_cls.classid and net_prio.ifpriomap, on a hybrid of both versions."""
    names = ("net_cls", "net_prio", "devices", "freezer")
    for path in (V1 / name for name in names):
        path.mkdir(parents=True)
        subprocess.run(["mount", "-t", "cgroup", "-o", path.name, "cgroup", str(path)], check=True)
    krun = make(through=["unshare", "--mount", "sh", "-euc", HYBRID, "sh"])
    network = {"classID": 0x100001, "priorities": [{"name": "lo", "priority": 7}]}
    done = krun.create("/krun-test/net", {"network": network})
    assert done.status == 0, done
    found = values(V1 / "net_cls/krun-test/net", "net_cls.classid")
    priorities = values(V1 / "net_prio/krun-test/net", "net_prio.ifpriomap")[0].splitlines()
    krun.ok("delete", "--force", krun.id)
    assert not list(V1.glob("*/krun-test"))
    for name in names:
        subprocess.run(["umount", str(V1 / name)], check=True)
    assert found == [str(0x100001)]
    assert "lo 7" in priorities


NOT_ON_V2: dict[str, dict[str, Any]] = {
    "memory.kernel": {"memory": {"kernel": 1 << 20}},
    "memory.kernelTCP": {"memory": {"kernelTCP": 1 << 20}},
    "memory.swappiness": {"memory": {"swappiness": 10}},
    "memory.disableOOMKiller": {"memory": {"disableOOMKiller": True}},
    "memory.swap": {"memory": {"swap": 1 << 20}},
    "cpu.realtimePeriod": {"cpu": {"realtimePeriod": 1000}},
    "cpu.realtimeRuntime": {"cpu": {"realtimeRuntime": 1000}},
    "blockIO.leafWeight": {"blockIO": {"leafWeight": 10}},
    "network.classID": {"network": {"classID": 1}},
    "network.priorities[0]": {"network": {"priorities": [{"name": "lo", "priority": 1}]}},
}


def test_what_v2_has_no_word_for_is_an_error(make: Make) -> None:
    """config-linux.md#unified: a value of v1 that cannot be converted; nothing is made."""
    for path, resources in NOT_ON_V2.items():
        done = make().create("/krun-test/refused", resources)
        assert done.status == 1, path
        assert done.err.startswith(f"krun: $.linux.resources.{path}: "), done
        assert not TOP.exists()


def test_a_container_in_a_vm_is_a_scope_with_its_limits(make: Make) -> None:
    """The monitor is what is limited: one processor, 256 MiB, a scope of systemd."""
    krun = make(options=SYSTEMD, monitor="builtin")
    resources = {"cpu": {"cpus": "1"}, "memory": {"limit": 256 << 20}}
    done = krun.create(f":test:{krun.id}", resources)
    assert done.status == 0, done
    krun.ok("start", krun.id)
    own = ROOT / f"system.slice/test-{krun.id}.scope"
    assert values(own, "cpuset.cpus.effective", "memory.max") == ["1", str(256 << 20)]
    assert krun.ok("exec", krun.id, "busybox", "uname", "-r").out.strip().endswith(".kontain.KVM")


PROFILE = """
profile krun-case flags=(attach_disconnected, mediate_deleted) {
  capability,
  file,
  mount,
  network,
  pivot_root,
  ptrace,
  signal,
  umount,
  unix,
  deny /proc/version r,
}
"""


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the name of an AppArmor profile that the kernel has: all is allowed but one file."""
    source = tmp_path_factory.mktemp("profile") / "krun-case"
    source.write_text(PROFILE)
    if not Path("/sys/kernel/security/apparmor").exists():
        subprocess.run(["mount", "-t", "securityfs", "none", "/sys/kernel/security"], check=True)
    subprocess.run(["apparmor_parser", "--skip-cache", "--replace", source], check=True)
    return "krun-case"


def confined(krun: Krun, profile: str) -> Result:
    """Run a container that says what confines it, and reads what the profile denies."""
    script = (
        "cat /proc/self/attr/apparmor/current /proc/version 2>&1; cat /proc/uptime >/dev/null && echo read"
    )
    krun.bundle.config["process"] |= {"args": ["sh", "-c", script], "apparmorProfile": profile}
    krun.bundle.write()
    return krun("run", "--bundle", krun.bundle, krun.id)


@pytest.mark.parametrize("monitor", ["none", "builtin"])
def test_an_apparmor_profile_confines_the_process(make: Make, profile: str, monitor: str) -> None:
    """config.md#linux-process: the payload, or the monitor that acts for it, is under the profile."""
    done = confined(make(monitor=monitor), profile)
    assert done.out.splitlines() == [
        "krun-case (enforce)",
        "cat: can't open '/proc/version': Permission denied",
        "read",
    ]
    assert done.status == 0


def test_an_apparmor_profile_that_is_not_loaded_is_an_error(make: Make) -> None:
    """Nothing runs with less than was asked for."""
    done = confined(make(), "krun-nothing")
    assert done.status == 1
    assert "krun-nothing" in done.err

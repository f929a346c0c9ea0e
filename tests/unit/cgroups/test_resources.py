"""`linux.resources` in the words of cgroup v1, v2 and of a hybrid."""

from __future__ import annotations

import json
from typing import Any

import pytest

from krun.errors import Unsupported
from krun.host.cgroups import CgroupFacts, Hierarchy
from krun.plan.resources import Setting, cpu_weight, io_weight, resource_settings, swap_limit
from krun.spec.faults import json_path
from krun.spec.load import load_resources
from krun.spec.model import Resources

V1 = CgroupFacts(
    version="v1",
    hierarchies={
        name: Hierarchy(mount=f"/sys/fs/cgroup/{name}", own="/")
        for name in "cpu cpuset memory devices pids blkio hugetlb net_cls net_prio rdma".split()
    },
)
V2 = CgroupFacts(
    version="v2",
    unified=Hierarchy(mount="/sys/fs/cgroup", own="/"),
    controllers=("cpuset", "cpu", "io", "memory", "hugetlb", "pids", "rdma"),
)
HYBRID = CgroupFacts(
    version="v1",
    hierarchies={"memory": Hierarchy(mount="/sys/fs/cgroup/memory", own="/")},
    unified=Hierarchy(mount="/sys/fs/cgroup/unified", own="/"),
    controllers=("hugetlb",),
)


def settings(facts: CgroupFacts, **resources: Any) -> tuple[Setting, ...]:
    """Translate resources given in the specification's own words."""
    return resource_settings(load_resources(json.dumps(resources).encode()), facts)


def written(facts: CgroupFacts, **resources: Any) -> list[str]:
    """Return `file=value` for each setting."""
    return [f"{s.file}={s.value}" for s in settings(facts, **resources)]


def test_what_dockerd_sends_as_zero_leaves_everything_as_it_is() -> None:
    """In docker's words, 0 is "not set", in the first configuration as in an update."""
    zeros = {
        "memory": {"limit": 0, "reservation": 0, "swap": 0, "kernel": 0, "disableOOMKiller": False},
        "cpu": {"shares": 0, "quota": 0, "period": 0, "cpus": "", "mems": ""},
        "blockIO": {"weight": 0},
    }
    for facts in (V1, V2, HYBRID, CgroupFacts(version="none")):
        assert settings(facts, **zeros) == ()


MEMORY = {"limit": 64 << 20, "swap": 128 << 20, "reservation": 32 << 20}


def test_memory_limits_on_v1() -> None:
    """The limit of memory comes before that of memory+swap, which must not be below it."""
    assert written(V1, memory={**MEMORY, "swappiness": 0, "disableOOMKiller": True, "kernelTCP": 4096}) == [
        "memory.limit_in_bytes=67108864",
        "memory.memsw.limit_in_bytes=134217728",
        "memory.soft_limit_in_bytes=33554432",
        "memory.kmem.tcp.limit_in_bytes=4096",
        "memory.swappiness=0",
        "memory.oom_control=1",
    ]


def test_memory_limits_on_v2() -> None:
    """v1 limits memory+swap, v2 swap alone: the difference."""
    assert written(V2, memory=MEMORY) == [
        "memory.max=67108864",
        "memory.swap.max=67108864",
        "memory.low=33554432",
    ]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (V1, ["memory.limit_in_bytes=-1", "memory.memsw.limit_in_bytes=-1"]),
        (V2, ["memory.max=max", "memory.swap.max=max"]),
    ],
)
def test_unlimited_memory_is_unlimited_swap_too(facts: CgroupFacts, expected: list[str]) -> None:
    """An old limit of swap would still bound the memory; hosts without swap accounting have no such file."""
    found = settings(facts, memory={"limit": -1})
    assert [f"{s.file}={s.value}" for s in found] == expected
    assert [s.optional for s in found] == [False, True]


@pytest.mark.parametrize(
    ("memory", "path", "message"),
    [
        ({"swappiness": 10}, "swappiness", "cgroup v2 has nothing like it"),
        ({"disableOOMKiller": True}, "disableOOMKiller", "cgroup v2 has nothing like it"),
        ({"kernel": 4096}, "kernel", "cgroup v2 has nothing like it"),
        ({"kernelTCP": 4096}, "kernelTCP", "cgroup v2 has nothing like it"),
        ({"swap": 4096}, "swap", "a limit of memory+swap needs a limit of memory on cgroup v2"),
    ],
)
def test_memory_that_v2_cannot_express_is_refused(memory: dict[str, Any], path: str, message: str) -> None:
    """A conversion that is not possible is an error that names the property."""
    with pytest.raises(Unsupported) as refusal:
        settings(V2, memory=memory)
    assert str(refusal.value) == f"$.linux.resources.memory.{path}: {message}"


def test_check_before_update_guards_the_limit_on_v2() -> None:
    """On v1 the kernel itself refuses a limit below the usage; on v2 it would kill."""
    (setting,) = settings(V2, memory={"limit": 4096, "checkBeforeUpdate": True})
    assert (setting.file, setting.usage) == ("memory.max", "memory.current")
    (setting,) = settings(V1, memory={"limit": 4096, "checkBeforeUpdate": True})
    assert setting.usage == ""


CPU = {"shares": 2048, "quota": 50000, "period": 100000, "burst": 1000, "idle": 1, "cpus": "0-1", "mems": "0"}


def test_cpu_on_v1() -> None:
    """A period before its quota, a quota before its burst."""
    assert written(V1, cpu={**CPU, "realtimeRuntime": 950, "realtimePeriod": 1000}) == [
        "cpu.shares=2048",
        "cpu.cfs_period_us=100000",
        "cpu.cfs_quota_us=50000",
        "cpu.cfs_burst_us=1000",
        "cpu.rt_period_us=1000",
        "cpu.rt_runtime_us=950",
        "cpu.idle=1",
        "cpuset.cpus=0-1",
        "cpuset.mems=0",
    ]


def test_cpu_on_v2() -> None:
    """Quota and period share a file."""
    assert written(V2, cpu=CPU) == [
        "cpu.weight=174",
        "cpu.max=50000 100000",
        "cpu.max.burst=1000",
        "cpu.idle=1",
        "cpuset.cpus=0-1",
        "cpuset.mems=0",
    ]


@pytest.mark.parametrize(
    ("cpu", "expected"),
    [
        ({"quota": -1}, "max 100000"),
        ({"quota": 2000}, "2000 100000"),
        ({"period": 50000}, "max 50000"),
        ({"quota": -1, "period": 50000}, "max 50000"),
    ],
)
def test_either_half_of_cpu_max_may_be_missing(cpu: dict[str, int], expected: str) -> None:
    """The kernel's default period is 100 ms, and a negative quota is none."""
    assert written(V2, cpu=cpu) == [f"cpu.max={expected}"]


def test_realtime_is_refused_on_v2() -> None:
    """There is no bandwidth for realtime tasks on cgroup v2."""
    with pytest.raises(Unsupported, match=r"^\$\.linux\.resources\.cpu\.realtimeRuntime: "):
        settings(V2, cpu={"realtimeRuntime": 950})


def test_cpu_weight_keeps_ends_and_default() -> None:
    """cpu.shares goes from 2 to 262144 with 1024 as default, cpu.weight from 1 to 10000 with 100."""
    assert [cpu_weight(shares) for shares in (2, 1024, 262144)] == [1, 100, 10000]
    weights = [cpu_weight(shares) for shares in range(2, 262144, 97)]
    assert weights == sorted(weights)


def test_io_weight_keeps_the_ends() -> None:
    """blkio.weight goes from 10 to 1000, io.weight from 1 to 10000."""
    assert [io_weight(weight) for weight in (10, 1000)] == [1, 10000]


def test_swap_below_the_limit_of_memory_is_refused() -> None:
    """The limit of memory+swap includes that of memory."""
    with pytest.raises(Unsupported, match=r"^\$\.linux\.resources\.memory\.swap: must not be below"):
        swap_limit(8192, 4096)


def test_unlimited_swap_needs_no_memory_limit() -> None:
    """-1 is unlimited whatever the limit of memory is."""
    assert swap_limit(0, -1) == -1


@pytest.mark.parametrize(("limit", "value"), [(30, "30"), (0, "0"), (-1, "max")])
@pytest.mark.parametrize("facts", [V1, V2])
def test_pids_limit(facts: CgroupFacts, limit: int, value: str) -> None:
    """0 is a limit, -1 is none; only an absent limit leaves what there is."""
    assert written(facts, pids={"limit": limit}) == [f"pids.max={value}"]


BLOCK_IO = {
    "weight": 500,
    "weightDevice": [{"major": 8, "minor": 0, "weight": 300}],
    "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 600}],
    "throttleWriteIOPSDevice": [{"major": 8, "minor": 16, "rate": 0}],
}


def test_block_io_on_v1() -> None:
    """BFQ's files take over where the kernel has no others."""
    found = settings(V1, blockIO=BLOCK_IO)
    assert [f"{s.file}={s.value}" for s in found] == [
        "blkio.weight=500",
        "blkio.weight_device=8:0 300",
        "blkio.throttle.read_bps_device=8:0 600",
        "blkio.throttle.write_iops_device=8:16 0",
    ]
    assert [s.otherwise.file for s in found if s.otherwise] == ["blkio.bfq.weight", "blkio.bfq.weight_device"]


def test_block_io_on_v2() -> None:
    """Without BFQ the weight is scaled to io.weight; a rate of 0 means no limit."""
    found = settings(V2, blockIO=BLOCK_IO)
    assert [f"{s.file}={s.value}" for s in found] == [
        "io.bfq.weight=500",
        "io.bfq.weight=8:0 300",
        "io.max=8:0 rbps=600",
        "io.max=8:16 wiops=max",
    ]
    scaled = [s.otherwise for s in found if s.otherwise is not None]
    assert [f"{s.file}={s.value}" for s in scaled] == ["io.weight=default 4950", "io.weight=8:0 2930"]


def test_leaf_weight_is_refused_on_v2() -> None:
    """There are no leaf weights on cgroup v2."""
    with pytest.raises(Unsupported, match=r"^\$\.linux\.resources\.blockIO\.leafWeight: "):
        settings(V2, blockIO={"leafWeight": 10})


def test_huge_pages_limit_faults_and_reservations() -> None:
    """Reservations are limited where the kernel can."""
    limits = [{"pageSize": "2MB", "limit": 4194304}]
    found = settings(V1, hugepageLimits=limits)
    assert [(s.file, s.optional) for s in found] == [
        ("hugetlb.2MB.limit_in_bytes", False),
        ("hugetlb.2MB.rsvd.limit_in_bytes", True),
    ]
    assert [s.file for s in settings(V2, hugepageLimits=limits)] == [
        "hugetlb.2MB.max",
        "hugetlb.2MB.rsvd.max",
    ]


def test_a_hybrid_uses_the_hierarchy_that_has_the_controller() -> None:
    """Here memory is on v1 and hugetlb on cgroup2: each gets the words of its own."""
    assert written(HYBRID, memory={"limit": 4096}, hugepageLimits=[{"pageSize": "2MB", "limit": 0}]) == [
        "memory.limit_in_bytes=4096",
        "hugetlb.2MB.max=0",
        "hugetlb.2MB.rsvd.max=0",
    ]


def test_a_missing_controller_is_an_error_that_names_the_property() -> None:
    """What the host cannot limit must not look limited."""
    with pytest.raises(Unsupported) as refusal:
        settings(HYBRID, pids={"limit": 5})
    assert str(refusal.value) == "$.linux.resources.pids.limit: the host has no cgroup controller pids"


def test_network_on_v1_and_refused_on_v2() -> None:
    """net_cls and net_prio exist on v1 only."""
    network = {"classID": 1048577, "priorities": [{"name": "eth0", "priority": 500}]}
    assert written(V1, network=network) == ["net_cls.classid=1048577", "net_prio.ifpriomap=eth0 500"]
    with pytest.raises(Unsupported, match=r"^\$\.linux\.resources\.network\.classID: the host has no"):
        settings(V2, network=network)


def test_rdma_on_both() -> None:
    """One line a device, with what is limited of it."""
    rdma = {"mlx5_1": {"hcaHandles": 3, "hcaObjects": 10000}, "rxe3": {"hcaObjects": 5}}
    for facts in (V1, V2):
        assert written(facts, rdma=rdma) == [
            "rdma.max=mlx5_1 hca_handle=3 hca_object=10000",
            "rdma.max=rxe3 hca_object=5",
        ]


def test_unified_is_written_as_it_stands() -> None:
    """config-linux.md: "Configuration unknown to the runtime MUST still be written to the relevant file."""
    found = settings(
        V2, unified={"memory.high": "1000", "io.max": "8:0 rbps=1\n8:16 rbps=2", "cgroup.max.depth": "3"}
    )
    assert [(s.controller, s.file, s.value) for s in found] == [
        ("memory", "memory.high", "1000"),
        ("io", "io.max", "8:0 rbps=1"),
        ("io", "io.max", "8:16 rbps=2"),
        ("", "cgroup.max.depth", "3"),
    ]


@pytest.mark.parametrize(
    ("facts", "file", "message"),
    [
        (V1, "memory.high", "needs cgroup v2, and this host has v1"),
        (V2, "misc.max", "the host has no cgroup controller misc"),
        (V2, "../memory/memory.high", "must be the name of a file in a cgroup2 directory"),
        (V2, "memory", "must be the name of a file in a cgroup2 directory"),
    ],
)
def test_unified_that_cannot_be_is_refused(facts: CgroupFacts, file: str, message: str) -> None:
    """An error "when the configuration refers to a cgroup controller that is not present"."""
    with pytest.raises(Unsupported) as refusal:
        resource_settings(Resources(unified={file: "1"}), facts)
    (fault,) = refusal.value.faults
    assert fault.path == json_path(("linux", "resources", "unified", file))
    assert fault.message == message

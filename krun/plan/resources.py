"""`linux.resources` as files of the cgroup file systems: which file, which value, in which order.

Each controller is translated into the words of the hierarchy that the host has it in, v1 or v2; on a hybrid
both occur.  A value that means "leave it as it is" (unset, and the zeros that dockerd sends) gives no
setting.  What a hierarchy has no word for is refused by its JSON path.
Out of scope: devices (`device_rules`), where the files lie (`cgroups`), and every look at the host.
"""

from __future__ import annotations

import math

from krun.errors import Unsupported
from krun.spec.faults import json_path
from krun.types import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import TypeVar

    from krun.host.cgroups import CgroupFacts
    from krun.spec.model import (
        BlockIo,
        Cpu,
        HugepageLimit,
        Memory,
        Network,
        Pids,
        Rdma,
        Resources,
        ThrottleDevice,
    )

    T = TypeVar("T")

_ROOT = "$.linux.resources"
_UNLIMITED = -1
_DEFAULT_PERIOD_US = 100000
_V2_NAMES = {"blkio": "io", "net_cls": "", "net_prio": ""}
"""What cgroup v2 calls a controller, where the name differs or there is none."""


class Setting(Record):
    """One write of one value into one file."""

    controller: str
    """The controller in the hierarchy's own words: `blkio` on v1, `io` on v2; "" for cgroup2's own files."""
    file: str
    value: str
    path: str
    """JSON path of the property that it comes from."""
    otherwise: Setting | None = None
    """What to write instead where the kernel does not have `file`."""
    optional: bool = False
    """Whether it is no error that the kernel does not have `file`."""
    usage: str = ""
    """A file with the current usage: the setting is refused when `value` is below."""
    keeps_first: bool = False
    """Whether the first word in the file stays, and `value` is what follows it."""


def resource_settings(resources: Resources, facts: CgroupFacts) -> tuple[Setting, ...]:
    """Translate everything but the devices.

    The settings stand in an order that a fresh cgroup accepts.
    Raises Unsupported for what the host's hierarchies lack.
    Source: runtime-spec config-linux.md#control-groups.
    """
    return (
        *_translate("memory", _memory, resources.memory, facts),
        *_translate("cpu", _cpu, resources.cpu, facts),
        *_translate("cpuset", _cpuset, resources.cpu, facts),
        *_translate("pids", _pids, resources.pids, facts),
        *_translate("blkio", _block_io, resources.block_io, facts),
        *_translate("hugetlb", _hugepages, resources.hugepage_limits, facts),
        *_translate("rdma", _rdma, resources.rdma, facts),
        *_translate("net_cls", _network_class, resources.network, facts),
        *_translate("net_prio", _network_priorities, resources.network, facts),
        *_unified(resources, facts),
    )


def _translate(
    controller: str, translate: Callable[[T, bool], Iterator[Setting]], section: T, facts: CgroupFacts
) -> tuple[Setting, ...]:
    """Translate one section for the hierarchy that has the controller.

    Raises Unsupported when there is something to set and no such hierarchy.
    """
    v2_name = _V2_NAMES.get(controller, controller)
    has_v1 = facts.version == "v1" and controller in facts.hierarchies
    has_v2 = not has_v1 and v2_name in facts.controllers
    settings = tuple(translate(section, has_v2 or facts.version == "v2"))
    if settings and not has_v1 and not has_v2:
        raise Unsupported(settings[0].path, f"the host has no cgroup controller {controller}")
    return settings


def cpu_weight(shares: int) -> int:
    """Convert cgroup v1 `cpu.shares` to cgroup v2 `cpu.weight`.

    shares: 2..262144, dimensionless; what is beyond counts as the nearest.  Returns 1..10000.
    The curve goes through both ends and through the defaults, 1024 and 100, as runc's and crun's does since
    2025; the straight line used before made 39 of the default.
    """
    bits = math.log2(min(max(shares, 2), 262144))
    return math.ceil(10 ** ((bits * bits + 125 * bits) / 612 - 7 / 34))


def io_weight(weight: int) -> int:
    """Convert cgroup v1 `blkio.weight` (10..1000) to cgroup v2 `io.weight` (1..10000)."""
    return 1 + (weight - 10) * 9999 // 990


def swap_limit(limit: int, swap: int) -> int:
    """Convert the limits of memory and of memory+swap, in bytes, to v2's limit of swap; -1: unlimited.

    Raises Unsupported where they do not give one.
    """
    path = f"{_ROOT}.memory.swap"
    if swap == _UNLIMITED:
        return _UNLIMITED
    if limit <= 0:
        raise Unsupported(path, "a limit of memory+swap needs a limit of memory on cgroup v2")
    if swap < limit:
        raise Unsupported(path, f"must not be below memory.limit ({limit}), got {swap}")
    return swap - limit


def _limit(value: int, v2: bool) -> str:
    return "max" if v2 and value == _UNLIMITED else str(value)


def _memory(memory: Memory, v2: bool) -> Iterator[Setting]:
    yield from _memory_v2(memory) if v2 else _memory_v1(memory)


def _memory_v1(memory: Memory) -> Iterator[Setting]:
    path = f"{_ROOT}.memory"
    for file, value, name in (
        ("memory.limit_in_bytes", memory.limit, "limit"),
        ("memory.memsw.limit_in_bytes", memory.swap, "swap"),
        ("memory.soft_limit_in_bytes", memory.reservation, "reservation"),
        ("memory.kmem.limit_in_bytes", memory.kernel, "kernel"),
        ("memory.kmem.tcp.limit_in_bytes", memory.kernel_tcp, "kernelTCP"),
    ):
        if value:
            yield Setting(controller="memory", file=file, value=str(value), path=f"{path}.{name}")
    if memory.limit == _UNLIMITED and not memory.swap:
        # Unlimited memory is meant to be that: the old limit of memory+swap would still bound it.
        yield Setting("memory", "memory.memsw.limit_in_bytes", "-1", f"{path}.limit", optional=True)
    if memory.swappiness is not None:
        yield Setting("memory", "memory.swappiness", str(memory.swappiness), f"{path}.swappiness")
    if memory.disable_oom_killer:
        yield Setting("memory", "memory.oom_control", "1", f"{path}.disableOOMKiller")
    if memory.use_hierarchy:
        # Always so since Linux 5.11; the file is gone where the kernel has nothing else to offer.
        yield Setting("memory", "memory.use_hierarchy", "1", f"{path}.useHierarchy", optional=True)


def _memory_v2(memory: Memory) -> Iterator[Setting]:
    path = f"{_ROOT}.memory"
    for given, name in (
        ((memory.kernel or _UNLIMITED) != _UNLIMITED, "kernel"),
        ((memory.kernel_tcp or _UNLIMITED) != _UNLIMITED, "kernelTCP"),
        (memory.swappiness is not None, "swappiness"),
        (bool(memory.disable_oom_killer), "disableOOMKiller"),
    ):
        if given:
            raise Unsupported(f"{path}.{name}", "cgroup v2 has nothing like it")
    limit, swap = memory.limit or 0, memory.swap or 0
    if limit != 0:
        usage = "memory.current" if memory.check_before_update and limit != _UNLIMITED else ""
        yield Setting("memory", "memory.max", _limit(limit, True), f"{path}.limit", usage=usage)
    if swap != 0:
        yield Setting("memory", "memory.swap.max", _limit(swap_limit(limit, swap), True), f"{path}.swap")
    elif limit == _UNLIMITED:
        yield Setting("memory", "memory.swap.max", "max", f"{path}.limit", optional=True)
    if memory.reservation:
        yield Setting("memory", "memory.low", _limit(memory.reservation, True), f"{path}.reservation")


def _cpu(cpu: Cpu, v2: bool) -> Iterator[Setting]:
    yield from _cpu_v2(cpu) if v2 else _cpu_v1(cpu)


def _cpu_v1(cpu: Cpu) -> Iterator[Setting]:
    path = f"{_ROOT}.cpu"
    yield from _not_idle(cpu)
    # A period comes before its quota, and a quota before its burst: each is checked against the one before.
    for file, value, name in (
        ("cpu.shares", cpu.shares, "shares"),
        ("cpu.cfs_period_us", cpu.period, "period"),
        ("cpu.cfs_quota_us", cpu.quota, "quota"),
        ("cpu.cfs_burst_us", cpu.burst, "burst"),
        ("cpu.rt_period_us", cpu.realtime_period, "realtimePeriod"),
        ("cpu.rt_runtime_us", cpu.realtime_runtime, "realtimeRuntime"),
    ):
        if value:
            yield Setting("cpu", file, str(value), f"{path}.{name}")
    if cpu.idle:
        yield Setting("cpu", "cpu.idle", str(cpu.idle), f"{path}.idle")


def _not_idle(cpu: Cpu) -> Iterator[Setting]:
    """An idle group takes no weight, so its end comes first.  Where the file is missing, none is idle."""
    if cpu.idle == 0:
        yield Setting("cpu", "cpu.idle", "0", f"{_ROOT}.cpu.idle", optional=True)


def _cpu_v2(cpu: Cpu) -> Iterator[Setting]:
    path = f"{_ROOT}.cpu"
    yield from _not_idle(cpu)
    for value, name in ((cpu.realtime_period, "realtimePeriod"), (cpu.realtime_runtime, "realtimeRuntime")):
        if value:
            raise Unsupported(f"{path}.{name}", "cgroup v2 has nothing like it")
    if cpu.shares:
        yield Setting("cpu", "cpu.weight", str(cpu_weight(cpu.shares)), f"{path}.shares")
    quota, period = cpu.quota or 0, cpu.period or 0
    if quota != 0 or period != 0:
        amount = str(quota) if quota > 0 else "max"
        name = "quota" if quota != 0 else "period"
        yield Setting("cpu", "cpu.max", f"{amount} {period or _DEFAULT_PERIOD_US}", f"{path}.{name}")
    if cpu.burst:
        yield Setting("cpu", "cpu.max.burst", str(cpu.burst), f"{path}.burst")
    if cpu.idle:
        yield Setting("cpu", "cpu.idle", str(cpu.idle), f"{path}.idle")


def _cpuset(cpu: Cpu, _v2: bool) -> Iterator[Setting]:
    if cpu.cpus != "":
        yield Setting("cpuset", "cpuset.cpus", cpu.cpus, f"{_ROOT}.cpu.cpus")
    if cpu.mems != "":
        yield Setting("cpuset", "cpuset.mems", cpu.mems, f"{_ROOT}.cpu.mems")


def _pids(pids: Pids, _v2: bool) -> Iterator[Setting]:
    # A limit of 0 is a limit: the container's process exists already when it enters, and cannot fork.
    if pids.limit is not None:
        yield Setting("pids", "pids.max", "max" if pids.limit < 0 else str(pids.limit), f"{_ROOT}.pids.limit")


def _block_io(block_io: BlockIo, v2: bool) -> Iterator[Setting]:
    path = f"{_ROOT}.blockIO"
    if block_io.weight:
        yield _weight("", block_io.weight, f"{path}.weight", v2)
    if block_io.leaf_weight:
        yield _leaf_weight("", block_io.leaf_weight, f"{path}.leafWeight", v2)
    for index, device in enumerate(block_io.weight_device):
        prefix, at = f"{device.major}:{device.minor} ", f"{path}.weightDevice[{index}]"
        if device.weight:
            yield _weight(prefix, device.weight, f"{at}.weight", v2)
        if device.leaf_weight:
            yield _leaf_weight(prefix, device.leaf_weight, f"{at}.leafWeight", v2)
    for name, devices, v1_file, v2_key in (
        ("throttleReadBpsDevice", block_io.throttle_read_bps_device, "read_bps", "rbps"),
        ("throttleWriteBpsDevice", block_io.throttle_write_bps_device, "write_bps", "wbps"),
        ("throttleReadIOPSDevice", block_io.throttle_read_iops_device, "read_iops", "riops"),
        ("throttleWriteIOPSDevice", block_io.throttle_write_iops_device, "write_iops", "wiops"),
    ):
        for index, throttled in enumerate(devices):
            at = f"{path}.{name}[{index}]"
            if v2:
                yield Setting("io", "io.max", _throttle_v2(throttled, v2_key), at)
            else:
                line = f"{throttled.major}:{throttled.minor} {throttled.rate}"
                yield Setting("blkio", f"blkio.throttle.{v1_file}_device", line, at)


def _throttle_v2(device: ThrottleDevice, key: str) -> str:
    # v1 takes a rate of 0 for "no limit", v2 refuses it.
    return f"{device.major}:{device.minor} {key}={device.rate or 'max'}"


def _weight(prefix: str, weight: int, path: str, v2: bool) -> Setting:
    """The weight of a device (`8:0 `) or, without a prefix, of all.  BFQ has files of its own."""
    if v2:
        scaled = Setting("io", "io.weight", f"{prefix or 'default '}{io_weight(weight)}", path)
        return Setting("io", "io.bfq.weight", f"{prefix}{weight}", path, otherwise=scaled)
    suffix = "_device" if prefix else ""
    bfq = Setting("blkio", f"blkio.bfq.weight{suffix}", f"{prefix}{weight}", path)
    return Setting("blkio", f"blkio.weight{suffix}", f"{prefix}{weight}", path, otherwise=bfq)


def _leaf_weight(prefix: str, weight: int, path: str, v2: bool) -> Setting:
    if v2:
        raise Unsupported(path, "cgroup v2 has nothing like it")
    return Setting("blkio", f"blkio.leaf_weight{'_device' if prefix else ''}", f"{prefix}{weight}", path)


def _hugepages(limits: tuple[HugepageLimit, ...], v2: bool) -> Iterator[Setting]:
    word = "max" if v2 else "limit_in_bytes"
    for index, limit in enumerate(limits):
        path = f"{_ROOT}.hugepageLimits[{index}]"
        # Page faults always, reservations where the kernel can limit them (since 5.7).
        prefix, value = f"hugetlb.{limit.page_size}", str(limit.limit)
        yield Setting("hugetlb", f"{prefix}.{word}", value, path)
        yield Setting("hugetlb", f"{prefix}.rsvd.{word}", value, path, optional=True)


def _rdma(rdma: Mapping[str, Rdma], _v2: bool) -> Iterator[Setting]:
    for device, limits in rdma.items():
        path = json_path(("linux", "resources", "rdma", device))
        handles = [] if limits.hca_handles is None else [f"hca_handle={limits.hca_handles}"]
        objects = [] if limits.hca_objects is None else [f"hca_object={limits.hca_objects}"]
        if not handles and not objects:
            raise Unsupported(path, "needs hcaHandles or hcaObjects")
        yield Setting("rdma", "rdma.max", " ".join((device, *handles, *objects)), path)


def _network_class(network: Network, _v2: bool) -> Iterator[Setting]:
    if network.class_id:
        yield Setting("net_cls", "net_cls.classid", str(network.class_id), f"{_ROOT}.network.classID")


def _network_priorities(network: Network, _v2: bool) -> Iterator[Setting]:
    for index, entry in enumerate(network.priorities):
        path = f"{_ROOT}.network.priorities[{index}]"
        yield Setting("net_prio", "net_prio.ifpriomap", f"{entry.name} {entry.priority}", path)


def _unified(resources: Resources, facts: CgroupFacts) -> Iterator[Setting]:
    for file, value in resources.unified.items():
        path = json_path(("linux", "resources", "unified", file))
        if facts.version != "v2":
            raise Unsupported(path, "needs cgroup v2, and this host has v1")
        if "/" in file or "." not in file:
            raise Unsupported(path, "must be the name of a file in a cgroup2 directory")
        controller = file.split(".", 1)[0]
        if controller == "cgroup":
            controller = ""
        elif controller not in facts.controllers:
            raise Unsupported(path, f"the host has no cgroup controller {controller}")
        # Files with one line a device take one line in each write.
        for line in value.splitlines():
            yield Setting(controller, file, line, path)

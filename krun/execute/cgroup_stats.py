"""What a container uses, read from its cgroup, in the shape that runc's `events` has.

A file that the kernel does not have leaves its numbers at 0, as runc does.  Times are nanoseconds, sizes
bytes; an unlimited v2 file counts as the greatest number.
Out of scope: when to look, and who is told (`krun.commands.events`).
"""

from __future__ import annotations

from krun import os
from krun.sys.cgroups import UNIFIED
from krun.sys.files import read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from krun.execute.cgroup_record import CgroupRecord

_UNLIMITED = (1 << 64) - 1
_CPUSET_NUMBERS = (
    "cpu_exclusive",
    "mem_hardwall",
    "mem_exclusive",
    "memory_migrate",
    "memory_spread_page",
    "memory_spread_slab",
    "memory_pressure",
    "sched_load_balance",
    "sched_relax_domain_level",
)
_MORE_IO = {
    "ioQueueRecursive": "io_queued_recursive",
    "ioServiceTimeRecursive": "io_service_time_recursive",
    "ioWaitTimeRecursive": "io_wait_time_recursive",
    "ioMergedRecursive": "io_merged_recursive",
    "ioTimeRecursive": "time_recursive",
    "sectorsRecursive": "sectors_recursive",
}
"""What only a scheduler counts: property -> file."""
_TICK_NS = 10_000_000  # cpuacct.stat counts in hundredths of a second, sysconf(_SC_CLK_TCK)


def read_stats(record: CgroupRecord) -> dict[str, Any]:
    """Read all numbers of a cgroup now."""
    paths = record.paths
    unified = paths.get(UNIFIED, "")
    if record.version == "v2":
        return {
            "cpu": _cpu_v2(unified),
            "memory": _memory_v2(unified),
            "pids": _pids(unified),
            "blkio": _io_v2(unified),
            "hugetlb": _hugetlb(unified, "current"),
        }
    is_v1_hugetlb = "hugetlb" in paths
    return {
        "cpu": _cpu_v1(paths.get("cpuacct", ""), paths.get("cpu", "")),
        "cpuset": _cpuset_v1(paths.get("cpuset", "")),
        "memory": _memory_v1(paths.get("memory", "")),
        "pids": _pids(paths.get("pids", "")),
        "blkio": _io_v1(paths.get("blkio", "")),
        "hugetlb": _hugetlb(paths["hugetlb"], "usage_in_bytes")
        if is_v1_hugetlb
        else _hugetlb(unified, "current"),
    }


def _text(directory: str, file: str) -> str:
    """Return a file's content; "" where there is none."""
    if directory == "":
        return ""
    try:
        return read_text(f"{directory}/{file}")
    except OSError:
        return ""


def _number(directory: str, file: str) -> int:
    text = _text(directory, file).strip()
    return _UNLIMITED if text == "max" else int(text or 0)


def _table(directory: str, file: str) -> dict[str, int]:
    """Read lines of a name and a number."""
    pairs = (line.split() for line in _text(directory, file).splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdecimal()}


def _cpu_v1(cpuacct: str, cpu: str) -> dict[str, Any]:
    stat, throttling = _table(cpuacct, "cpuacct.stat"), _table(cpu, "cpu.stat")
    return {
        "usage": {
            "total": _number(cpuacct, "cpuacct.usage"),
            "percpu": [int(word) for word in _text(cpuacct, "cpuacct.usage_percpu").split()],
            **_cpu_modes_v1(cpuacct),
            "kernel": stat.get("system", 0) * _TICK_NS,
            "user": stat.get("user", 0) * _TICK_NS,
        },
        "throttling": {
            "periods": throttling.get("nr_periods", 0),
            "throttledPeriods": throttling.get("nr_throttled", 0),
            "throttledTime": throttling.get("throttled_time", 0),
        },
    }


def _cpu_modes_v1(cpuacct: str) -> dict[str, list[int]]:
    """Read a heading `cpu user system`, then a line of numbers for each CPU."""
    rows = [line.split() for line in _text(cpuacct, "cpuacct.usage_all").splitlines()[1:]]
    whole = [row for row in rows if len(row) == 3]
    return {
        "percpu_kernel": [int(kernel) for _, _, kernel in whole],
        "percpu_user": [int(user) for _, user, _ in whole],
    }


def _cpuset_v1(directory: str) -> dict[str, Any]:
    """Read all of the controller's settings; a list of CPUs as single numbers, as runc has it."""
    found: dict[str, Any] = {name: _numbers(_text(directory, f"cpuset.{name}")) for name in ("cpus", "mems")}
    return found | {name: _number(directory, f"cpuset.{name}") for name in _CPUSET_NUMBERS}


def _numbers(text: str) -> list[int]:
    """Return the numbers of a list such as `0-2,7`."""
    found: list[int] = []
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        if first:
            found += range(int(first), int(last or first) + 1)
    return found


def _cpu_v2(directory: str) -> dict[str, Any]:
    stat = _table(directory, "cpu.stat")
    return {
        "usage": {
            "total": stat.get("usage_usec", 0) * 1000,
            "kernel": stat.get("system_usec", 0) * 1000,
            "user": stat.get("user_usec", 0) * 1000,
        },
        "throttling": {
            "periods": stat.get("nr_periods", 0),
            "throttledPeriods": stat.get("nr_throttled", 0),
            "throttledTime": stat.get("throttled_usec", 0) * 1000,
        },
    }


def _memory_v1(directory: str) -> dict[str, Any]:
    stat = _table(directory, "memory.stat")
    return {
        "cache": stat.get("cache", 0),
        "usage": _entry_v1(directory, "memory"),
        "swap": _entry_v1(directory, "memory.memsw"),
        "kernel": _entry_v1(directory, "memory.kmem"),
        "kernelTCP": _entry_v1(directory, "memory.kmem.tcp"),
        "raw": stat,
    }


def _entry_v1(directory: str, prefix: str) -> dict[str, int]:
    return {
        "limit": _number(directory, f"{prefix}.limit_in_bytes"),
        "usage": _number(directory, f"{prefix}.usage_in_bytes"),
        "max": _number(directory, f"{prefix}.max_usage_in_bytes"),
        "failcnt": _number(directory, f"{prefix}.failcnt"),
    }


def _memory_v2(directory: str) -> dict[str, Any]:
    stat, events = _table(directory, "memory.stat"), _table(directory, "memory.events")
    return {
        "cache": stat.get("file", 0),
        "usage": {
            "limit": _number(directory, "memory.max"),
            "usage": _number(directory, "memory.current"),
            "max": _number(directory, "memory.peak"),
            "failcnt": events.get("max", 0),
        },
        "swap": {
            "limit": _number(directory, "memory.swap.max"),
            "usage": _number(directory, "memory.swap.current"),
            "max": _number(directory, "memory.swap.peak"),
            "failcnt": _table(directory, "memory.swap.events").get("max", 0),
        },
        "raw": stat,
    }


def _pids(directory: str) -> dict[str, int]:
    limit = _number(directory, "pids.max")
    return {"current": _number(directory, "pids.current"), "limit": 0 if limit == _UNLIMITED else limit}


def _io_v1(directory: str) -> dict[str, Any]:
    return {
        "ioServiceBytesRecursive": _io_entries(directory, "blkio.throttle.io_service_bytes_recursive"),
        "ioServicedRecursive": _io_entries(directory, "blkio.throttle.io_serviced_recursive"),
        **{
            name: entries
            for name, file in _MORE_IO.items()
            if (entries := _io_entries(directory, f"blkio.bfq.{file}"))
        },
    }


def _io_entries(directory: str, file: str) -> list[dict[str, Any]]:
    """Read lines `MAJOR:MINOR OPERATION NUMBER`; what is no operation's has none."""
    entries = []
    for line in _text(directory, file).splitlines():
        device, *fields = line.split()
        if ":" in device and fields:
            entries.append(_io_entry(device, fields[0] if len(fields) > 1 else "", int(fields[-1])))
    return entries


def _io_entry(device: str, operation: str, value: int) -> dict[str, Any]:
    major, _, minor = device.partition(":")
    return {"major": int(major), "minor": int(minor), "op": operation, "value": value}


def _io_v2(directory: str) -> dict[str, Any]:
    """Read lines `MAJOR:MINOR rbytes=1 wbytes=2 rios=3 wios=4 …`."""
    moved, served = [], []
    for line in _text(directory, "io.stat").splitlines():
        device, *fields = line.split()
        numbers: Mapping[str, str] = dict(field.partition("=")[::2] for field in fields)
        for name, operation in (("r", "Read"), ("w", "Write")):
            moved.append(_io_entry(device, operation, int(numbers.get(f"{name}bytes", "0"))))
            served.append(_io_entry(device, operation, int(numbers.get(f"{name}ios", "0"))))
    return {"ioServiceBytesRecursive": moved, "ioServicedRecursive": served}


def _hugetlb(directory: str, current: str) -> dict[str, dict[str, int]]:
    """Read the numbers of every page size that the kernel has."""
    try:
        names = os.listdir(directory) if directory else []
    except OSError:
        names = []
    suffix = f".{current}"
    sizes = [n.removeprefix("hugetlb.").removesuffix(suffix) for n in names if _is_usage(n, suffix)]
    return {size: _huge_pages(directory, size, current) for size in sorted(sizes)}


def _is_usage(name: str, suffix: str) -> bool:
    return name.startswith("hugetlb.") and name.endswith(suffix) and ".rsvd." not in name


def _huge_pages(directory: str, size: str, current: str) -> dict[str, int]:
    if current == "current":  # v2 keeps no highest value
        events = _table(directory, f"hugetlb.{size}.events")
        return {
            "usage": _number(directory, f"hugetlb.{size}.current"),
            "max": 0,
            "failcnt": events.get("max", 0),
        }
    return {
        "usage": _number(directory, f"hugetlb.{size}.{current}"),
        "max": _number(directory, f"hugetlb.{size}.max_usage_in_bytes"),
        "failcnt": _number(directory, f"hugetlb.{size}.failcnt"),
    }

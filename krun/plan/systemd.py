"""A container's cgroup as a scope of systemd: its name, its slice, its properties, and where it will lie.

Pure.  systemd makes the cgroup, because on cgroup v2 nobody else may write above it; it hands the controllers
down and, with `Delegate`, leaves what is inside alone.  Limits are given to it in its own words, so that it
knows them, and then written to the files as without it (`krun.plan.resources`), which says all that systemd
has no word for.  The device filter is krun's own: the scope has no `DevicePolicy`, so that systemd attaches
none that would know fewer devices.

Out of scope: talking to systemd (`krun.execute.systemd`), cgroup v1, GVariant's text (`gvariant`).
"""

from __future__ import annotations

from krun.errors import Fault, HostError, SpecError
from krun.plan.gvariant import parse_variant
from krun.spec.formats import is_number_list
from krun.types import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from krun.host.facts import HostFacts
    from krun.plan.resources import Setting

    Property = tuple[str, str, object]
    """A property of a unit: name, D-Bus signature, value."""

ANNOTATION = "org.systemd.property."
_PATH = "$.linux.cgroupsPath"
_INFINITY = (1 << 64) - 1
_QUOTA_STEP_US = 10_000
"""systemd keeps CPUQuotaPerSecUSec in steps of 10 ms; rounded up, a limit is never below what was asked."""
_US_PER_S = 1_000_000
_SHORTEST_NAME = 3
IDLE = 0
"""systemd's word for `cpu.idle` as a CPUWeight, since version 252."""
_DEFAULT_WEIGHT = 100

_NUMBERS = {
    "memory.max": "MemoryMax",
    "memory.high": "MemoryHigh",
    "memory.low": "MemoryLow",
    "memory.min": "MemoryMin",
    "memory.swap.max": "MemorySwapMax",
    "pids.max": "TasksMax",
    "cpu.weight": "CPUWeight",
}
"""Files whose value is a number or `max`, and the property of the same meaning."""
_SETS = {"cpuset.cpus": "AllowedCPUs", "cpuset.mems": "AllowedMemoryNodes"}
_HIGHEST = 8192
"""No CPU and no memory node of x86-64 has this number or a higher one."""


class UnitPlan(Record):
    """The scope of a container's init."""

    name: str
    """With the suffix `.scope`."""
    slice: str
    is_user: bool
    """Whether the user's own manager makes it, and not the host's."""
    properties: tuple[Property, ...]
    """All but the pids."""


def plan_unit(
    path: str,
    id: str,
    annotations: Mapping[str, str],
    settings: tuple[Setting, ...],
    facts: HostFacts,
) -> tuple[UnitPlan, str]:
    """Plan the scope; returns it and the path of its cgroup below the mount point.

    path: `linux.cgroupsPath` as `SLICE:PREFIX:NAME`, each part may be empty; "" for `:krun:ID`.
    Raises SpecError for another form and for annotations that are no properties, HostError without cgroup v2.
    """
    cgroups = facts.cgroups
    if cgroups.version != "v2" or cgroups.unified is None:
        raise HostError(
            "the systemd cgroup driver", "the host has no pure cgroup v2", "use --cgroup-manager cgroupfs"
        )
    is_user = facts.in_user_namespace or facts.euid != 0
    slice, name = _names(path or f":krun:{id}", "user.slice" if is_user else "system.slice")
    unit = UnitPlan(
        name=name,
        slice=slice,
        is_user=is_user,
        properties=(
            ("Description", "s", f"krun container {id}"),
            ("Slice", "s", slice),
            ("Delegate", "b", True),
            ("DefaultDependencies", "b", False),
            ("CPUAccounting", "b", True),
            ("MemoryAccounting", "b", True),
            ("IOAccounting", "b", True),
            ("TasksAccounting", "b", True),
            *resource_properties(settings),
            *_annotated(annotations),
        ),
    )
    base = _user_manager(facts.euid, cgroups.unified.own) if is_user else ""
    return unit, f"{base}{slice_path(slice)}/{name}"


def _names(path: str, default_slice: str) -> tuple[str, str]:
    parts = path.split(":")
    if len(parts) != 3:
        raise _fault(f"must be SLICE:PREFIX:NAME with --systemd-cgroup, got {path!r}")
    slice, prefix, name = parts
    if name == "" or "/" in path:
        raise _fault(f"must be SLICE:PREFIX:NAME without slashes and with a name, got {path!r}")
    if name.endswith(".slice"):
        raise _fault(f"must name a scope, a slice takes no processes, got {path!r}")
    return slice or default_slice, f"{prefix}-{name}.scope" if prefix else f"{name}.scope"


def slice_path(slice: str) -> str:
    """Return the cgroup of a slice: `a-b.slice` lies in `a.slice`, `-.slice` is the root ("").

    Raises SpecError for what is no name of a slice.  Source: systemd.slice(5).
    """
    if slice == "-.slice":
        return ""
    name = slice.removesuffix(".slice")
    parts = name.split("-")
    if name == slice or "" in parts:
        raise _fault(f"must begin with the name of a slice, got {slice!r}")
    return "".join(f"/{'-'.join(parts[:end])}.slice" for end in range(1, len(parts) + 1))


def _user_manager(euid: int, own: str) -> str:
    """Return the cgroup of the user's manager: the caller is in it, or it is where systemd has them."""
    before, found, after = own.partition("/user@")
    if found:
        return f"{before}{found}{after.partition('/')[0]}"
    return f"/user.slice/user-{euid}.slice/user@{euid}.service"


def resource_properties(settings: Iterable[Setting]) -> tuple[Property, ...]:
    """Return what systemd has a word for among the limits; of a file written twice, the last value.

    What is the kernel's to read is left out.
    """
    found: dict[str, Property] = {}
    for setting in settings:
        alternatives = (setting,) if setting.otherwise is None else (setting, setting.otherwise)
        for each in alternatives:
            if is_the_kernels_to_read(each):
                continue
            for property in _properties(each.file, each.value):
                found[property[0]] = property
    return tuple(found.values())


def is_the_kernels_to_read(setting: Setting) -> bool:
    """Tell whether only the kernel knows what a value is, for a file that systemd has a word for.

    `unified` may have 48M or a list of CPUs with strides; what no file takes is also among it.
    """
    value, words = setting.value, setting.value.split()
    match setting.file:
        case "cpu.max":
            return not (
                0 < len(words) <= 2
                and _is_number(words[0])
                and words[-1] != "0"
                and (len(words) == 1 or words[1].isdecimal())
            )
        case file if file in _NUMBERS:
            return not _is_number(value)
        case file if file in _SETS:
            numbers = value.replace(" ", "").replace("-", ",").split(",")
            return not (is_number_list(value) and all(int(number) < _HIGHEST for number in numbers if number))
        case "io.weight" if ":" not in value:
            return not (len(words) == 2 and words[0] == "default" and words[1].isdecimal())
        case "io.bfq.weight" if ":" not in value:
            return not (words and words[-1].isdecimal())
    return False


def _is_number(value: str) -> bool:
    return value == "max" or (value.isascii() and value.isdecimal() and int(value) <= _INFINITY)


def _properties(file: str, value: str) -> Iterator[Property]:
    words = value.split()
    if file in _NUMBERS:
        number = _INFINITY if value == "max" else int(value)
        # systemd knows no TasksMax of 0; with one task there, a limit of 1 is the same.
        yield _NUMBERS[file], "t", number or (1 if file == "pids.max" else 0)
    elif file == "cpu.max":
        period = int(words[1]) if len(words) > 1 else 100_000
        yield "CPUQuotaPerSecUSec", "t", _quota(words[0], period)
        yield "CPUQuotaPeriodUSec", "t", period
    elif file == "cpu.idle":
        yield "CPUWeight", "t", IDLE if value == "1" else _DEFAULT_WEIGHT
    elif file in _SETS:
        yield _SETS[file], "ay", _mask(value)
    elif file == "io.weight" and words[0] == "default":
        yield "IOWeight", "t", int(words[1])
    elif file == "io.bfq.weight" and len(words) == 1:
        yield "IOWeight", "t", _before_bfq(int(words[0]))


def _quota(quota: str, period_us: int) -> int:
    if quota == "max":
        return _INFINITY
    per_second = -(-int(quota) * _US_PER_S // period_us)
    return -(-per_second // _QUOTA_STEP_US) * _QUOTA_STEP_US


def _before_bfq(weight: int) -> int:
    """Return the IOWeight (1..10000) of which systemd makes this io.bfq.weight (1..1000)."""
    return weight if weight <= _DEFAULT_WEIGHT else _DEFAULT_WEIGHT + (weight - _DEFAULT_WEIGHT) * 11


def _mask(numbers: str) -> bytes:
    """Turn `0-2,5` into bits, the lowest in the first byte."""
    bits = 0
    for part in numbers.replace(" ", "").split(","):
        first, _, last = part.partition("-")
        if part:
            bits |= (1 << int(last or first) + 1) - (1 << int(first))
    return bits.to_bytes((bits.bit_length() + 7) // 8, "little")


def _annotated(annotations: Mapping[str, str]) -> Iterator[Property]:
    """Return the properties that annotations ask for: `org.systemd.property.NAME` with GVariant's text.

    systemd has times in microseconds on D-Bus only; a name in `Sec` becomes one in `USec`.
    """
    for key, text in annotations.items():
        name = key.removeprefix(ANNOTATION)
        if name == key:
            continue
        path = f"$.annotations[{key!r}]"
        if len(name) < _SHORTEST_NAME or not (name.isascii() and name.isalnum() and name[0].isalpha()):
            raise SpecError((Fault(path, "is no name of a property of a systemd unit"),))
        try:
            variant = parse_variant(text)
        except ValueError as error:
            raise SpecError((Fault(path, f"{text!r} {error}"),)) from None
        if name.endswith("Sec") and not name.endswith("USec"):
            if not isinstance(variant.value, int | float) or isinstance(variant.value, bool):
                raise SpecError((Fault(path, f"must be a number of seconds, got {text!r}"),))
            yield f"{name.removesuffix('Sec')}USec", "t", int(variant.value * _US_PER_S)
        else:
            yield name, variant.signature, variant.value


def _fault(message: str) -> SpecError:
    return SpecError((Fault(_PATH, message),))

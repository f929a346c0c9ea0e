"""What `update` changes of a container's limits.  Pure.

In an update zero means "leave it as it is" everywhere, the way dockerd and the command line's flags have it.
Out of scope: the files that follow from it (`resources`), writing them (`krun.execute.cgroup_update`).
"""

from __future__ import annotations

from krun.errors import UsageError
from krun.plan.resources import resource_settings
from krun.spec.model import Pids

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from krun.host.cgroups import CgroupFacts
    from krun.plan.resources import Setting
    from krun.spec.model import Resources

_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}

SIZES: Mapping[str, tuple[str, str]] = {
    "memory": ("memory", "limit"),
    "memory-reservation": ("memory", "reservation"),
    "memory-swap": ("memory", "swap"),
    "kernel-memory": ("memory", "kernel"),
    "kernel-memory-tcp": ("memory", "kernelTCP"),
}
"""Options whose value is a size: option -> section and property of `linux.resources`."""
NUMBERS: Mapping[str, tuple[str, str]] = {
    "cpu-period": ("cpu", "period"),
    "cpu-quota": ("cpu", "quota"),
    "cpu-burst": ("cpu", "burst"),
    "cpu-share": ("cpu", "shares"),
    "cpu-rt-period": ("cpu", "realtimePeriod"),
    "cpu-rt-runtime": ("cpu", "realtimeRuntime"),
    "cpu-idle": ("cpu", "idle"),
    "pids-limit": ("pids", "limit"),
    "blkio-weight": ("blockIO", "weight"),
}
"""Options whose value is a number."""
TEXTS: Mapping[str, tuple[str, str]] = {"cpuset-cpus": ("cpu", "cpus"), "cpuset-mems": ("cpu", "mems")}
"""Options whose value is taken as it is."""


def resources_document(given: Mapping[str, str]) -> dict[str, Any]:
    """Return the command line's options as a document of the form of `linux.resources`.

    given: option -> text; "" is no option.  Raises UsageError for what is no size or number.
    """
    document: dict[str, Any] = {}
    for option, text in given.items():
        if text == "":
            continue
        value: object = text
        if option in SIZES:
            section, name = SIZES[option]
            value = _size(option, text)
        elif option in NUMBERS:
            section, name = NUMBERS[option]
            value = _number(option, text)
        else:
            section, name = TEXTS[option]
        document.setdefault(section, {})[name] = value
    return document


def update_settings(resources: Resources, facts: CgroupFacts) -> tuple[Setting, ...]:
    """Return what is to be written.  The device list stays: clients send the one that there is.

    Raises Unsupported for what the host cannot set.
    """
    if resources.pids.limit == 0:
        resources = resources.replace(pids=Pids())
    return tuple(_keeping_period(setting, resources) for setting in resource_settings(resources, facts))


def _keeping_period(setting: Setting, resources: Resources) -> Setting:
    """On v2 quota and period share a file: each of them alone keeps what there is of the other."""
    if setting.file != "cpu.max" or not setting.path.startswith("$.linux.resources.cpu"):
        return setting
    quota, _, period = setting.value.partition(" ")
    kept: Setting = setting
    if not resources.cpu.quota:
        kept = setting.replace(value=period, keeps_first=True)
    elif not resources.cpu.period:
        kept = setting.replace(value=quota)
    return kept


def _number(option: str, text: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal()):
        raise UsageError(f"--{option}: {text!r} is not a number")
    return int(text)


def _size(option: str, text: str) -> int:
    """Take `1024`, `64m`, `64MB`, `1.5g` or -1 for unlimited; in bytes."""
    if text == "-1":
        return -1
    number = text.lower().removesuffix("ib").removesuffix("b").rstrip("kmgtp")
    unit = text.lower()[len(number) :].removesuffix("ib").removesuffix("b")
    whole, dot, fraction = number.partition(".")
    if not (whole.isascii() and whole.isdecimal() and unit in _UNITS) or (dot and not fraction.isdecimal()):
        raise UsageError(f"--{option}: {text!r} is not a size")
    return int(float(number) * _UNITS[unit]) if dot else int(whole) * _UNITS[unit]

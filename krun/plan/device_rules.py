"""What the ordered list of device rules comes to: a default and the exceptions from it.

The kernel's v1 device lists work like that, and the v2 filter is made from the same result, so both allow
exactly the same.  Out of scope: device nodes (`krun.plan.devices`) and the filter's code (`device_filter`).
"""

from __future__ import annotations

from krun.errors import Unsupported
from krun.types import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from krun.spec.model import Device, DeviceRule

ALL = "rwm"
ANY = -1
"""A wildcard of major or minor."""

# What every container may do besides what its configuration allows, as in runc: make any node (which says
# nothing about opening it), use the default devices, its own pseudo-terminals and tun.  A default device
# with a path is left out where the configuration has a device of its own at that path.
_DEFAULTS: tuple[tuple[str, str, int, int, str], ...] = (
    ("", "c", ANY, ANY, "m"),
    ("", "b", ANY, ANY, "m"),
    ("/dev/null", "c", 1, 3, ALL),
    ("/dev/random", "c", 1, 8, ALL),
    ("/dev/full", "c", 1, 7, ALL),
    ("/dev/tty", "c", 5, 0, ALL),
    ("/dev/zero", "c", 1, 5, ALL),
    ("/dev/urandom", "c", 1, 9, ALL),
    ("", "c", 136, ANY, ALL),
    ("", "c", 5, 2, ALL),
    ("", "c", 10, 200, ALL),
)


class DeviceException(Record):
    """One device, or many of them by wildcards, for which the default does not hold."""

    type: str
    """`b` or `c`."""
    major: int
    minor: int
    """The numbers, or ANY."""
    access: str
    """A composition of `r`, `w` and `m`, in this order."""


class DeviceList(Record):
    """The default, and the exceptions from it: denied ones where it allows, allowed ones where it denies."""

    allow: bool
    exceptions: tuple[DeviceException, ...] = ()

    def is_unrestricted(self) -> bool:
        """Tell whether everything is allowed."""
        return self.allow and self.exceptions == ()


def device_list(rules: Iterable[DeviceRule], devices: Iterable[Device]) -> DeviceList:
    """Apply the rules in their order to a list that denies everything, then krun's defaults.

    rules: `linux.resources.devices`; devices: `linux.devices`, for the paths of the defaults.
    Raises Unsupported for a rule that would take a part out of a wider exception: the kernel's v1 list
    ignores such a rule silently, and what looks denied must not be allowed.
    Source: runtime-spec config-linux.md#allowed-device-list; Documentation/admin-guide/cgroup-v1/devices.rst.
    """
    allow = False
    exceptions: dict[tuple[str, int, int], str] = {}
    for index, rule in enumerate(rules):
        path = f"$.linux.resources.devices[{index}]"
        if rule.type in ("", "a"):
            # As in the kernel: a rule for all devices sets the default, whatever its numbers and access are.
            allow = rule.allow
            exceptions.clear()
        elif rule.type in ("b", "c"):
            major = ANY if rule.major is None else rule.major
            minor = ANY if rule.minor is None else rule.minor
            key = (rule.type, major, minor)
            _apply(exceptions, key, _access(rule.access, path), rule.allow != allow, path)
        else:
            raise Unsupported(f"{path}.type", f"unknown type of device {rule.type!r}")
    if not allow:
        taken = {device.path for device in devices}
        for where, kind, major, minor, access in _DEFAULTS:
            if where == "" or where not in taken:
                _add(exceptions, (kind, major, minor), access)
    return DeviceList(
        allow=allow,
        exceptions=tuple(
            DeviceException(type=kind, major=major, minor=minor, access=access)
            for (kind, major, minor), access in exceptions.items()
        ),
    )


def v1_lines(devices: DeviceList) -> tuple[tuple[str, str], ...]:
    """Return what to write, as (file, line), to bring a v1 device cgroup from any state to that list."""
    default, exception = ("allow", "deny") if devices.allow else ("deny", "allow")
    return (
        (f"devices.{default}", "a"),
        *(
            (f"devices.{exception}", f"{e.type} {_number(e.major)}:{_number(e.minor)} {e.access}")
            for e in devices.exceptions
        ),
    )


def _number(value: int) -> str:
    return "*" if value == ANY else str(value)


def _access(access: str, path: str) -> str:
    """Put the letters in order.  An empty access is refused, as in runc: it would be a rule about nothing."""
    if access == "" or not set(access) <= set(ALL):
        raise Unsupported(f"{path}.access", f"must be composed of r, w and m, got {access!r}")
    return "".join(letter for letter in ALL if letter in access)


def _apply(
    exceptions: dict[tuple[str, int, int], str], key: tuple[str, int, int], access: str, add: bool, path: str
) -> None:
    if add:
        _add(exceptions, key, access)
        return
    kind, major, minor = key
    for wider in ((kind, ANY, minor), (kind, major, ANY), (kind, ANY, ANY)):
        if wider != key and set(exceptions.get(wider, "")) & set(access):
            raise Unsupported(path, "cannot take a device out of an earlier rule with a wildcard")
    rest = "".join(letter for letter in exceptions.pop(key, "") if letter not in access)
    if rest != "":
        exceptions[key] = rest


def _add(exceptions: dict[tuple[str, int, int], str], key: tuple[str, int, int], access: str) -> None:
    both = exceptions.get(key, "") + access
    exceptions[key] = "".join(letter for letter in ALL if letter in both)

"""Device rules: the list they come to, v1's lines and v2's filter."""

from __future__ import annotations

import itertools
import struct

import pytest
from support import ebpf

from krun.errors import Unsupported
from krun.plan.device_filter import device_filter
from krun.plan.device_rules import ANY, DeviceException, DeviceList, device_list, v1_lines
from krun.spec.model import Device, DeviceRule

DENY_ALL = DeviceRule(allow=False, access="rwm")
ALLOW_ALL = DeviceRule(allow=True, access="rwm")
ACCESS = {"m": 1, "r": 2, "w": 4}
TYPE = {"b": 1, "c": 2}


def allowed(devices: DeviceList, kind: str, major: int, minor: int, access: str) -> bool:
    """Ask the compiled filter as the kernel does."""
    bits = sum(ACCESS[letter] for letter in access)
    result = ebpf.run(device_filter(devices), struct.pack("<III", bits << 16 | TYPE[kind], major, minor))
    assert result in (0, 1)
    return result == 1


def v1_allows(devices: DeviceList, kind: str, major: int, minor: int, access: str) -> bool:
    """Decide as the kernel's device_cgroup.c does with a v1 list."""
    for e in devices.exceptions:
        if e.type != kind or e.major not in (ANY, major) or e.minor not in (ANY, minor):
            continue
        if devices.allow and set(e.access) & set(access):
            return False
        if not devices.allow and set(access) <= set(e.access):
            return True
    return devices.allow


def test_nothing_but_the_defaults_is_allowed_without_rules() -> None:
    """As runc: the list begins with denying everything, and the default devices are always there."""
    devices = device_list((), ())
    assert not devices.allow
    assert v1_lines(devices) == (
        ("devices.deny", "a"),
        ("devices.allow", "c *:* m"),
        ("devices.allow", "b *:* m"),
        ("devices.allow", "c 1:3 rwm"),
        ("devices.allow", "c 1:8 rwm"),
        ("devices.allow", "c 1:7 rwm"),
        ("devices.allow", "c 5:0 rwm"),
        ("devices.allow", "c 1:5 rwm"),
        ("devices.allow", "c 1:9 rwm"),
        ("devices.allow", "c 136:* rwm"),
        ("devices.allow", "c 5:2 rwm"),
        ("devices.allow", "c 10:200 rwm"),
    )


def test_entries_are_applied_in_the_listed_order() -> None:
    """config-linux.md: "The runtime MUST apply entries in the listed order."""
    device = DeviceRule(allow=True, type="b", major=8, minor=0, access="r")
    assert allowed(device_list((DENY_ALL, device), ()), "b", 8, 0, "r")
    assert not allowed(device_list((device, DENY_ALL), ()), "b", 8, 0, "r")


def test_a_denial_takes_letters_from_an_earlier_exception() -> None:
    """A later rule for the same numbers changes what the earlier one left."""
    rules = (
        DeviceRule(allow=True, type="b", major=8, minor=0, access="rw"),
        DeviceRule(allow=False, type="b", major=8, minor=0, access="w"),
    )
    devices = device_list(rules, ())
    assert allowed(devices, "b", 8, 0, "r")
    assert not allowed(devices, "b", 8, 0, "w")
    assert not allowed(devices, "b", 8, 0, "rw")


def test_a_denial_inside_a_wildcard_is_refused() -> None:
    """The kernel's v1 list ignores it silently: what looks denied would be allowed."""
    rules = (
        DeviceRule(allow=True, type="c", major=10, access="rwm"),
        DeviceRule(allow=False, type="c", major=10, minor=229, access="r"),
    )
    with pytest.raises(Unsupported, match=r"^\$\.linux\.resources\.devices\[1\]: cannot take a device out"):
        device_list(rules, ())


@pytest.mark.parametrize("access", ["", "x", "rwmx"])
def test_an_access_of_other_letters_or_none_is_refused(access: str) -> None:
    """config-linux.md: access is "a composition of r (read), w (write), and m (mknod)"."""
    with pytest.raises(Unsupported, match=r"^\$\.linux\.resources\.devices\[0\]\.access: "):
        device_list((DeviceRule(allow=True, type="c", major=1, minor=1, access=access),), ())


def test_a_configured_device_replaces_the_default_of_its_path() -> None:
    """As in runc: whoever puts another device at /dev/null does not get the default's rule."""
    devices = device_list((), (Device(type="c", path="/dev/null", major=7, minor=7),))
    assert DeviceException("c", 1, 3, "rwm") not in devices.exceptions
    assert DeviceException("c", 1, 5, "rwm") in devices.exceptions


def test_an_unrestricted_container_needs_no_filter() -> None:
    """Docker's --privileged allows all devices."""
    devices = device_list((ALLOW_ALL,), ())
    assert devices.is_unrestricted()
    assert v1_lines(devices) == (("devices.allow", "a"),)
    assert allowed(devices, "b", 8, 0, "rwm")


def test_exceptions_from_allowing_all_deny_any_part() -> None:
    """With a default of allowing, an exception denies an access that has any of its letters."""
    devices = device_list((ALLOW_ALL, DeviceRule(allow=False, type="b", major=8, access="w")), ())
    assert v1_lines(devices) == (("devices.allow", "a"), ("devices.deny", "b 8:* w"))
    assert allowed(devices, "b", 8, 1, "r")
    assert not allowed(devices, "b", 8, 1, "rw")
    assert allowed(devices, "c", 8, 1, "w")


LISTS = [
    device_list((), ()),
    device_list((ALLOW_ALL,), ()),
    device_list(
        (DeviceRule(allow=True, type="b", minor=1, access="r"), DeviceRule(True, "b", 8, 1, "wm")), ()
    ),
    device_list((ALLOW_ALL, DeviceRule(False, "c", 1, 3, "rw"), DeviceRule(False, "b", None, None, "m")), ()),
    DeviceList(allow=False, exceptions=(DeviceException("c", 5, 1, "r"), DeviceException("c", ANY, 1, "w"))),
]


@pytest.mark.parametrize("devices", LISTS)
def test_the_filter_decides_as_a_v1_list(devices: DeviceList) -> None:
    """Both versions of cgroups allow exactly the same, whatever is asked."""
    accesses = ["".join(c) for n in (1, 2, 3) for c in itertools.combinations("rwm", n)]
    for kind, major, minor in itertools.product("bc", (0, 1, 5, 8, 10, 136, 4095), (0, 1, 3, 200, 1048575)):
        for access in accesses:
            expected = v1_allows(devices, kind, major, minor, access)
            assert allowed(devices, kind, major, minor, access) == expected, (kind, major, minor, access)

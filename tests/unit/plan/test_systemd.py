"""A container's scope: its name, its slice, its cgroup, its properties."""

from __future__ import annotations

import pytest
from support.facts import make_facts

from krun.errors import HostError, SpecError
from krun.host.cgroups import CgroupFacts, Hierarchy
from krun.host.facts import HostFacts
from krun.plan.resources import Setting
from krun.plan.systemd import (
    UnitPlan,
    is_the_kernels_to_read,
    plan_unit,
    resource_properties,
    slice_path,
)


def facts(*, euid: int = 0, own: str = "/", version: str = "v2") -> HostFacts:
    """Return a host with cgroup v2."""
    cgroups = CgroupFacts(version=version, unified=Hierarchy(mount="/sys/fs/cgroup", own=own))
    return make_facts(cgroups, euid=euid)


def planned(path: str, **options: object) -> tuple[UnitPlan, str]:
    """Plan the scope of the container `c1`."""
    return plan_unit(path, "c1", {}, (), facts(**options))  # type: ignore[arg-type]  # handed through


def property_of(annotation: str, text: str) -> tuple[str, str, object]:
    """Return the property that an annotation makes, which is the last one."""
    unit, _ = plan_unit("", "c1", {annotation: text}, (), facts())
    return unit.properties[-1]


@pytest.mark.parametrize(
    ("path", "name", "directory"),
    [
        ("", "krun-c1.scope", "/system.slice/krun-c1.scope"),
        ("::x", "x.scope", "/system.slice/x.scope"),
        ("machine.slice:libpod:x", "libpod-x.scope", "/machine.slice/libpod-x.scope"),
        ("a-b-c.slice:p:x", "p-x.scope", "/a.slice/a-b.slice/a-b-c.slice/p-x.scope"),
        ("-.slice:p:x", "p-x.scope", "/p-x.scope"),
    ],
)
def test_the_path_names_slice_prefix_and_scope(path: str, name: str, directory: str) -> None:
    """As runc and crun take it; a slice lies in those that its name begins with."""
    unit, where = planned(path)
    assert (unit.name, where, unit.is_user) == (name, directory, False)


@pytest.mark.parametrize(
    "path",
    [
        "/absolute",
        "two:parts",
        "a:b:c:d",
        "no-slice:x:y",
        "a--b.slice:x:y",
        ".slice:x:y",
        ":x:y.slice",
        ":x:",
        "a/b.slice:x:y",
    ],
)
def test_a_path_of_another_form_is_refused(path: str) -> None:
    """With the property's path."""
    with pytest.raises(SpecError, match=r"^\$\.linux\.cgroupsPath: must "):
        planned(path)


@pytest.mark.parametrize(
    ("own", "base"),
    [
        (
            "/user.slice/user-1000.slice/session-3.scope",
            "/user.slice/user-1000.slice/user@1000.service",
        ),
        (
            "/user.slice/user-1000.slice/user@1000.service/app.slice/term.scope",
            "/user.slice/user-1000.slice/user@1000.service",
        ),
    ],
)
def test_a_plain_users_scope_lies_below_their_own_manager(own: str, base: str) -> None:
    """In `user.slice` of that one by default."""
    unit, where = planned("", euid=1000, own=own)
    assert unit.is_user
    assert where == f"{base}/user.slice/krun-c1.scope"


def test_cgroup_v1_is_refused_by_name() -> None:
    """Before anything is done."""
    with pytest.raises(HostError, match="systemd cgroup driver: the host has no pure cgroup v2"):
        planned("", version="v1")


def test_slices_nest_by_their_names() -> None:
    """systemd.slice(5)."""
    assert slice_path("a-b.slice") == "/a.slice/a-b.slice"
    assert slice_path("-.slice") == ""


@pytest.mark.parametrize(
    ("file", "value", "properties"),
    [
        ("memory.max", "67108864", {"MemoryMax": 67108864}),
        ("memory.max", "max", {"MemoryMax": (1 << 64) - 1}),
        ("memory.swap.max", "0", {"MemorySwapMax": 0}),
        ("pids.max", "33", {"TasksMax": 33}),
        ("pids.max", "0", {"TasksMax": 1}),
        ("io.bfq.weight", "300", {"IOWeight": 2300}),
        ("io.bfq.weight", "50", {"IOWeight": 50}),
        ("io.bfq.weight", "8:0 300", {}),
        ("cpu.idle", "1", {"CPUWeight": 0}),
        ("cpu.idle", "0", {"CPUWeight": 100}),
        ("cpu.weight", "35", {"CPUWeight": 35}),
        ("cpu.max", "50000 100000", {"CPUQuotaPerSecUSec": 500000, "CPUQuotaPeriodUSec": 100000}),
        ("cpu.max", "33333 100000", {"CPUQuotaPerSecUSec": 340000, "CPUQuotaPeriodUSec": 100000}),
        ("cpu.max", "max 100000", {"CPUQuotaPerSecUSec": (1 << 64) - 1, "CPUQuotaPeriodUSec": 100000}),
        ("cpuset.cpus", "0-2,9", {"AllowedCPUs": b"\x07\x02"}),
        ("cpuset.mems", "0", {"AllowedMemoryNodes": b"\x01"}),
        ("io.weight", "default 500", {"IOWeight": 500}),
        ("io.weight", "8:0 500", {}),
        ("memory.oom.group", "1", {}),
    ],
)
def test_a_limit_in_systemds_words(file: str, value: str, properties: dict[str, object]) -> None:
    """What it has no word for stands in the file alone; a quota is rounded up to 10 ms, never down."""
    found = resource_properties((Setting("c", file, value, "$"),))
    assert {name: value for name, _, value in found} == properties


@pytest.mark.parametrize(
    ("file", "values"),
    [
        ("memory.max", ("48M", "0x1000", "", "x", "\u0663", "99999999999999999999")),
        ("cpu.weight", ("idle", "-1")),
        ("cpu.max", ("", "x", "1000 0", "1000 x", "1 2 3")),
        ("cpuset.cpus", ("x", "3-1", "0-10:2/4", "0-4294967295")),
        ("io.weight", ("", "default", "default x", "100")),
        ("io.bfq.weight", ("x",)),
    ],
)
def test_a_value_that_is_the_kernels_to_read_is_left_to_it(file: str, values: tuple[str, ...]) -> None:
    """`unified` takes what the file takes; what that is, or that it is nothing, shows when it is written."""
    for value in values:
        setting = Setting("c", file, value, "$")
        assert is_the_kernels_to_read(setting), value
        assert resource_properties((setting,)) == (), value


def test_of_two_values_for_one_file_the_last_counts() -> None:
    """As for the kernel: `unified` is written after what it repeats."""
    settings = (Setting("memory", "memory.max", "1", "$"), Setting("memory", "memory.max", "2", "$"))
    assert resource_properties(settings) == (("MemoryMax", "t", 2),)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("CollectMode", "'inactive-or-failed'", ("CollectMode", "s", "inactive-or-failed")),
        ("TimeoutStopSec", "123", ("TimeoutStopUSec", "t", 123_000_000)),
        ("TimeoutStopSec", "1.5", ("TimeoutStopUSec", "t", 1_500_000)),
        ("TimeoutStopUSec", "uint64 7", ("TimeoutStopUSec", "t", 7)),
        ("After", "['a.service']", ("After", "as", ["a.service"])),
    ],
)
def test_an_annotation_is_a_property(name: str, text: str, expected: tuple[str, str, object]) -> None:
    """Seconds become microseconds, which is all that D-Bus has."""
    assert property_of(f"org.systemd.property.{name}", text) == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [("Aa", "1"), ("1Name", "1"), ("Some-Name", "1"), ("CollectMode", "x"), ("StopSec", "'5'")],
)
def test_a_wrong_annotation_is_refused_by_its_path(name: str, text: str) -> None:
    """Neither a name nor a value is guessed."""
    with pytest.raises(SpecError, match=rf"^\$\.annotations\['org\.systemd\.property\.{name}'\]"):
        property_of(f"org.systemd.property.{name}", text)

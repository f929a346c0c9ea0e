"""What a container sees of its control groups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from krun.errors import HostError
from krun.host.cgroups import NO_CGROUPS, CgroupFacts, Hierarchy
from krun.host.facts import HostFacts
from krun.plan import mount_options as m
from krun.plan import ops
from krun.plan.model import Plan
from krun.spec.model import IdMapping, Linux, Mount, Namespace, Spec

CGROUP = Mount("/sys/fs/cgroup", "cgroup", "cgroup", ("nosuid", "ro"))
MAPS = (IdMapping(0, 100000, 1000),)
Mounts = Callable[..., list[Any]]


@pytest.fixture
def hybrid(facts: HostFacts) -> HostFacts:
    """Return a host with v1 hierarchies, two controllers in one of them."""
    joint = Hierarchy(mount="/sys/fs/cgroup/cpu,cpuacct", own="/a")
    hierarchies = {
        "name=systemd": Hierarchy(mount="/sys/fs/cgroup/systemd", own="/a"),
        "cpu": joint,
        "cpuacct": joint,
        "devices": Hierarchy(mount="/sys/fs/cgroup/devices", own="/a"),
    }
    changed: HostFacts = facts.replace(cgroups=CgroupFacts(version="v1", hierarchies=hierarchies))
    return changed


@pytest.fixture
def mounts(spec: Spec, compile_spec: Callable[..., Plan]) -> Mounts:
    """Return a function that compiles the cgroup mount and gives what lands below /sys/fs/cgroup."""

    def mounts(facts: HostFacts, *types: str, manager: str = "cgroupfs", mount: Mount = CGROUP) -> list[Any]:
        linux: Linux = spec.linux.replace(
            namespaces=(*spec.linux.namespaces, *(Namespace(type) for type in types)),
            uid_mappings=MAPS,
            gid_mappings=MAPS,
            cgroups_path="/pod/c1",
        )
        plan = compile_spec(spec.replace(linux=linux, mounts=(mount,)), facts, cgroup_manager=manager)
        return [
            op
            for op in plan.program
            if getattr(op, "destination", getattr(op, "path", "")).startswith("/sys/fs/cgroup")
        ]

    return mounts


def test_v1_without_cgroup_namespace_binds_the_container_s_own_cgroups(
    mounts: Mounts, hybrid: HostFacts
) -> None:
    """Nothing of the host's hierarchies shows but the container's part."""
    found = mounts(hybrid)
    assert isinstance(found[0], ops.Mount)
    assert (found[0].fstype, found[0].destination) == ("tmpfs", "/sys/fs/cgroup")
    assert [(op.source, op.destination) for op in found if isinstance(op, ops.Bind)] == [
        ("/sys/fs/cgroup/systemd/pod/c1", "/sys/fs/cgroup/systemd"),
        ("/sys/fs/cgroup/cpu,cpuacct/pod/c1", "/sys/fs/cgroup/cpu,cpuacct"),
        ("/sys/fs/cgroup/devices/pod/c1", "/sys/fs/cgroup/devices"),
    ]


def test_v1_controllers_that_share_a_hierarchy_get_links(mounts: Mounts, hybrid: HostFacts) -> None:
    """As on the host."""
    assert [op for op in mounts(hybrid) if isinstance(op, ops.MakeSymlink)] == [
        ops.MakeSymlink(target="cpu,cpuacct", path="/sys/fs/cgroup/cpu"),
        ops.MakeSymlink(target="cpu,cpuacct", path="/sys/fs/cgroup/cpuacct"),
    ]


def test_v1_tmpfs_becomes_read_only_when_all_is_in_it(mounts: Mounts, hybrid: HostFacts) -> None:
    """Directories and links have to be made in it first."""
    assert mounts(hybrid)[-1] == ops.SetMount(
        destination="/sys/fs/cgroup", recursive=0, attr_set=m.MOUNT_ATTR_RDONLY, attr_clear=0, propagation=0
    )


def test_v1_with_cgroup_namespace_mounts_the_hierarchies(mounts: Mounts, hybrid: HostFacts) -> None:
    """A named hierarchy by its name, a shared one by its controllers."""
    found = [op for op in mounts(hybrid, "cgroup") if isinstance(op, ops.Mount)]
    assert [(op.fstype, op.parameters) for op in found[1:]] == [
        ("cgroup", ("name=systemd",)),
        ("cgroup", ("cpu", "cpuacct")),
        ("cgroup", ("devices",)),
    ]
    assert all(op.attr_set & m.MOUNT_ATTR_RDONLY for op in found[1:])


def test_without_a_cgroup_of_its_own_the_runtime_s_is_shown_read_only(
    mounts: Mounts, hybrid: HostFacts
) -> None:
    """CVE-2023-25809: it is not the container's to change."""
    rw = Mount("/sys/fs/cgroup", "cgroup", "cgroup", ("rw",))
    binds = [op for op in mounts(hybrid, manager="disabled", mount=rw) if isinstance(op, ops.Bind)]
    assert [op.source for op in binds] == [
        "/sys/fs/cgroup/systemd/a",
        "/sys/fs/cgroup/cpu,cpuacct/a",
        "/sys/fs/cgroup/devices/a",
    ]
    assert all(op.attr_set & m.MOUNT_ATTR_RDONLY for op in binds)


@pytest.mark.parametrize("types", [(), ("cgroup",), ("cgroup", "user")])
def test_v2_is_mounted(mounts: Mounts, facts: HostFacts, types: tuple[str, ...]) -> None:
    """Type `cgroup` means what the host has."""
    assert [type(op) for op in mounts(facts, *types)] == [ops.Mount]
    assert mounts(facts, *types)[0].fstype == "cgroup2"


def test_v2_in_a_user_namespace_without_cgroup_namespace_is_bound(mounts: Mounts, facts: HostFacts) -> None:
    """The kernel refuses the mount there."""
    (found,) = mounts(facts, "user")
    assert isinstance(found, ops.Bind)
    assert found.source == "/sys/fs/cgroup/pod/c1"


def test_v2_in_a_user_namespace_without_any_cgroup_is_read_only(mounts: Mounts, facts: HostFacts) -> None:
    """CVE-2023-25809."""
    rw = Mount("/sys/fs/cgroup", "cgroup", "cgroup", ("rw",))
    (found,) = mounts(facts, "user", manager="disabled", mount=rw)
    assert (found.source, found.attr_set) == ("/sys/fs/cgroup/own", m.MOUNT_ATTR_RDONLY)


def test_host_without_cgroups_is_an_error(mounts: Mounts, facts: HostFacts) -> None:
    """Named, and not an empty directory."""
    with pytest.raises(HostError, match="no cgroup hierarchy is mounted"):
        mounts(facts.replace(cgroups=NO_CGROUPS), manager="disabled")

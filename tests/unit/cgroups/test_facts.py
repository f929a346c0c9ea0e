"""The host's hierarchies as procfs tells them."""

from __future__ import annotations

import pytest

from krun.host.cgroups import (
    CgroupFacts,
    Hierarchy,
    as_document,
    cgroup_facts,
    parse_hierarchies,
    probe_cgroups,
)

HYBRID_CGROUP = """\
5:name=systemd:/user.slice
4:cpu,cpuacct:/a
3:memory:/a/b
0::/user.slice/u.scope
"""
HYBRID_MOUNTS = """\
23 1 0:21 / /sys rw - sysfs sysfs rw
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:7 - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
"""


def test_each_controller_finds_its_hierarchy() -> None:
    """Controllers that are mounted together share one hierarchy; a named one is found by `name=`."""
    hierarchies, unified = parse_hierarchies(HYBRID_CGROUP, HYBRID_MOUNTS)
    together = Hierarchy(mount="/sys/fs/cgroup/cpu,cpuacct", own="/a")
    assert hierarchies == {
        "name=systemd": Hierarchy(mount="/sys/fs/cgroup/systemd", own="/user.slice"),
        "cpu": together,
        "cpuacct": together,
        "memory": Hierarchy(mount="/sys/fs/cgroup/memory", own="/a/b"),
    }
    assert unified == Hierarchy(mount="/sys/fs/cgroup/unified", own="/user.slice/u.scope")


def test_a_controller_without_a_mount_is_left_out() -> None:
    """A hierarchy that is not mounted here cannot be entered."""
    hierarchies, unified = parse_hierarchies("2:memory:/\n1:pids:/\n", HYBRID_MOUNTS)
    assert list(hierarchies) == ["memory"]
    assert unified is None


@pytest.mark.parametrize(
    ("root", "own", "expected"),
    [
        ("/docker/c1", "/docker/c1", "/"),
        ("/docker/c1", "/docker/c1/sub", "/sub"),
        ("/docker/c1", "/docker/c10", "/"),
        ("/docker/c1", "/elsewhere", "/"),
    ],
)
def test_a_bind_mount_of_a_part_shifts_the_own_path(root: str, own: str, expected: str) -> None:
    """Inside a container without a cgroup namespace, /proc/self/cgroup counts from the hierarchy's root."""
    mounts = f"35 31 0:32 {root} /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
    hierarchies, _ = parse_hierarchies(f"3:memory:{own}\n", mounts)
    assert hierarchies["memory"] == Hierarchy(mount="/sys/fs/cgroup/memory", own=expected)


def test_the_first_of_several_mounts_counts() -> None:
    """Copies of a mount, as containers have them, do not hide the host's."""
    again = "99 31 0:32 /x /var/lib/memory rw - cgroup cgroup rw,memory\n"
    hierarchies, _ = parse_hierarchies("3:memory:/\n", HYBRID_MOUNTS + again)
    assert hierarchies["memory"].mount == "/sys/fs/cgroup/memory"


def test_escapes_in_mount_points_are_undone() -> None:
    """proc_pid_mountinfo(5): space, tab, newline and backslash are written in octal."""
    _, unified = parse_hierarchies("0::/a\n", "41 31 0:38 / /mnt/my\\040cgroups\\134x rw - cgroup2 none rw\n")
    assert unified == Hierarchy(mount="/mnt/my cgroups\\x", own="/a")


def test_a_path_with_a_colon_is_one_path() -> None:
    """cgroups(7): the third field is the rest of the line."""
    _, unified = parse_hierarchies("0::/a:b\n", "41 31 0:38 / /sys/fs/cgroup rw - cgroup2 none rw\n")
    assert unified == Hierarchy(mount="/sys/fs/cgroup", own="/a:b")


def test_facts_survive_json() -> None:
    """Golden tests and plans for other hosts read the facts from a document."""
    hierarchies, unified = parse_hierarchies(HYBRID_CGROUP, HYBRID_MOUNTS)
    facts = CgroupFacts(version="v1", hierarchies=hierarchies, unified=unified, controllers=("hugetlb",))
    assert cgroup_facts(as_document(facts)) == facts


def test_this_host_is_read() -> None:
    """The probe agrees with the kernel's own word on where this process stands."""
    facts = probe_cgroups()
    with open("/proc/self/cgroup", encoding="ascii") as file:
        assert facts.version == "none" or facts.hierarchies or facts.unified
        listed = {name for line in file for name in line.split(":")[1].split(",")}
    assert set(facts.hierarchies) <= listed

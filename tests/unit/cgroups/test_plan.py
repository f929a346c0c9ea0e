"""Where a container's cgroup lies, and what is planned for it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.facts import make_facts

from krun.errors import HostError, SpecError, Unsupported
from krun.host.cgroups import NO_CGROUPS, CgroupFacts, Hierarchy
from krun.plan.cgroups import CgroupPlan, plan_cgroup
from krun.plan.model import Options
from krun.spec.load import load
from krun.spec.model import Linux, Root, Spec
from krun.sys.cgroups import UNIFIED

HYBRID = CgroupFacts(
    version="v1",
    hierarchies={
        "name=systemd": Hierarchy(mount="/sys/fs/cgroup/systemd", own="/"),
        "memory": Hierarchy(mount="/sys/fs/cgroup/memory", own="/outer/own"),
        "devices": Hierarchy(mount="/sys/fs/cgroup/devices", own="/"),
    },
    unified=Hierarchy(mount="/sys/fs/cgroup/unified", own="/session"),
    controllers=("hugetlb",),
)
V2 = CgroupFacts(
    version="v2",
    unified=Hierarchy(mount="/sys/fs/cgroup", own="/user.slice/session"),
    controllers=("cpu", "memory", "pids"),
)
CGROUP_MOUNT = {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["nosuid"]}


def plan(
    cgroups: CgroupFacts,
    linux: dict[str, Any],
    *,
    manager: str = "cgroupfs",
    euid: int = 0,
    in_user_namespace: bool = False,
    uid: int = 0,
    mounts: list[dict[str, Any]] | None = None,
) -> CgroupPlan | None:
    """Plan for a configuration with this `linux` section."""
    config = {
        "ociVersion": "1.2.0",
        "process": {"args": ["true"], "cwd": "/", "user": {"uid": uid, "gid": 0}},
        "root": {"path": "rootfs"},
        "mounts": mounts or [],
        "linux": linux,
    }
    options = Options(id="c1", bundle="/b", cgroup_manager=manager)
    host = make_facts(cgroups, euid=euid, in_user_namespace=in_user_namespace)
    return plan_cgroup(load(json.dumps(config).encode()), host, options)


def paths(cgroups: CgroupFacts, cgroups_path: str) -> dict[str, str]:
    """Return the planned directories."""
    planned = plan(cgroups, {"cgroupsPath": cgroups_path} if cgroups_path else {})
    assert planned is not None
    return dict(planned.paths)


def test_an_absolute_path_counts_from_the_mount_points() -> None:
    """config-linux.md: "the runtime MUST take the path to be relative to the cgroups mount point."""
    assert paths(HYBRID, "/docker//c1/./") == {
        "name=systemd": "/sys/fs/cgroup/systemd/docker/c1",
        "memory": "/sys/fs/cgroup/memory/docker/c1",
        "devices": "/sys/fs/cgroup/devices/docker/c1",
        UNIFIED: "/sys/fs/cgroup/unified/docker/c1",
    }


def test_a_relative_path_counts_from_the_callers_own_cgroup() -> None:
    """As in runc; config-linux.md leaves the place of a relative path to the runtime."""
    assert paths(HYBRID, "a/b") == {
        "name=systemd": "/sys/fs/cgroup/systemd/a/b",
        "memory": "/sys/fs/cgroup/memory/outer/own/a/b",
        "devices": "/sys/fs/cgroup/devices/a/b",
        UNIFIED: "/sys/fs/cgroup/unified/session/a/b",
    }


def test_a_relative_path_on_v2_counts_from_the_parent() -> None:
    """A cgroup with processes cannot hand controllers down, so the caller's own is no place for children."""
    assert paths(V2, "a/b") == {UNIFIED: "/sys/fs/cgroup/user.slice/a/b"}


def test_without_a_path_the_id_names_the_cgroup() -> None:
    """config-linux.md: "If the value is not specified, the runtime MAY define the default cgroups path."""
    assert paths(HYBRID, "")["memory"] == "/sys/fs/cgroup/memory/outer/own/c1"


@pytest.mark.parametrize(
    ("path", "message"), [("/a/../../b", "must not contain '..'"), ("/", "must name a cgroup below the root")]
)
def test_a_path_that_leads_elsewhere_is_refused(path: str, message: str) -> None:
    """A container's cgroup never lies above the mount point, and never is the root itself."""
    spec = Spec(oci_version="1.2.0", root=Root(path="/r"), linux=Linux(cgroups_path=path))
    with pytest.raises(SpecError, match=r"^\$\.linux\.cgroupsPath: ") as refusal:
        plan_cgroup(spec, make_facts(HYBRID), Options(id="c1", bundle="/b"))
    assert message in str(refusal.value)


def test_a_disabled_manager_plans_nothing() -> None:
    """`--cgroup-manager disabled` leaves the container in its caller's cgroup."""
    assert plan(HYBRID, {"resources": {"memory": {"limit": 4096}}}, manager="disabled") is None


def test_systemd_is_refused_by_name_on_cgroup_v1() -> None:
    """What this version does not do is said, never ignored."""
    with pytest.raises(HostError, match=r"^the systemd cgroup driver: the host has no pure cgroup v2"):
        plan(HYBRID, {}, manager="systemd")


def test_a_host_without_cgroups_is_an_error() -> None:
    """A container that cannot be limited is not started as if it were."""
    with pytest.raises(HostError, match=r"^no cgroups: no cgroup file system is mounted; "):
        plan(NO_CGROUPS, {})


def test_an_unprivileged_caller_does_without() -> None:
    """Nobody gave a plain user a cgroup, and without limits none is needed."""
    assert plan(NO_CGROUPS, {}, in_user_namespace=True) is None
    planned = plan(HYBRID, {}, in_user_namespace=True)
    assert planned is not None
    assert planned.optional
    assert planned.device_lines == ()


def test_an_unprivileged_caller_who_names_a_path_gets_it_or_an_error() -> None:
    """A path that was asked for is not optional."""
    planned = plan(HYBRID, {"cgroupsPath": "/mine"}, in_user_namespace=True)
    assert planned is not None
    assert not planned.optional


def test_devices_become_lines_on_v1_and_a_program_on_v2() -> None:
    """Each version gets its own form of the same list."""
    on_v1, on_v2 = plan(HYBRID, {}), plan(V2, {})
    assert on_v1 is not None
    assert on_v2 is not None
    assert on_v1.device_lines[0] == ("devices.deny", "a")
    assert on_v1.device_filter == b""
    assert on_v2.device_lines == ()
    assert len(on_v2.device_filter) % 8 == 0
    assert on_v2.device_filter != b""


def test_all_devices_need_no_program() -> None:
    """Docker's --privileged attaches nothing."""
    planned = plan(V2, {"resources": {"devices": [{"allow": True, "access": "rwm"}]}})
    assert planned is not None
    assert planned.device_filter == b""


def test_a_v1_host_without_device_controller_is_an_error() -> None:
    """Without it every device node would open."""
    without = CgroupFacts(version="v1", hierarchies={"memory": Hierarchy(mount="/m", own="/")})
    with pytest.raises(
        Unsupported, match=r"^\$\.linux\.resources\.devices: the host has no cgroup controller"
    ):
        plan(without, {})


def test_v2_hands_all_controllers_down_and_a_hybrid_what_is_used() -> None:
    """Statistics want every controller; a hybrid's cgroup2 is left alone unless a limit needs it."""
    on_v2, idle, used = (
        plan(V2, {}),
        plan(HYBRID, {}),
        plan(HYBRID, {"resources": {"hugepageLimits": [{"pageSize": "2MB", "limit": 0}]}}),
    )
    assert [p.enable for p in (on_v2, idle, used) if p is not None] == [
        ("cpu", "memory", "pids"),
        (),
        ("hugetlb",),
    ]


DELEGATED = {"namespaces": [{"type": "cgroup"}, {"type": "user"}, {"type": "mount"}]}
MAPS = {
    "uidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
    "gidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
}


@pytest.mark.parametrize(
    ("cgroups", "linux", "uid", "options", "owner"),
    [
        (V2, {**DELEGATED, **MAPS}, 0, ["rw"], 100000),
        (V2, {**DELEGATED, **MAPS}, 1000, ["rw"], 101000),
        (V2, {**DELEGATED, **MAPS}, 0, ["ro"], None),
        (HYBRID, {**DELEGATED, **MAPS}, 0, ["rw"], None),
        (V2, {**MAPS, "namespaces": [{"type": "user"}]}, 0, ["rw"], None),
        (V2, {"namespaces": [{"type": "cgroup"}]}, 1000, ["rw"], 1000),
    ],
)
def test_the_cgroup_is_delegated_only_as_the_specification_says(
    cgroups: CgroupFacts, linux: dict[str, Any], uid: int, options: list[str], owner: int | None
) -> None:
    """config-linux.md#cgroup-ownership: v2, a new cgroup namespace and a writable mount."""
    planned = plan(cgroups, linux, uid=uid, mounts=[{**CGROUP_MOUNT, "options": options}])
    assert planned is not None
    assert planned.owner == owner

"""Configured mounts as operations: config.md#mounts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from krun.errors import Unsupported
from krun.host.facts import HostFacts
from krun.plan import mount_options as m
from krun.plan import ops
from krun.plan.model import Options
from krun.plan.mounts import Mounted, container_path, plan_mounts
from krun.spec.model import Mount, Spec

Planner = Callable[..., Mounted]


@pytest.fixture
def planned(spec: Spec, facts: HostFacts, options: Options) -> Planner:
    """Return a function that plans mounts."""

    def planned(*mounts: Mount) -> Mounted:
        return plan_mounts(spec.replace(mounts=mounts), facts, options, None)

    return planned


def bind(**operands: object) -> ops.Bind:
    """Return a bind of /src on /dst with nothing special, but for these operands."""
    plain: dict[str, object] = {
        "source": "/src",
        "destination": "/dst",
        "recursive": 0,
        "attr_set": 0,
        "attr_clear": 0,
        "attr_recursive": 0,
        "propagation": 0,
    }
    return ops.Bind(**{**plain, **operands})


def test_file_system_is_mounted_with_attributes_and_parameters(planned: Planner) -> None:
    """Options that no table knows are the file system's parameters."""
    mounted = planned(Mount("/dev/shm", "tmpfs", "shm", ("nosuid", "mode=1777", "rprivate")))
    assert mounted.program == (
        ops.Mount(
            fstype="tmpfs",
            source="shm",
            parameters=("mode=1777",),
            destination="/dev/shm",
            attr_set=m.MOUNT_ATTR_NOSUID,
            attr_clear=0,
            propagation=m.MS_PRIVATE | m.MS_REC,
        ),
    )


def test_mounts_keep_their_order(planned: Planner) -> None:
    """The runtime MUST mount entries in the listed order."""
    mounted = planned(Mount("/b", "tmpfs"), Mount("/a", "tmpfs"), Mount("/c", "tmpfs"))
    assert [op.destination for op in mounted.program] == ["/b", "/a", "/c"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [("data", "/data"), ("/a//b/", "/a/b"), ("//a", "/a"), ("/a/../b", "/b"), (".", "/"), ("../x", "/x")],
)
def test_destination_is_absolute_in_the_container(written: str, meant: str) -> None:
    """A relative destination is relative to `/`, and nothing leads above it."""
    assert container_path(written) == meant


def test_bind_by_option_whatever_the_type(planned: Planner) -> None:
    """`type` is ignored for a bind mount."""
    assert planned(Mount("/dst", "none", "/src", ("rbind",))).program == (bind(recursive=1),)


def test_bind_by_type_alone(planned: Planner) -> None:
    """What else could be meant."""
    assert planned(Mount("/dst", "bind", "/src", ())).program == (bind(),)


def test_relative_bind_source_is_relative_to_the_bundle(planned: Planner) -> None:
    """config.md: source MUST be absolute or relative to the bundle."""
    assert planned(Mount("/dst", "bind", "data/x", ("bind",))).program == (bind(source="/bundle/data/x"),)


def test_bind_sets_and_clears_only_what_is_named(planned: Planner) -> None:
    """The source's other attributes stay."""
    mounted = planned(Mount("/dst", "bind", "/src", ("rbind", "ro", "exec")))
    assert mounted.program == (
        bind(recursive=1, attr_set=m.MOUNT_ATTR_RDONLY, attr_clear=m.MOUNT_ATTR_NOEXEC),
    )


def test_recursive_attributes_alone_go_with_the_bind(planned: Planner) -> None:
    """One operation for all the mounts that are bound."""
    mounted = planned(Mount("/dst", "bind", "/src", ("rbind", "rro")))
    assert mounted.program == (bind(recursive=1, attr_set=m.MOUNT_ATTR_RDONLY, attr_recursive=1),)


def test_recursive_attributes_come_after_those_of_the_top(planned: Planner) -> None:
    """One operation can have only one of the two."""
    mounted = planned(Mount("/dst", "bind", "/src", ("rbind", "ro", "rnosuid")))
    assert mounted.program == (
        bind(recursive=1, attr_set=m.MOUNT_ATTR_RDONLY),
        ops.SetMount(
            destination="/dst", recursive=1, attr_set=m.MOUNT_ATTR_NOSUID, attr_clear=0, propagation=0
        ),
    )


def test_each_further_propagation_is_an_operation(planned: Planner) -> None:
    """mount(2) takes one at a time."""
    mounted = planned(Mount("/dst", "bind", "/src", ("bind", "slave", "shared")))
    assert mounted.program == (
        bind(propagation=m.MS_SLAVE),
        ops.SetMount(destination="/dst", recursive=0, attr_set=0, attr_clear=0, propagation=m.MS_SHARED),
    )


def test_parameters_of_a_bind_are_a_warning(planned: Planner) -> None:
    """The kernel heeds only attributes there; clients pass such options nevertheless."""
    mounted = planned(Mount("/dst", "bind", "/src", ("bind", "ro", "sync", "size=5")))
    assert mounted.warnings == ("$.mounts[0].options: without effect on a bind mount: sync size=5",)


def test_no_warning_for_an_attribute_of_a_bind(planned: Planner) -> None:
    """`ro` is one, although it also is a switch of file systems."""
    assert planned(Mount("/dst", "bind", "/src", ("bind", "ro"))).warnings == ()


def test_remount_changes_the_attributes_of_what_is_there(planned: Planner) -> None:
    """`remount` MUST be implemented."""
    assert planned(Mount("/dst", "none", "", ("remount", "ro", "nosuid", "rnodev", "private"))).program == (
        ops.SetMount(
            destination="/dst",
            recursive=0,
            attr_set=m.MOUNT_ATTR_RDONLY | m.MOUNT_ATTR_NOSUID,
            attr_clear=0,
            propagation=0,
        ),
        ops.SetMount(
            destination="/dst", recursive=1, attr_set=m.MOUNT_ATTR_NODEV, attr_clear=0, propagation=0
        ),
        ops.SetMount(destination="/dst", recursive=0, attr_set=0, attr_clear=0, propagation=m.MS_PRIVATE),
    )


def test_remount_cannot_change_the_file_system(planned: Planner) -> None:
    """Refused by name."""
    with pytest.raises(Unsupported, match=r"^\$\.mounts\[0\]\.options: a remount cannot change .*: size=5$"):
        planned(Mount("/dst", "tmpfs", "", ("remount", "size=5")))


@pytest.mark.parametrize("mount", [Mount("/x", "tmpfs", "", ("ro",)), Mount("/dev", "devtmpfs", "", ("ro",))])
def test_read_only_tmpfs_and_dev_stay_writable_at_first(planned: Planner, mount: Mount) -> None:
    """Mount points and device nodes have to be made in them."""
    mounted = planned(mount)
    assert mounted.readonly_later == (mount.destination,)
    assert mounted.program[0].attr_set == 0
    assert mounted.program[0].parameters == ()


def test_other_read_only_file_system_is_so_at_once(planned: Planner) -> None:
    """A read-only device could not be opened otherwise, so the file system itself is told as well."""
    mounted = planned(Mount("/sys", "sysfs", "sysfs", ("ro",)))
    assert mounted.readonly_later == ()
    assert mounted.program[0].attr_set == m.MOUNT_ATTR_RDONLY
    assert mounted.program[0].parameters == ("ro",)


def test_tmpfs_can_begin_with_what_it_covers(planned: Planner) -> None:
    """`tmpcopyup` is no parameter of the file system, and nothing without being asked for."""
    first, second = planned(
        Mount("/a", "tmpfs", "tmpfs", ("size=1m", "tmpcopyup")), Mount("/b", "tmpfs", "tmpfs", ("size=1m",))
    ).program
    assert (first.parameters, first.copy) == (("size=1m",), 1)
    assert (second.parameters, second.copy) == (("size=1m",), 0)


@pytest.mark.parametrize(
    "mount",
    [
        Mount("/a", "bind", "/src", ("bind", "tmpcopyup")),
        Mount("/a", "proc", "proc", ("tmpcopyup",)),
        Mount("/a", "tmpfs", "", ("remount", "tmpcopyup")),
    ],
    ids=lambda mount: f"{mount.type}-{mount.options[0]}",
)
def test_only_a_new_tmpfs_begins_with_a_copy(planned: Planner, mount: Mount) -> None:
    """Anywhere else the option has no meaning."""
    with pytest.raises(Unsupported, match=r"^\$\.mounts\[0\]\.options: tmpcopyup is for a new tmpfs only$"):
        planned(mount)


def test_mount_without_type_is_refused(planned: Planner) -> None:
    """The kernel needs one."""
    with pytest.raises(Unsupported, match=r"^\$\.mounts\[0\]\.type: is needed"):
        planned(Mount("/a"))


def test_bind_without_source_is_refused(planned: Planner) -> None:
    """It would bind the bundle."""
    with pytest.raises(Unsupported, match=r"^\$\.mounts\[0\]\.source: is needed"):
        planned(Mount("/a", "bind", "", ("bind",)))

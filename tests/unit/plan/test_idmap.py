"""The maps of a new user namespace: config-linux.md#user-namespace-mappings."""

from __future__ import annotations

import pytest

from krun.errors import SpecError
from krun.host.facts import HostFacts
from krun.plan.idmap import host_id, map_lines, plan_id_maps
from krun.spec.model import IdMapping, Linux, Namespace, Process, Spec, User

MAPS = (IdMapping(0, 100000, 1000), IdMapping(1000, 0, 1))


def with_maps(spec: Spec, uids: tuple[IdMapping, ...], gids: tuple[IdMapping, ...], path: str = "") -> Spec:
    """Return the specification with a user namespace and these maps."""
    linux: Linux = spec.linux.replace(
        namespaces=(*spec.linux.namespaces, Namespace("user", path)), uid_mappings=uids, gid_mappings=gids
    )
    changed: Spec = spec.replace(linux=linux)
    return changed


def test_lines_are_inside_outside_count() -> None:
    """user_namespaces(7): ID-inside-ns, ID-outside-ns, length."""
    assert map_lines(MAPS) == "0 100000 1000\n1000 0 1\n"


@pytest.mark.parametrize(("inside", "outside"), [(0, 100000), (999, 100999), (1000, 0), (1001, None)])
def test_host_id_is_found_in_its_range(inside: int, outside: int | None) -> None:
    """A range ends before `container_id + size`."""
    assert host_id(MAPS, inside) == outside


def test_no_user_namespace_has_no_maps(spec: Spec, facts: HostFacts) -> None:
    """There is nothing to write."""
    assert plan_id_maps(spec, facts) is None


def test_joined_user_namespace_has_its_maps_already(spec: Spec, facts: HostFacts) -> None:
    """They are written once only."""
    assert plan_id_maps(with_maps(spec, MAPS, MAPS, "/u"), facts) is None


def test_root_leaves_setgroups_alone(spec: Spec, facts: HostFacts) -> None:
    """With privilege, groups can be set in the namespace."""
    maps = plan_id_maps(with_maps(spec, MAPS, MAPS[:1]), facts)
    assert maps is not None
    assert (maps.uid_lines, maps.gid_lines, maps.setgroups_deny) == (
        "0 100000 1000\n1000 0 1\n",
        "0 100000 1000\n",
        False,
    )


def test_plain_user_gives_up_setgroups(spec: Spec, facts: HostFacts) -> None:
    """user_namespaces(7): an unprivileged gid map needs `deny` in /proc/PID/setgroups."""
    own = (MAPS[0].replace(host_id=1000, size=1),)
    maps = plan_id_maps(with_maps(spec, own, own), facts.replace(euid=1000))
    assert maps is not None
    assert (maps.setgroups_deny, maps.uid_helper, maps.gid_helper) == (True, False, False)


@pytest.mark.parametrize("ranges", [MAPS[:1], MAPS], ids=["one-range", "two-ranges"])
def test_plain_user_has_helpers_write_more_than_one_id(
    spec: Spec, facts: HostFacts, ranges: tuple[IdMapping, ...]
) -> None:
    """newuidmap and newgidmap, which know the subordinate ids and judge about setgroups themselves."""
    maps = plan_id_maps(with_maps(spec, ranges, ranges), facts.replace(euid=1000))
    assert maps is not None
    assert (maps.setgroups_deny, maps.uid_helper, maps.gid_helper) == (False, True, True)


def test_each_missing_map_is_named(spec: Spec, facts: HostFacts) -> None:
    """Both faults in one error, each with its path."""
    with pytest.raises(SpecError) as caught:
        plan_id_maps(with_maps(spec, (), ()), facts)
    assert [fault.path for fault in caught.value.faults] == ["$.linux.uidMappings", "$.linux.gidMappings"]


def test_root_of_the_container_must_be_mapped(spec: Spec, facts: HostFacts) -> None:
    """The container is built as uid 0 and gid 0."""
    with pytest.raises(SpecError, match=r"\$\.linux\.gidMappings: must map id 0"):
        plan_id_maps(with_maps(spec, MAPS, MAPS[1:]), facts)


def test_user_of_the_process_must_be_mapped(spec: Spec, process: Process, facts: HostFacts) -> None:
    """It could not be become."""
    with pytest.raises(SpecError, match=r"\$\.process\.user\.uid: 5000 is not mapped"):
        plan_id_maps(
            with_maps(spec.replace(process=process.replace(user=User(uid=5000, gid=0))), MAPS, MAPS), facts
        )


def test_no_more_ranges_than_the_kernel_takes(spec: Spec, facts: HostFacts) -> None:
    """user_namespaces(7): 340 lines since Linux 4.15."""
    many = tuple(IdMapping(n, n, 1) for n in range(341))
    with pytest.raises(SpecError, match="has 341 ranges, the kernel takes 340"):
        plan_id_maps(with_maps(spec, many, MAPS), facts)

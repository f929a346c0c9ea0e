"""Mounts whose ids are mapped: config.md#linux-mount-options, `idmap` and `ridmap`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from krun.errors import SpecError, Unsupported
from krun.plan import ops
from krun.plan.describe import describe
from krun.plan.idmapped import MOST
from krun.plan.model import Plan
from krun.plan.mount_options import (
    MOUNT_ATTR_NODEV,
    MOUNT_ATTR_RDONLY,
    MS_PRIVATE,
    MS_REC,
    MS_SHARED,
    MS_SLAVE,
)
from krun.spec.model import IdMapping, Mount, Namespace, Spec

Compile = Callable[..., Plan]
UIDS, GIDS = (IdMapping(0, 1000, 10),), (IdMapping(0, 2000, 20), IdMapping(20, 3000, 1))


def planned(spec: Spec, compile_spec: Compile, *mounts: Mount) -> tuple[ops.Op, ...]:
    """Return the operations about idmapped mounts, in their order."""
    program = compile_spec(spec.replace(mounts=mounts)).program
    return tuple(op for op in program if isinstance(op, ops.OpenIdmapped | ops.BindIdmapped | ops.SpawnInit))


def in_user_namespace(spec: Spec, path: str = "") -> Spec:
    """Return the specification with a user namespace, new or joined."""
    linux = spec.linux.replace(
        namespaces=(*spec.linux.namespaces, Namespace("user", path)),
        uid_mappings=() if path else (IdMapping(0, 100000, 65536),),
        gid_mappings=() if path else (IdMapping(0, 200000, 65536),),
    )
    return spec.replace(linux=linux)  # type: ignore[no-any-return]  # replace() returns its own type


@pytest.mark.parametrize(
    ("words", "recursive"), [(("rbind", "ridmap"), 1), (("rbind", "idmap"), 0), (("rbind",), 0)]
)
def test_mappings_of_the_mount_are_used(
    spec: Spec, compile_spec: Compile, words: tuple[str, ...], recursive: int
) -> None:
    """The runtime MUST use those; they alone are taken for `idmap`."""
    opened, _, bound = planned(spec, compile_spec, Mount("/d", "", "/s", words, UIDS, GIDS))
    assert opened == ops.OpenIdmapped(
        "/s", 1, recursive, MS_SLAVE | MS_REC, "0 1000 10\n", "0 2000 20\n20 3000 1\n", ""
    )
    assert bound == ops.BindIdmapped(0, "/s", "/d", 0, 0, 0, 0)


def test_own_mappings_precede_those_of_the_user_namespace(spec: Spec, compile_spec: Compile) -> None:
    """Also where the container has some."""
    mount = Mount("/d", "", "/s", ("bind", "idmap"), UIDS, UIDS)
    (opened, *_) = planned(in_user_namespace(spec), compile_spec, mount)
    assert isinstance(opened, ops.OpenIdmapped)
    assert opened.uid_map == "0 1000 10\n"


@pytest.mark.parametrize(
    ("path", "maps"),
    [("", ("0 100000 65536\n", "0 200000 65536\n", "")), ("/proc/7/ns/user", ("", "", "/proc/7/ns/user"))],
    ids=["new", "joined"],
)
def test_without_mappings_the_containers_user_namespace_is_meant(
    spec: Spec, compile_spec: Compile, path: str, maps: tuple[str, str, str]
) -> None:
    """Its maps, or the namespace itself where that is joined."""
    mount = Mount("/d", "", "/s", ("bind", "idmap"))
    (opened, *_) = planned(in_user_namespace(spec, path), compile_spec, mount)
    assert isinstance(opened, ops.OpenIdmapped)
    assert (opened.uid_map, opened.gid_map, opened.namespace) == maps


def test_without_mappings_and_user_namespace_it_is_an_error(spec: Spec, compile_spec: Compile) -> None:
    """An error MUST be returned."""
    with pytest.raises(SpecError, match=r"^\$\.mounts\[0\]\.options\[1\]: idmap needs uidMappings"):
        planned(spec, compile_spec, Mount("/d", "", "/s", ("bind", "idmap")))


def test_attributes_and_propagation_are_those_of_a_bind(spec: Spec, compile_spec: Compile) -> None:
    """What holds for every mount below follows."""
    mount = Mount("/d", "", "/s", ("bind", "idmap", "nodev", "rro", "rshared"), UIDS, UIDS)
    program = compile_spec(spec.replace(mounts=(mount,))).program
    bound = ops.BindIdmapped(0, "/s", "/d", MOUNT_ATTR_NODEV, 0, 0, MS_SHARED | MS_REC)
    assert program[program.index(bound) + 1] == ops.SetMount("/d", 1, MOUNT_ATTR_RDONLY, 0, 0)


def test_clone_is_no_peer_of_the_hosts_unless_all_mounts_are(spec: Spec, compile_spec: Compile) -> None:
    """As `rootfsPropagation` has the host's mounts."""
    mount = Mount("/d", "", "/s", ("bind",), UIDS, UIDS)
    for word, flags in (("private", MS_PRIVATE), ("rshared", MS_SHARED | MS_REC)):
        changed = spec.replace(linux=spec.linux.replace(rootfs_propagation=word))
        (opened, *_) = planned(changed, compile_spec, mount)
        assert isinstance(opened, ops.OpenIdmapped)
        assert opened.propagation == flags


def test_each_mount_has_its_number(spec: Spec, compile_spec: Compile) -> None:
    """In the order in which the stage opens them."""
    mounts = [Mount(f"/{i}", "", f"/s{i}", ("bind",), UIDS, UIDS) for i in range(3)]
    found = planned(spec, compile_spec, mounts[0], Mount("/x", "tmpfs"), *mounts[1:])
    assert [op.source for op in found if isinstance(op, ops.OpenIdmapped)] == ["/s0", "/s1", "/s2"]
    assert [(op.index, op.source) for op in found if isinstance(op, ops.BindIdmapped)] == [
        (0, "/s0"),
        (1, "/s1"),
        (2, "/s2"),
    ]


def test_mappings_may_be_written_into_the_option(spec: Spec, compile_spec: Compile) -> None:
    """crun's way."""
    mount = Mount("/d", "", "/s", ("bind", "ridmap=uids=0-1-10#10-11-5;gids=0-100-10"))
    (opened, *_) = planned(spec, compile_spec, mount)
    assert isinstance(opened, ops.OpenIdmapped)
    assert (opened.uid_map, opened.gid_map) == ("0 1 10\n10 11 5\n", "0 100 10\n")
    assert opened.map_recursive == 1


@pytest.mark.parametrize(
    "option", ["idmap=uids=0-1-2", "idmap=", "idmap=uids=0-1;gids=0-1-2", "idmap=uids=@0-1-2;gids=0-1-2"]
)
def test_what_is_no_mapping_is_refused(spec: Spec, compile_spec: Compile, option: str) -> None:
    """With the option's place."""
    with pytest.raises(Unsupported, match=r"^\$\.mounts\[0\]\.options\[1\]: must "):
        planned(spec, compile_spec, Mount("/d", "", "/s", ("bind", option)))


@pytest.mark.parametrize(
    "mount", [Mount("/d", "tmpfs", "t", ("idmap",)), Mount("/d", "", "/s", ("bind", "remount", "idmap"))]
)
def test_only_bind_mounts_are_mapped(spec: Spec, compile_spec: Compile, mount: Mount) -> None:
    """As with runc."""
    with pytest.raises(Unsupported, match="only bind mounts can have their ids mapped"):
        planned(in_user_namespace(spec), compile_spec, mount)


def test_there_is_a_limit(spec: Spec, compile_spec: Compile) -> None:
    """krun-init has room for so many."""
    mounts = [Mount(f"/{i}", "", "/s", ("bind",), UIDS, UIDS) for i in range(MOST + 1)]
    assert len(planned(spec, compile_spec, *mounts[:MOST])) == 2 * MOST + 1
    with pytest.raises(Unsupported, match=rf"^\$\.mounts\[{MOST}\]: "):
        planned(spec, compile_spec, *mounts)


def test_operations_in_words() -> None:
    """Maps, or whose they are."""
    opened = ops.OpenIdmapped("/s", 1, 1, 0, "0 1 2\n3 4 5\n", "0 1 2\n", "")
    assert describe(opened) == "map the ids of /s and all below it (uids 0 1 2, 3 4 5; gids 0 1 2)"
    assert describe(ops.OpenIdmapped("/s", 0, 0, 0, "", "", "/n")) == "map the ids of /s (as in /n)"
    assert describe(ops.BindIdmapped(0, "/s", "/d", 1, 0, 0, 0)) == "bind mapped /s on /d (ro)"

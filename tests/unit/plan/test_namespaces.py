"""Namespaces: config-linux.md#namespaces, and the order that the kernel asks for."""

from __future__ import annotations

import pytest

from krun.errors import Unsupported
from krun.plan import namespaces, ops
from krun.plan.namespaces import (
    CLONE_NEWCGROUP,
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWTIME,
    CLONE_NEWUSER,
)
from krun.spec.model import Linux, Namespace, TimeOffset


def stage(*types: str, **joined: str) -> list[ops.Op]:
    """Return the stage's operations for new namespaces by type and joined ones by `type=path`."""
    listed = [Namespace(type) for type in types] + [Namespace(type, path) for type, path in joined.items()]
    return namespaces.stage_operations(Linux(namespaces=tuple(listed)))


def test_a_namespace_without_path_is_made() -> None:
    """If path is not specified, the runtime MUST create a new container namespace."""
    assert stage("mount", "pid") == [ops.Unshare(flags=CLONE_NEWNS | CLONE_NEWPID)]


def test_a_namespace_with_path_is_joined() -> None:
    """The runtime MUST place the container process in the namespace associated with that path."""
    assert stage("mount", network="/n") == [
        ops.OpenNamespace(type=CLONE_NEWNET, path="/n"),
        ops.JoinNamespace(type=CLONE_NEWNET),
        ops.Unshare(flags=CLONE_NEWNS),
    ]


def test_all_are_opened_before_one_is_joined() -> None:
    """A joined mount namespace would hide the paths of the others."""
    kinds = [type(op) for op in stage(mount="/m", pid="/p", ipc="/i")]
    assert kinds == [ops.OpenNamespace] * 3 + [ops.JoinNamespace] * 3


def test_mount_namespace_is_joined_last() -> None:
    """It changes what paths mean."""
    assert stage(mount="/m", pid="/p", ipc="/i")[-1] == ops.JoinNamespace(type=CLONE_NEWNS)


def test_joined_user_namespace_comes_first() -> None:
    """Its capabilities are what the others, which it owns, are joined with."""
    joined = [op for op in stage("mount", pid="/p", user="/u") if not isinstance(op, ops.OpenNamespace)]
    assert joined[:3] == [
        ops.JoinNamespace(type=CLONE_NEWUSER),
        ops.BecomeRoot(),
        ops.JoinNamespace(type=CLONE_NEWPID),
    ]


def test_new_user_namespace_is_made_after_the_others_are_joined_and_before_the_others_are_made() -> None:
    """What is joined belongs to somebody else; what is made after it belongs to it."""
    assert stage("user", "mount", network="/n") == [
        ops.OpenNamespace(type=CLONE_NEWNET, path="/n"),
        ops.JoinNamespace(type=CLONE_NEWNET),
        ops.Unshare(flags=CLONE_NEWUSER),
        ops.MapIds(),
        ops.BecomeRoot(),
        ops.Unshare(flags=CLONE_NEWNS),
    ]


def test_cgroup_namespace_is_made_by_init() -> None:
    """Its root is the cgroup that its maker is in, which init enters after it was made."""
    linux = Linux(namespaces=(Namespace("mount"), Namespace("cgroup")))
    assert namespaces.stage_operations(linux) == [ops.Unshare(flags=CLONE_NEWNS)]
    assert namespaces.init_operations(linux) == [ops.Unshare(flags=CLONE_NEWCGROUP)]


def test_joined_cgroup_namespace_is_joined_by_the_stage() -> None:
    """Nothing has to be waited for."""
    linux = Linux(namespaces=(Namespace("mount"), Namespace("cgroup", "/c")))
    assert ops.JoinNamespace(type=CLONE_NEWCGROUP) in namespaces.stage_operations(linux)
    assert namespaces.init_operations(linux) == []


def test_time_offsets_are_written_after_the_namespace_is_made() -> None:
    """The kernel takes them until the first process has entered it: time_namespaces(7)."""
    linux = Linux(
        namespaces=(Namespace("mount"), Namespace("time")),
        time_offsets={"monotonic": TimeOffset(5, 7), "boottime": TimeOffset(-1, 0)},
    )
    assert namespaces.stage_operations(linux) == [
        ops.Unshare(flags=CLONE_NEWNS | CLONE_NEWTIME),
        ops.TimeOffsets(text="monotonic 5 7\nboottime -1 0\n"),
    ]


def test_without_a_mount_namespace_there_is_no_user_namespace() -> None:
    """Its root may not mount in the runtime's mount namespace."""
    with pytest.raises(Unsupported, match=r"^\$\.linux\.namespaces: a user namespace needs a mount"):
        stage("pid", "user")

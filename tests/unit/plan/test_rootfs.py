"""The root file system: config.md#root, config-linux.md#rootfs-mount-propagation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from krun.plan import ops
from krun.plan.model import Plan
from krun.plan.mount_options import (
    MOUNT_ATTR_RDONLY,
    MS_PRIVATE,
    MS_REC,
    MS_SHARED,
    MS_SLAVE,
    MS_UNBINDABLE,
)
from krun.spec.model import Linux, Mount, Namespace, Process, Root, Spec


def only(plan: Plan, kind: type) -> list[Any]:
    """Return the operations of that kind."""
    return [op for op in plan.program if isinstance(op, kind)]


@pytest.mark.parametrize(
    ("path", "absolute"), [("rootfs", "/bundle/rootfs"), ("/r/./x", "/r/x"), ("../r", "/r"), (".", "/bundle")]
)
def test_root_is_absolute_or_relative_to_the_bundle(
    spec: Spec, compile_spec: Callable[..., Plan], path: str, absolute: str
) -> None:
    """The path is either an absolute path or a relative path to the bundle."""
    plan = compile_spec(spec.replace(root=Root(path)))
    assert only(plan, ops.OpenRoot) == [ops.OpenRoot(source=absolute)]
    assert plan.rootfs == absolute


@pytest.mark.parametrize(
    ("configured", "host", "root"),
    [
        ("", MS_SLAVE | MS_REC, None),
        ("shared", MS_SHARED, MS_SHARED),
        ("rshared", MS_SHARED | MS_REC, MS_SHARED),
        ("slave", MS_SLAVE, MS_SLAVE),
        ("rslave", MS_SLAVE | MS_REC, MS_SLAVE),
        ("private", MS_PRIVATE, MS_PRIVATE),
        ("rprivate", MS_PRIVATE | MS_REC, MS_PRIVATE),
        ("unbindable", MS_PRIVATE | MS_REC, MS_UNBINDABLE),
        ("runbindable", MS_PRIVATE | MS_REC, MS_UNBINDABLE),
    ],
)
def test_propagation(
    spec: Spec, compile_spec: Callable[..., Plan], configured: str, host: int, root: int | None
) -> None:
    """The host's mounts first; the root's own mount after the change of root, other mounts have their own."""
    plan = compile_spec(spec.replace(linux=spec.linux.replace(rootfs_propagation=configured)))
    assert only(plan, ops.HostPropagation) == [ops.HostPropagation(flags=host)]
    assert only(plan, ops.RootPropagation) == ([] if root is None else [ops.RootPropagation(flags=root)])


@pytest.mark.parametrize(("no_pivot", "kind"), [(False, ops.PivotRoot), (True, ops.MoveRoot)])
def test_change_of_root(spec: Spec, compile_spec: Callable[..., Plan], no_pivot: bool, kind: type) -> None:
    """`--no-pivot` is for hosts on an initial ramdisk."""
    plan = compile_spec(spec, no_pivot=no_pivot)
    assert [type(op) for op in plan.program if isinstance(op, ops.PivotRoot | ops.MoveRoot)] == [kind]


@pytest.mark.parametrize(("cwd", "made"), [("/", []), ("/.", []), ("/a/b", ["/a/b"])])
def test_missing_working_directory_is_made(
    spec: Spec, process: Process, compile_spec: Callable[..., Plan], cwd: str, made: list[str]
) -> None:
    """As runc does, before the root becomes read-only."""
    plan = compile_spec(spec.replace(process=process.replace(cwd=cwd), root=Root("rootfs", readonly=True)))
    kinds = [type(op) for op in plan.program]
    assert [op.path for op in only(plan, ops.MakeDirectory)] == made
    if made:
        assert kinds.index(ops.PivotRoot) < kinds.index(ops.MakeDirectory) < kinds.index(ops.RootReadonly)


def test_read_only_comes_when_nothing_has_to_be_made_any_more(
    spec: Spec, compile_spec: Callable[..., Plan]
) -> None:
    """The root MUST be read-only inside the container; a read-only /dev still gets its devices."""
    mount = Mount("/dev", "tmpfs", "tmpfs", ("ro",))
    plan = compile_spec(spec.replace(root=Root("rootfs", readonly=True), mounts=(mount,)))
    kinds = [type(op) for op in plan.program]
    assert kinds.index(ops.MakeDevice) < kinds.index(ops.SetMount) < kinds.index(ops.RootReadonly)
    assert only(plan, ops.SetMount) == [
        ops.SetMount(destination="/dev", recursive=0, attr_set=MOUNT_ATTR_RDONLY, attr_clear=0, propagation=0)
    ]


def test_masked_paths_cover_what_was_written_before(spec: Spec, compile_spec: Callable[..., Plan]) -> None:
    """A sysctl below a read-only path is set first, and a mask lies on top."""
    linux = spec.linux.replace(
        sysctl={"kernel.domainname": "x"}, masked_paths=("/proc/kcore",), readonly_paths=("/proc/sys",)
    )
    plan = compile_spec(spec.replace(linux=linux))
    found = [op for op in plan.program if isinstance(op, ops.Sysctl | ops.MaskPath | ops.ReadonlyPath)]
    assert found == [
        ops.Sysctl(name="kernel.domainname", value="x"),
        ops.ReadonlyPath(path="/proc/sys"),
        ops.MaskPath(path="/proc/kcore"),
    ]


def test_without_a_mount_namespace_the_hosts_mounts_stay_as_they_are(
    spec: Spec, compile_spec: Callable[..., Plan]
) -> None:
    """The runtime's namespace is inherited: the root's own mount is all that is made and propagated there."""
    plan = compile_spec(spec.replace(linux=Linux(namespaces=(Namespace("pid"),))))
    kinds = {type(op) for op in plan.program}
    assert {ops.OpenSharedRoot, ops.ChangeRoot} <= kinds
    assert not {ops.HostPropagation, ops.OpenRoot, ops.PivotRoot, ops.MoveRoot} & kinds
    assert plan.shares_mounts
    assert not compile_spec(spec).shares_mounts

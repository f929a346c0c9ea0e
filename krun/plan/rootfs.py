"""The root file system: how it becomes the root of the container, and what protects it in the end.

Out of scope: what is mounted in it (`mounts`) and its device nodes (`devices`).
"""

from __future__ import annotations

from krun import os
from krun.plan import ops
from krun.plan.mount_options import (
    MOUNT_ATTR_RDONLY,
    MS_PRIVATE,
    MS_REC,
    MS_SLAVE,
    MS_UNBINDABLE,
    PROPAGATION,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.plan.model import Options
    from krun.plan.ops import Op
    from krun.spec.model import Linux, Spec


def root_path(spec: Spec, options: Options) -> str:
    """Return the absolute path of the root file system."""
    return os.path.normpath(os.path.join(options.bundle, spec.root.path))


def shares_mounts(spec: Spec) -> bool:
    """Tell whether the container inherits the runtime's mount namespace."""
    return spec.linux.namespace("mount") is None


def prepare_operations(spec: Spec, options: Options) -> list[Op]:
    """Return what comes before the mounts: the propagation of the host's mounts, and the root's own mount.

    Without a mount namespace the host's mounts stay as they are; the root's own is private, and what is
    mounted in it goes with it when the container is deleted.
    """
    if shares_mounts(spec):
        return [ops.OpenSharedRoot(source=root_path(spec, options))]
    return [
        ops.HostPropagation(flags=host_propagation(spec.linux)),
        ops.OpenRoot(source=root_path(spec, options)),
    ]


def host_propagation(linux: Linux) -> int:
    """Return the propagation of the host's mounts as the container has them, and of what is cloned of them.

    By default what the host mounts later is seen and nothing is given back (rslave).  A configured `shared`
    leaves the host's mounts peers, without which no bind mount could be.  An unbindable host tree could not
    hold the root's bind mount, so it is made private and the root itself unbindable in `enter_operations`.
    """
    flags = PROPAGATION.get(linux.rootfs_propagation, MS_SLAVE | MS_REC)
    return MS_PRIVATE | MS_REC if flags & MS_UNBINDABLE else flags


def enter_operations(spec: Spec, options: Options) -> list[Op]:
    """Return the change of root, and the working directory, which runc makes when it is missing.

    Only the root's own mount gets the configured propagation here: each of the others has its own.
    """
    program: list[Op] = [_change(spec, options)]
    propagation = PROPAGATION.get(spec.linux.rootfs_propagation)
    if propagation is not None:
        program.append(ops.RootPropagation(flags=propagation & ~MS_REC))
    if spec.process is not None and os.path.normpath(spec.process.cwd) != "/":
        program.append(ops.MakeDirectory(path=spec.process.cwd, mode=0o755))
    return program


def _change(spec: Spec, options: Options) -> Op:
    if shares_mounts(spec):
        return ops.ChangeRoot()
    return ops.MoveRoot() if options.no_pivot else ops.PivotRoot()


def protect_operations(spec: Spec, readonly_later: tuple[str, ...]) -> list[Op]:
    """Return what is closed once nothing has to be made any more: read-only mounts, and the root itself."""
    program: list[Op] = [
        ops.SetMount(destination=path, recursive=0, attr_set=MOUNT_ATTR_RDONLY, attr_clear=0, propagation=0)
        for path in readonly_later
    ]
    if spec.root.readonly:
        program.append(ops.RootReadonly())
    return program


def hide_operations(spec: Spec) -> list[Op]:
    """Return the read-only and the masked paths; last of all, because they cover what was written before."""
    return [
        *(ops.ReadonlyPath(path=path) for path in spec.linux.readonly_paths),
        *(ops.MaskPath(path=path) for path in spec.linux.masked_paths),
    ]

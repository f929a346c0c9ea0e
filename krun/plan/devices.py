"""Device nodes and links in /dev.

Where the runtime or the container is in a user namespace the kernel allows no nodes: the host's are bound.
Out of scope: which devices may be used (`cgroups`), and /dev/console, which comes with the terminal.
"""

from __future__ import annotations

import stat

from krun import os
from krun.plan import ops
from krun.plan.mounts import has_bound_dev

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from krun.host.facts import HostFacts
    from krun.plan.ops import Op
    from krun.spec.model import Device, Spec

# config-linux.md#default-devices: path -> numbers, all of them character devices for everybody.
DEFAULT_DEVICES: Mapping[str, tuple[int, int]] = {
    "/dev/null": (1, 3),
    "/dev/zero": (1, 5),
    "/dev/full": (1, 7),
    "/dev/random": (1, 8),
    "/dev/urandom": (1, 9),
    "/dev/tty": (5, 0),
}

# runtime-linux.md#dev-symbolic-links: path -> target.
DEFAULT_LINKS: Mapping[str, str] = {
    "/dev/fd": "/proc/self/fd",
    "/dev/stdin": "/proc/self/fd/0",
    "/dev/stdout": "/proc/self/fd/1",
    "/dev/stderr": "/proc/self/fd/2",
}

_PTMX = "/dev/ptmx"
_MODE = 0o666
_KINDS = {"c": stat.S_IFCHR, "u": stat.S_IFCHR, "b": stat.S_IFBLK, "p": stat.S_IFIFO}


def device_operations(spec: Spec, facts: HostFacts) -> list[Op]:
    """Return what fills /dev: default devices, configured ones, and links.

    Nothing where the configuration binds a /dev of its own, which is somebody else's.
    A configured device takes the place of a default one at the same path; /dev/ptmx is always a link.
    """
    if has_bound_dev(spec):
        return []
    bind = facts.in_user_namespace or spec.linux.namespace("user") is not None
    program = [_bound(path) if bind else node for path, node in _nodes(spec)]
    program.append(ops.MakeSymlink(target="pts/ptmx", path=_PTMX))
    program += [ops.MakeSymlink(target=target, path=path) for path, target in DEFAULT_LINKS.items()]
    if facts.kcore:
        program.append(ops.MakeSymlink(target="/proc/kcore", path="/dev/core"))
    return program


def _nodes(spec: Spec) -> Iterator[tuple[str, Op]]:
    configured = {os.path.normpath(device.path): device for device in spec.linux.devices}
    for path, (major, minor) in DEFAULT_DEVICES.items():
        if path not in configured:
            yield (
                path,
                ops.MakeDevice(
                    path=path, kind=stat.S_IFCHR, major=major, minor=minor, mode=_MODE, uid=0, gid=0
                ),
            )
    for path, device in configured.items():
        if path != _PTMX:
            yield path, _configured(path, device)


def _configured(path: str, device: Device) -> Op:
    mode = _MODE if device.file_mode is None else stat.S_IMODE(device.file_mode)
    return ops.MakeDevice(
        path=path,
        kind=_KINDS[device.type],
        major=device.major,
        minor=device.minor,
        mode=mode,
        uid=device.uid or 0,
        gid=device.gid or 0,
    )


def _bound(path: str) -> Op:
    return ops.BindDevice(source=path, path=path)

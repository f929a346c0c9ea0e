"""Device filters of cgroup v2: an eBPF program is attached to the container's cgroup.

The kernel keeps an attached program for as long as the cgroup exists, so nothing has to be held or pinned.
Out of scope: what the program says (`krun.plan.device_filter`).
"""

from __future__ import annotations

from krun import os
from krun.errors import Unsupported, symbol
from krun.sys import native

_PATH = "$.linux.resources.devices"


def set_device_filter(directory: str, program: bytes) -> None:
    """Load a program and make it the only device filter of the cgroup `directory`.

    The new one stands before the old ones go: at no moment is more allowed than one of the two allows.
    Raises Unsupported when the kernel refuses.
    """
    cgroup = -1
    loaded = -1
    try:
        cgroup = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        old = native.device_filters(cgroup)
        loaded = native.load_device_filter(program)
        native.attach_device_filter(cgroup, loaded)
        for number in old:
            native.detach_device_filter(cgroup, number)
    except OSError as error:
        raise Unsupported(_PATH, f"cannot attach a device filter to {directory}: {symbol(error)}") from None
    finally:
        for fd in (cgroup, loaded):
            if fd >= 0:
                os.close(fd)

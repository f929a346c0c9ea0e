"""The container's network namespace: what comes up in it, and which of the host's devices move there.

Out of scope: everything that a client or a hook does to it, which is nearly everything.
"""

from __future__ import annotations

from krun.plan import ops
from krun.plan.namespaces import has_new
from krun.types import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.plan.ops import Op
    from krun.spec.model import Linux


class NetDevice(Record):
    """A network device of the host that the runtime moves into the container's namespace."""

    name: str
    """Its name on the host."""
    new_name: str
    """Its name in the container; with `%d` a template for the kernel."""


def network_operations(linux: Linux) -> list[Op]:
    """Return what makes a *new* network namespace usable: its loopback interface comes up.

    A joined one is left as it is.
    """
    return [ops.LoopbackUp()] if has_new(linux, "network") else []


def plan_net_devices(linux: Linux) -> tuple[NetDevice, ...]:
    """Return the devices to move, in their order."""
    return tuple(NetDevice(name, device.name or name) for name, device in linux.net_devices.items())

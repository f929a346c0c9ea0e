"""The container's network namespace from the inside.

Out of scope: everything that a client or a hook does to it, which is nearly everything.
"""

from __future__ import annotations

from krun.errors import Unsupported
from krun.plan import ops
from krun.plan.namespaces import has_new

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.plan.ops import Op
    from krun.spec.model import Linux


def network_operations(linux: Linux) -> list[Op]:
    """Return what makes a *new* network namespace usable: its loopback interface comes up.

    A joined one is left as it is.  Raises Unsupported for `netDevices`.
    """
    if linux.net_devices:
        name = next(iter(linux.net_devices))
        raise Unsupported(
            f"$.linux.netDevices.{name}", "moving network devices is not supported by this version"
        )
    return [ops.LoopbackUp()] if has_new(linux, "network") else []

"""Intel RDT: the class of service and the monitoring group of a container, in the host's resctrl file system.

Out of scope: which resources the processor has, which the kernel knows, and carrying this out
(`krun.execute.rdt`).  Source: runtime-spec config-linux.md#intelrdt.
"""

from __future__ import annotations

from krun.errors import Fault, SpecError, Unsupported
from krun.types import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.host.facts import HostFacts
    from krun.plan.model import Options
    from krun.spec.model import Linux

_RESERVED = ("info", "mon_data", "mon_groups")  # the kernel's own directories


class RdtPlan(Record):
    """What is made of the resctrl file system before init goes on."""

    directory: str
    """Absolute path of the class of service; the root of the file system is the default class."""
    is_own: bool
    """Whether the class is named after the container: then it is removed with it, if krun has made it."""
    must_exist: bool
    """Whether a class that is not there is an error; otherwise it is made."""
    compared: tuple[str, ...]
    """Schemata that an existing class of a given name must have already."""
    schemata: tuple[str, ...]
    """The lines to write, in their order."""
    monitoring_group: str
    """Absolute path of the container's monitoring group; empty for none."""


def plan_rdt(linux: Linux, facts: HostFacts, options: Options) -> RdtPlan | None:
    """Return the plan, None without `intelRdt`.

    Raises Unsupported without a resctrl file system, SpecError for a class with a name of the kernel's.
    """
    rdt = linux.intel_rdt
    if rdt is None:
        return None
    if facts.resctrl == "":
        raise Unsupported("$.linux.intelRdt", "no resctrl file system is mounted on this host")
    if rdt.clos_id in _RESERVED:
        raise SpecError((Fault("$.linux.intelRdt.closID", f"must not be {rdt.clos_id!r}"),))
    cache_and_bandwidth = tuple(
        line for text in (rdt.l3_cache_schema, rdt.mem_bw_schema) for line in text.splitlines()
    )
    schemata = cache_and_bandwidth + rdt.schemata
    is_root = rdt.clos_id == "/"
    directory = facts.resctrl if is_root else f"{facts.resctrl}/{rdt.clos_id or options.id}"
    return RdtPlan(
        directory=directory,
        is_own=rdt.clos_id == "",
        must_exist=is_root or (rdt.clos_id != "" and not schemata),
        compared=cache_and_bandwidth if rdt.clos_id else (),
        schemata=schemata,
        monitoring_group=f"{directory}/mon_groups/{options.id}" if rdt.enable_monitoring else "",
    )

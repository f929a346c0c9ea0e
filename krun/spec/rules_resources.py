"""Rules about `linux.resources`, each taking that object.  See `krun.spec.rules`.

Zero means "leave as it is" in what dockerd writes, so no rule complains about a zero.

Out of scope: which controllers the host has.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from krun.spec.faults import Finding


def swap_includes_memory(resources: dict[str, Any]) -> Iterator[Finding]:
    """`memory.swap` limits memory and swap together, so it is at least `memory.limit`."""
    memory = resources.get("memory", {})
    limit, swap = memory.get("limit", 0), memory.get("swap", 0)
    if swap > 0 and (limit == -1 or swap < limit):
        shown = "unlimited" if limit == -1 else limit
        yield ("memory", "swap"), f"counts memory as well: must be at least limit, {shown}, got {swap}"


def burst_is_within_quota(resources: dict[str, Any]) -> Iterator[Finding]:
    """`cpu.burst` MUST be no larger than any positive `cpu.quota` (config-linux.md#cpu)."""
    cpu = resources.get("cpu", {})
    burst, quota = cpu.get("burst", 0), cpu.get("quota", 0)
    if 0 < quota < burst:
        yield ("cpu", "burst"), f"must not exceed quota, {quota}, got {burst}"


def weights_are_in_range(resources: dict[str, Any]) -> Iterator[Finding]:
    """A weight is 10 to 1000, or 0 for "leave" (the kernel's blkio-controller documentation)."""
    block_io = resources.get("blockIO", {})
    for name in ("weight", "leafWeight"):
        yield from _weight(block_io, ("blockIO",), name)
        for index, device in enumerate(block_io.get("weightDevice", ())):
            yield from _weight(device, ("blockIO", "weightDevice", index), name)


def _weight(holder: dict[str, Any], place: tuple[str | int, ...], name: str) -> Iterator[Finding]:
    weight = holder.get(name, 0)
    if weight != 0 and not 10 <= weight <= 1000:
        yield (*place, name), f"must be 10 to 1000, got {weight}"


def weight_devices_have_a_weight(resources: dict[str, Any]) -> Iterator[Finding]:
    """You MUST specify at least one of `weight` or `leafWeight` in a given entry."""
    for index, device in enumerate(resources.get("blockIO", {}).get("weightDevice", ())):
        if "weight" not in device and "leafWeight" not in device:
            yield ("blockIO", "weightDevice", index), "needs weight or leafWeight"


def rdma_devices_have_a_limit(resources: dict[str, Any]) -> Iterator[Finding]:
    """You MUST specify at least one of the `hcaHandles` or `hcaObjects` in a given entry."""
    for name, device in resources.get("rdma", {}).items():
        if "hcaHandles" not in device and "hcaObjects" not in device:
            yield ("rdma", name), "needs hcaHandles or hcaObjects"

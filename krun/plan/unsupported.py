"""What the specification has and krun has not: refused by name, never ignored.

`vm` asks for a virtual machine of the configuration's own choosing: its kernel, its image, its hypervisor.
krun's machine has no kernel, and its monitor is chosen by the host's administrator alone, so that such a
configuration asks for something else than it would get (specs/decisions/0013-vm-section.md).

Out of scope: refusals that need more than a look at one property; they stand beside what they concern
(`idmapped`, `labels`, `seccomp`, `monitors`).
"""

from __future__ import annotations

from krun.errors import Fault, SpecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from krun.spec.model import Spec, Vm


def check_supported(spec: Spec) -> None:
    """Raise SpecError for every property that cannot be applied."""
    faults = list(_vm_faults(spec.vm)) if spec.vm is not None else []
    if faults:
        raise SpecError(faults)


def _vm_faults(vm: Vm) -> Iterator[Fault]:
    if vm.hypervisor is not None:
        yield Fault("$.vm.hypervisor", "the monitor is chosen by the host, not by a configuration")
    yield Fault("$.vm.kernel", "krun's virtual machine has no kernel to boot")
    if vm.image is not None:
        yield Fault("$.vm.image", "krun's virtual machine has no root file system but the container's")
    for name, hardware in (("hwConfig", vm.hw_config), ("hwconfig", vm.hwconfig)):
        if hardware is not None:
            yield Fault(f"$.vm.{name}", "the machine has the host's processors and the cgroup's memory")

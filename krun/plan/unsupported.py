"""What the specification has and this version has not: refused by name, never ignored.

Out of scope: refusals that need more than a look at one property; they stand beside what they concern
(`mount_options`, `seccomp`, `network`, `monitors`).
"""

from __future__ import annotations

from krun.errors import Unsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from krun.spec.model import Spec


def check_supported(spec: Spec) -> None:
    """Raise Unsupported for the first property that cannot be applied."""
    for path, message in _refusals(spec):
        raise Unsupported(path, message)


def _refusals(spec: Spec) -> Iterator[tuple[str, str]]:
    linux = spec.linux
    if linux.intel_rdt is not None:
        yield "$.linux.intelRdt", "Intel RDT is not supported by this version"
    if spec.vm is not None:
        yield "$.vm", "krun's virtual machine has no kernel, image or hypervisor to choose"

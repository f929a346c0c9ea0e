"""What the specification has and this version has not: refused by name, never ignored.

Out of scope: refusals that need more than a look at one property; they stand beside what they concern
(`mount_options`, `seccomp`, `network`, `monitors`).
"""

from __future__ import annotations

from krun.errors import Unsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from krun.host.facts import HostFacts
    from krun.spec.model import Process, Spec


def check_supported(spec: Spec, facts: HostFacts) -> None:
    """Raise Unsupported for the first property that cannot be applied."""
    for path, message in _refusals(spec, facts):
        raise Unsupported(path, message)


def check_process(process: Process, facts: HostFacts) -> None:
    """Raise Unsupported for what cannot be had by a process that joins a running container."""
    for path, message in _process_refusals(process, facts):
        raise Unsupported(path, message)
    if process.exec_cpu_affinity is not None:
        raise Unsupported("$.process.execCPUAffinity", "CPU affinities are not supported by this version")


def _refusals(spec: Spec, facts: HostFacts) -> Iterator[tuple[str, str]]:
    linux = spec.linux
    if spec.process is not None:
        yield from _process_refusals(spec.process, facts)
    if linux.mount_label:
        yield "$.linux.mountLabel", "SELinux labels are not supported by this version"
    if linux.intel_rdt is not None:
        yield "$.linux.intelRdt", "Intel RDT is not supported by this version"
    if linux.memory_policy is not None:
        yield "$.linux.memoryPolicy", "memory policies are not supported by this version"
    personality = linux.personality
    if personality is not None and (personality.domain != "LINUX" or personality.flags):
        yield "$.linux.personality", "only the domain LINUX without flags is supported by this version"
    if spec.vm is not None:
        yield "$.vm", "krun's virtual machine has no kernel, image or hypervisor to choose"


def _process_refusals(process: Process, facts: HostFacts) -> Iterator[tuple[str, str]]:
    """`execCPUAffinity` is not among them: it does not concern a container's init."""
    if process.apparmor_profile not in ("", "unconfined"):
        yield "$.process.apparmorProfile", "AppArmor profiles are not supported by this version"
    elif process.apparmor_profile and facts.apparmor:
        yield (
            "$.process.apparmorProfile",
            "AppArmor is enabled, and krun cannot change profiles in this version",
        )
    if process.selinux_label:
        yield "$.process.selinuxLabel", "SELinux labels are not supported by this version"
    if process.scheduler is not None:
        yield "$.process.scheduler", "scheduling policies are not supported by this version"
    if process.io_priority is not None:
        yield "$.process.ioPriority", "I/O priorities are not supported by this version"

"""Compile a specification into a plan.  Pure: the same input gives the same plan on every machine.

The order of the operations is told here, and nowhere else:

    stage   what only the host's root may set and init inherits, mounts with mapped ids, namespaces, init
    init    session, procfs, loopback, propagation and root
            mounts, devices, hooks of the runtime, createContainer hooks
            change of root, terminal, read-only mounts and root, names, sysctl, read-only and masked paths
            descriptors, directory, limits, seccomp, user, capabilities, no_new_privs
            program, barrier, exec

Out of scope: everything that a module beside this one is about.
"""

from __future__ import annotations

from krun.errors import UsageError
from krun.plan import ops
from krun.plan.cgroups import plan_cgroup
from krun.plan.credentials import inherited_operations, plan_capabilities
from krun.plan.devices import device_operations
from krun.plan.hooks import container_hook_operations, runtime_hook_operations
from krun.plan.idmap import plan_id_maps
from krun.plan.labels import mount_label_warnings
from krun.plan.model import Plan
from krun.plan.monitors import check_monitor
from krun.plan.mounts import plan_mounts
from krun.plan.namespaces import init_operations, stage_operations
from krun.plan.network import network_operations, plan_net_devices
from krun.plan.payload import payload_operations
from krun.plan.rdt import plan_rdt
from krun.plan.rootfs import (
    enter_operations,
    hide_operations,
    prepare_operations,
    protect_operations,
    root_path,
    shares_mounts,
)
from krun.plan.seccomp import check_seccomp, listener_path, lost_flags
from krun.plan.unsupported import check_supported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.host.facts import HostFacts
    from krun.plan.model import Options
    from krun.plan.mounts import Mounted
    from krun.plan.ops import Op
    from krun.spec.model import Seccomp, Spec


def build_plan(spec: Spec, facts: HostFacts, options: Options) -> Plan:
    """Compile.  Raises SpecError, Unsupported among them, HostError, and UsageError for the options."""
    check_supported(spec)
    check_monitor(options)
    terminal = spec.process is not None and spec.process.terminal
    if terminal and not options.console_socket:
        raise UsageError(
            "a console socket is needed: the configuration asks for a terminal (--console-socket)"
        )
    if options.console_socket and not terminal:
        raise UsageError("a console socket is given, but the configuration asks for no terminal")
    profile = check_seccomp(spec.linux, facts, options)
    cgroup = plan_cgroup(spec, facts, options)
    mounted = plan_mounts(spec, facts, options, cgroup)
    process_program, warnings = _process_operations(spec, facts, options, profile)
    return Plan(
        program=(
            *_stage_operations(spec, mounted),
            *_container_operations(spec, facts, options, mounted),
            *process_program,
        ),
        id_maps=plan_id_maps(spec, facts),
        cgroup=cgroup,
        rdt=plan_rdt(spec.linux, facts, options),
        net_devices=plan_net_devices(spec.linux),
        hooks=spec.hooks,
        terminal=terminal,
        needs_kvm=options.monitor == "builtin" and spec.process is not None,
        listener=listener_path(profile),
        rootfs=root_path(spec, options),
        shares_mounts=shares_mounts(spec),
        warnings=(
            *mount_label_warnings(spec.linux.mount_label, facts),
            *mounted.warnings,
            *warnings,
            *(lost_flags(profile, options.monitor) if profile else ()),
        ),
    )


def _stage_operations(spec: Spec, mounted: Mounted) -> list[Op]:
    inherited = inherited_operations(spec.process, spec.linux) if spec.process is not None else []
    return [*inherited, *mounted.opened, *stage_operations(spec.linux), ops.SpawnInit()]


def _container_operations(spec: Spec, facts: HostFacts, options: Options, mounted: Mounted) -> list[Op]:
    program: list[Op] = [*init_operations(spec.linux), ops.NewSession()]
    if not options.no_new_keyring:
        program.append(ops.SessionKeyring(name=f"_ses.{options.id}"))
    program += [
        ops.OpenProc(),
        *network_operations(spec.linux),
        *prepare_operations(spec, options),
        *mounted.program,
        *device_operations(spec, facts),
        *runtime_hook_operations(spec),
        *container_hook_operations(spec, options, "createContainer", "creating"),
        *enter_operations(spec, options),
        *_terminal_operations(spec),
        *protect_operations(spec, mounted.readonly_later),
    ]
    if spec.hostname:
        program.append(ops.Hostname(name=spec.hostname))
    if spec.domainname:
        program.append(ops.Domainname(name=spec.domainname))
    program += [ops.Sysctl(name=name, value=value) for name, value in spec.linux.sysctl.items()]
    return program + hide_operations(spec)


def _terminal_operations(spec: Spec) -> list[Op]:
    process = spec.process
    if process is None or not process.terminal:
        return []
    size = process.console_size
    return [
        ops.Terminal(rows=0, columns=0)
        if size is None
        else ops.Terminal(rows=size.height, columns=size.width)
    ]


def _process_operations(
    spec: Spec, facts: HostFacts, options: Options, profile: Seccomp | None
) -> tuple[list[Op], tuple[str, ...]]:
    """Return the way to the payload; a container without a process waits at the barrier for its deletion."""
    process = spec.process
    if process is None:
        return [ops.ContainDescriptors(preserved=0), ops.Barrier()], ()
    sets, warnings = plan_capabilities(process, spec.linux, facts)
    return payload_operations(spec, options, process, sets, profile, facts), warnings

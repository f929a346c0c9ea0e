"""Compile a process that joins a running container.  Pure, as `build` is.

For krun-init it is a container that makes nothing and joins everything: the namespaces are those of the
container's init, the root comes with the mount namespace, and the payload gets a VM of its own.  The process
starts at once: its barrier has no `start` to wait for (specs/barrier.md).

Out of scope: which process it is to be (`exec_process`), finding the namespaces (`krun.host.namespaces`),
and the cgroup, which the runtime puts the process into before it goes on.
"""

from __future__ import annotations

from krun.errors import HostError, UsageError
from krun.plan import ops
from krun.plan.credentials import inherited_operations, plan_capabilities
from krun.plan.monitors import check_monitor
from krun.plan.namespaces import FLAGS
from krun.plan.payload import payload_operations
from krun.plan.scheduling import initial_cpus
from krun.plan.seccomp import check_seccomp, listener_path
from krun.spec.model import Namespace, Root, Spec
from krun.types import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from krun.host.facts import HostFacts
    from krun.host.namespaces import JoinableNamespace
    from krun.plan.model import Options
    from krun.plan.ops import Op
    from krun.spec.model import Linux, Process


class ExecPlan(Record):
    """Everything that `exec` will do but for entering the cgroup."""

    program: tuple[Op, ...]
    """The program of krun-init."""
    terminal: bool
    """Whether the program sends a terminal's master over the console socket."""
    needs_kvm: bool
    """Whether the monitor is a VM, and so wants /dev/kvm."""
    listener: str
    """The socket that the seccomp listener is sent to; empty for none."""
    initial_cpus: tuple[int, ...]
    """The CPUs that the runtime runs on while it makes the process; empty leaves it where it is."""
    warnings: tuple[str, ...]
    """What was asked for and cannot be had, and yet is no error."""


def build_exec_plan(
    process: Process,
    container: Linux,
    namespaces: tuple[JoinableNamespace, ...],
    facts: HostFacts,
    options: Options,
    annotations: Mapping[str, str],
) -> ExecPlan:
    """Compile.

    container: what of the container's `linux` its processes share: seccomp, memoryPolicy, personality.
    namespaces: those of its init that differ from the runtime's.
    annotations: the container's, for the state that goes with a seccomp listener.
    Raises Unsupported, HostError, and UsageError for a terminal without a console socket or the reverse.
    """
    if process.terminal and not options.console_socket:
        raise UsageError("a console socket is needed: the process asks for a terminal (--console-socket)")
    if options.console_socket and not process.terminal:
        raise UsageError("a console socket is given, but the process asks for no terminal")
    linux = container.replace(namespaces=tuple(Namespace(n.type, n.path) for n in namespaces))
    spec = Spec(
        oci_version=options.oci_version, root=Root("/"), process=process, linux=linux, annotations=annotations
    )
    check_monitor(options)
    profile = check_seccomp(linux, facts, options)
    sets, warnings = plan_capabilities(process, linux, facts)
    program: list[Op] = [
        *inherited_operations(process, linux),
        *_join_operations(namespaces),
        ops.SpawnInit(),
        ops.NewSession(),
    ]
    if not options.no_new_keyring:
        program.append(ops.SessionKeyring(name=f"_ses.{options.id}"))
    program += [ops.OpenProc(), ops.JoinRoot()]
    if process.terminal:
        size = process.console_size
        rows, columns = (0, 0) if size is None else (size.height, size.width)
        program.append(ops.Terminal(rows=rows, columns=columns, console=0))
    program += payload_operations(spec, options, process, sets, profile, facts, joins=True)
    return ExecPlan(
        program=tuple(program),
        terminal=process.terminal,
        needs_kvm=options.monitor == "builtin",
        listener=listener_path(profile),
        initial_cpus=initial_cpus(process),
        warnings=warnings,
    )


def _join_operations(namespaces: tuple[JoinableNamespace, ...]) -> list[Op]:
    """Return the opening of all namespaces, then their joining.

    Those that do not belong to the container's user namespace come before it: its root may not join them.
    The others come after it, because the runtime may be a user who may join them only as that root.
    """
    path_of = {namespace.type: namespace.path for namespace in namespaces}
    if "mount" not in path_of:
        raise HostError("the container cannot be joined", "it is in the mount namespace of the runtime")
    has_user = "user" in path_of
    foreign = {n.type for n in namespaces if has_user and not n.is_owned and n.type != "mount"}
    order = [
        *(name for name in FLAGS if name in foreign),
        *(name for name in FLAGS if name in path_of and name not in foreign),
    ]
    program: list[Op] = [ops.OpenNamespace(type=FLAGS[name], path=path_of[name]) for name in order]
    for name in order:
        program.append(ops.JoinNamespace(type=FLAGS[name]))
        if name == "user":
            program.append(ops.BecomeRoot())
    return program

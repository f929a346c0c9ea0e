"""The payload: its environment, how its program is found, and the way to its first instruction.

Out of scope: who the process is (`credentials`) and what runs it (`monitors`).
"""

from __future__ import annotations

from krun.plan import ops
from krun.plan.credentials import limit_operations, user_operations
from krun.plan.labels import label_operations
from krun.plan.monitors import run_operations
from krun.plan.notify import NAME, notify_entry
from krun.plan.scheduling import affinity_operations, scheduling_operations
from krun.plan.seccomp import monitor_operations, seccomp_operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.host.facts import HostFacts
    from krun.plan.credentials import CapabilitySets
    from krun.plan.model import Options
    from krun.plan.ops import Op
    from krun.spec.model import Process, Seccomp, Spec

_DEFAULT_SEARCH_PATH = ("/bin", "/usr/bin")  # what execvp(3) takes without PATH


def payload_operations(
    spec: Spec,
    options: Options,
    process: Process,
    sets: CapabilitySets,
    profile: Seccomp | None,
    facts: HostFacts,
    *,
    joins: bool = False,
) -> list[Op]:
    """Return everything from the finished root file system to the exec.

    joins: whether the container is there already.  Only its init has a missing working directory made, and
    only other processes have CPUs of their own.

    The working directory and the descriptors come first, as the container's root and free of any filter.
    A filter can be loaded in two ways: with CAP_SYS_ADMIN, and so before the capabilities go, or with
    no_new_privs, and then as late as can be (`monitors`), so that it meets few calls of krun's own.
    """
    early = profile is not None and options.monitor == "none" and not process.no_new_privileges
    so_far = "running" if joins else "creating"
    program: list[Op] = [
        ops.ContainDescriptors(preserved=options.listen_fds + options.preserve_fds),
        ops.ChangeDirectory(path=process.cwd, create=int(not joins)),
        *limit_operations(process),
        *scheduling_operations(process, spec.linux, options.monitor),
        *(affinity_operations(process) if joins else ()),
        *label_operations(process, facts),
    ]
    if early and profile is not None:
        program.append(seccomp_operation(profile, spec, options, so_far))
    program += monitor_operations(profile, spec, options, so_far)
    program += user_operations(process, sets)
    if process.no_new_privileges:
        program.append(ops.NoNewPrivileges())
    env = environment(process, options)
    if options.listen_fds > 0:
        program.append(ops.ListenPid())
    program.append(ops.FindProgram(name=process.args[0], search_path=search_path(env)))
    status = "running" if joins else "created"
    return program + run_operations(spec, options, process.args, env, None if early else profile, status)


def environment(process: Process, options: Options) -> tuple[str, ...]:
    """Return the payload's environment: of a name that is there twice the last value.

    HOME is added where it is missing or empty, as runc does; NOTIFY_SOCKET (sd_notify(3)); LISTEN_FDS for
    sockets that the caller hands over (sd_listen_fds(3)), to which krun-init adds LISTEN_PID.
    """
    values: dict[str, str] = {}
    for entry in process.env:
        name, _, _ = entry.partition("=")
        values[name] = entry
    if lacks_home(process):
        values["HOME"] = f"HOME={options.home}"
    if notify := notify_entry(options):
        values[NAME] = notify
    if options.listen_fds > 0:
        for name in ("LISTEN_PID", "LISTEN_FDNAMES"):
            values.pop(name, None)
        values["LISTEN_FDS"] = f"LISTEN_FDS={options.listen_fds}"
        if options.listen_names:
            values["LISTEN_FDNAMES"] = f"LISTEN_FDNAMES={options.listen_names}"
    return tuple(values.values())


def lacks_home(process: Process) -> bool:
    """Tell whether the user's home directory is wanted, because the environment has none."""
    homes = [entry for entry in process.env if entry.startswith("HOME=")]
    return not homes or homes[-1] == "HOME="


def search_path(env: tuple[str, ...]) -> tuple[str, ...]:
    """Return the directories of PATH; an empty entry is the working directory, as execvp(3) has it."""
    for entry in env:
        if entry.startswith("PATH="):
            return tuple(directory or "." for directory in entry[len("PATH=") :].split(":"))
    return _DEFAULT_SEARCH_PATH

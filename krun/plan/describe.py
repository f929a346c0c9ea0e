"""An operation in words, which is also what errors call it: `op 17: mount proc on /proc: EPERM`.

Out of scope: whole plans (`explain`).
"""

from __future__ import annotations

import stat

from krun.plan import ops
from krun.plan.credentials import CAPABILITIES, RLIMITS
from krun.plan.mount_options import ATTRIBUTES, MOUNT_ATTR__ATIME, PROPAGATION
from krun.plan.namespaces import FLAGS
from krun.plan.scheduling import (
    DOMAINS,
    IO_CLASSES,
    MEMORY_FLAGS,
    MEMORY_MODES,
    POLICIES,
    SCHEDULER_FLAGS,
)
from krun.types import assert_never

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from krun.plan.ops import Op

UNLIMITED = (1 << 64) - 1


def describe(op: Op) -> str:  # noqa: RET503 - the match is exhaustive, as assert_never says
    """Say in one line what an operation does: `mount proc on /proc (nosuid,nodev,noexec)`."""
    match op:
        case ops.OpenNamespace():
            return f"open the {_namespaces(op.type)} namespace {op.path}"
        case ops.JoinNamespace():
            return f"join the {_namespaces(op.type)} namespace"
        case ops.Unshare():
            return f"make namespaces: {_namespaces(op.flags)}"
        case ops.TimeOffsets():
            return f"set clock offsets: {', '.join(op.text.splitlines())}"
        case ops.SessionKeyring():
            return f"join the session keyring {op.name}"
        case ops.HostPropagation():
            return f"make the host's mounts {_propagation(op.flags)}"
        case ops.OpenRoot():
            return f"open the root file system {op.source}"
        case ops.OpenSharedRoot():
            return f"open the root file system {op.source}, in the runtime's mount namespace"
        case ops.RunHooks():
            return f"ask the runtime to run the {op.point} hooks"
        case ops.Hook():
            where = " in a VM" if op.monitor else ""
            return f"run the hook {op.point}[{op.index}] {' '.join(op.args)}{where}"
        case ops.Terminal():
            return "make the terminal" + (f" of {op.rows} x {op.columns}" if op.rows and op.columns else "")
        case ops.RootPropagation():
            return f"make the root mount {_propagation(op.flags)}"
        case ops.Hostname():
            return f"set the host name {op.name}"
        case ops.Domainname():
            return f"set the domain name {op.name}"
        case ops.Sysctl():
            return f"set {op.name} = {op.value}"
        case ops.Mount():
            attributes = _attributes(op.attr_set, op.attr_clear)
            parameters = [word for word in op.parameters if word not in attributes]
            words = [*parameters, *attributes, *_propagation_words(op.propagation)]
            words += ["with a copy of what it covers"] if op.copy else []
            return f"mount {op.fstype} on {op.destination}{_in_brackets(words)}"
        case ops.Bind():
            verb = "rbind" if op.recursive else "bind"
            return f"{verb} {op.source} on {op.destination}{_in_brackets(_bind_words(op))}"
        case ops.BindIdmapped():
            return f"bind mapped {op.source} on {op.destination}{_in_brackets(_bind_words(op))}"
        case ops.OpenIdmapped():
            lines = op.uid_map.splitlines()
            maps = [f"uids {', '.join(lines)}", f"gids {', '.join(op.gid_map.splitlines())}"]
            how = "; ".join(maps) if not op.namespace else f"as in {op.namespace}"
            below = " and all below it" if op.map_recursive else ""
            return f"map the ids of {op.source}{below} ({how})"
        case ops.SetMount():
            words = [*_attributes(op.attr_set, op.attr_clear), *_propagation_words(op.propagation)]
            below = " and all below it" if op.recursive else ""
            return f"set the mount {op.destination}{below}: {', '.join(words)}"
        case ops.MakeDirectory():
            return f"make the directory {op.path} mode {op.mode:04o}"
        case ops.MakeSymlink():
            return f"make the link {op.path} -> {op.target}"
        case ops.MakeDevice():
            kind = {stat.S_IFCHR: "character", stat.S_IFBLK: "block"}.get(op.kind)
            what = f"the {kind} device {op.path} {op.major}:{op.minor}" if kind else f"the pipe {op.path}"
            return f"make {what} mode {op.mode:04o} owner {op.uid}:{op.gid}"
        case ops.BindDevice():
            return f"bind the device {op.source} on {op.path}"
        case ops.MaskPath():
            return f"mask {op.path}"
        case ops.ReadonlyPath():
            return f"make {op.path} read-only"
        case ops.OomScoreAdj():
            return f"set oom_score_adj {op.value}"
        case ops.Rlimit():
            return f"set {_name(RLIMITS, op.resource)} soft {_limit(op.soft)} hard {_limit(op.hard)}"
        case ops.Umask():
            return f"set umask {op.mask:04o}"
        case ops.BoundCapabilities():
            return f"bound capabilities to {_capabilities(op.bounding)}"
        case ops.User():
            ids = [
                str(int.from_bytes(op.groups[at : at + 4], "little")) for at in range(0, len(op.groups), 4)
            ]
            return f"become uid {op.uid} gid {op.gid}" + (f" groups {','.join(ids)}" if ids else "")
        case ops.Capabilities():
            sets = (
                ("effective", op.effective),
                ("permitted", op.permitted),
                ("inheritable", op.inheritable),
                ("ambient", op.ambient),
            )
            return "set capabilities: " + ", ".join(f"{name} {_capabilities(mask)}" for name, mask in sets)
        case ops.Seccomp():
            return f"load the seccomp profile, default {op.filter.default_action}"
        case ops.SeccompMonitor():
            return "have the monitor ask about single calls, and send the listener away"
        case ops.SeccompNotify():
            return f"load the seccomp profile, default {op.filter.default_action}, and send its listener away"
        case ops.ChangeDirectory():
            return f"change the working directory to {op.path}"
        case ops.ContainDescriptors():
            return f"let descriptors 0 to {2 + op.preserved} through"
        case ops.Scheduler():
            return _scheduler(op)
        case ops.IoPriority():
            return f"set the I/O priority {_name(IO_CLASSES, op.kind)} {op.level}"
        case ops.CpuAffinity():
            return f"run on the CPUs {_numbers(op.cpus)}"
        case ops.MemoryPolicy():
            flags = [name for name, bit in MEMORY_FLAGS.items() if op.mode & bit]
            mode = _name(MEMORY_MODES, op.mode & ~sum(MEMORY_FLAGS.values()))
            nodes = [f"nodes {_numbers(op.nodes)}"] if op.nodes else []
            return f"set the memory policy {' '.join([mode, *flags, *nodes])}"
        case ops.Personality():
            return f"set the personality {_name(DOMAINS, op.persona)}"
        case ops.AppArmorProfile():
            return f"take the AppArmor profile {op.profile}"
        case ops.SelinuxLabel():
            return f"take the SELinux label {op.label}"
        case ops.FindProgram():
            return f"find the program {op.name} in {':'.join(op.search_path)}"
        case ops.Execute():
            return f"execute {' '.join(op.args)}"
        case ops.ExecuteMonitor():
            profile = (
                "" if op.filter is None else f", seccomp profile with default {op.filter.default_action}"
            )
            wait = ", which waits for start" if op.barrier else ""
            return f"execute the monitor{wait}, with {' '.join(op.args)}{profile}"
        case ops.MapIds():
            return "have the ids mapped"
        case ops.BecomeRoot():
            return "become root of the user namespace"
        case ops.SpawnInit():
            return "make the container's init"
        case ops.NewSession():
            return "begin a new session"
        case ops.OpenProc():
            return "open a private procfs"
        case ops.JoinRoot():
            return "take the root of the mount namespace"
        case ops.PivotRoot():
            return "change the root"
        case ops.MoveRoot():
            return "change the root by moving its mount"
        case ops.ChangeRoot():
            return "change the root of the process alone"
        case ops.RootReadonly():
            return "make the root file system read-only"
        case ops.LoopbackUp():
            return "bring the loopback interface up"
        case ops.NoNewPrivileges():
            return "set no_new_privs"
        case ops.ListenPid():
            return "add LISTEN_PID to the environment"
        case ops.Barrier():
            return "wait for start"
    assert_never(op)


def _bind_words(op: ops.Bind | ops.BindIdmapped) -> list[str]:
    prefix = "recursively " if op.attr_recursive else ""
    words = [prefix + word for word in _attributes(op.attr_set, op.attr_clear)]
    return words + _propagation_words(op.propagation)


def _scheduler(op: ops.Scheduler) -> str:
    values = (
        ("nice", op.nice),
        ("priority", op.priority),
        ("runtime", op.runtime_ns),
        ("deadline", op.deadline_ns),
        ("period", op.period_ns),
    )
    words = [name for name, bit in SCHEDULER_FLAGS.items() if op.flags & bit]
    words += [f"{name} {value}" for name, value in values if value]
    return f"set the scheduling policy {_name(POLICIES, op.policy)}{_in_brackets(words)}"


def _name(table: Mapping[str, int], number: int) -> str:
    return next((name for name, value in table.items() if value == number), str(number))


def _numbers(mask: bytes) -> str:
    bits = int.from_bytes(mask, "little")
    return ",".join(str(number) for number in range(bits.bit_length()) if bits >> number & 1)


def _namespaces(flags: int) -> str:
    return " ".join(name for name, flag in FLAGS.items() if flags & flag)


def _attributes(attr_set: int, attr_clear: int) -> list[str]:
    """Name attributes by the options that they come from; clearing the access time is what relatime does."""
    words = [name for name, (bits, _) in ATTRIBUTES.items() if bits and attr_set & bits]
    if attr_clear & MOUNT_ATTR__ATIME and not attr_set & MOUNT_ATTR__ATIME:
        words.append("relatime")
    cleared = attr_clear & ~MOUNT_ATTR__ATIME
    return words + [name for name, (bits, clear) in ATTRIBUTES.items() if not bits and cleared & clear]


def _propagation(flags: int) -> str:
    return next((name for name, bits in PROPAGATION.items() if bits == flags), hex(flags))


def _propagation_words(flags: int) -> list[str]:
    return [_propagation(flags)] if flags else []


def _in_brackets(words: list[str]) -> str:
    return f" ({','.join(words)})" if words else ""


def _limit(value: int) -> str:
    return "unlimited" if value == UNLIMITED else str(value)


def _capabilities(mask: int) -> str:
    """Name the set's members without their prefix, or what is missing where that is shorter."""
    names = [name.removeprefix("CAP_").lower() for name in CAPABILITIES]
    have = [name for number, name in enumerate(names) if mask >> number & 1]
    lack = [name for number, name in enumerate(names) if not mask >> number & 1]
    if not have:
        return "none"
    if not lack:
        return "all"
    return ",".join(have) if len(have) <= len(lack) else f"all but {','.join(lack)}"

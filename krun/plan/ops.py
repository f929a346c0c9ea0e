"""The operations of a plan: one frozen record for each operation of `csrc/include/kr/ops.h`.

Fields are the operands of the header, in its order and by its names.  A record says what is to be done and
carries no behaviour: `describe` puts it into words, krun-init carries it out.

Out of scope: codes and encoding, which the executor reads from the header itself.
"""

from __future__ import annotations

from krun.types import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from krun.spec.model import Seccomp as SeccompProfile


class Operation(Record):
    """Base of all operations.  `OP` is the operation's name in the header."""

    OP = ""


class OpenNamespace(Operation):
    """Open the namespace at a path of the runtime's, before any is joined.  `type` is a CLONE_NEW* flag."""

    OP = "OPEN_NAMESPACE"

    type: int
    path: str


class JoinNamespace(Operation):
    """Enter the namespace that was opened for this type."""

    OP = "JOIN_NAMESPACE"

    type: int


class Unshare(Operation):
    """Make new namespaces; `flags` is a set of CLONE_NEW* flags."""

    OP = "UNSHARE"

    flags: int


class TimeOffsets(Operation):
    """Write `/proc/self/timens_offsets` before init is made."""

    OP = "TIME_OFFSETS"

    text: str


class MapIds(Operation):
    """Ask the runtime to write the maps of the new user namespace, and wait."""

    OP = "MAP_IDS"


class BecomeRoot(Operation):
    """Take on uid 0 and gid 0 of the user namespace."""

    OP = "BECOME_ROOT"


class SpawnInit(Operation):
    """Make the container's init; what follows runs there."""

    OP = "SPAWN_INIT"


class OpenIdmapped(Operation):
    """Clone a host's mount with its ids mapped, and keep it for BindIdmapped.  Runs in the stage.

    `namespace` is the user namespace that maps them; when empty, one with these maps is made for it.
    `map_recursive` maps the mounts below as well; `propagation` is MS_*.
    """

    OP = "OPEN_IDMAPPED"

    source: str
    recursive: int
    map_recursive: int
    propagation: int
    uid_map: str
    gid_map: str
    namespace: str


class NewSession(Operation):
    """Become the leader of a new session."""

    OP = "NEW_SESSION"


class SessionKeyring(Operation):
    """Join a session keyring of this name, so that the caller's keys stay out."""

    OP = "SESSION_KEYRING"

    name: str


class OpenProc(Operation):
    """Open a private procfs, which everything below `/proc` is written through."""

    OP = "OPEN_PROC"


class HostPropagation(Operation):
    """Set the propagation of all mounts of the new mount namespace (MS_* flags)."""

    OP = "HOST_PROPAGATION"

    flags: int


class OpenRoot(Operation):
    """Bind the root file system on itself and open it."""

    OP = "OPEN_ROOT"

    source: str


class RunHooks(Operation):
    """Ask the runtime to run the hooks of this point (`prestart`, `createRuntime`), and wait."""

    OP = "RUN_HOOKS"

    point: str


class Hook(Operation):
    """Run one hook here.  The state on its stdin is `state_head`, init's host pid, `state_tail`.

    monitor: 1 when the program is the image's and so runs under the monitor, which evaluates `filter`.
    """

    OP = "HOOK"

    point: str
    index: int
    path: str
    args: tuple[str, ...]
    env: tuple[str, ...]
    timeout_ms: int
    state_head: str
    state_tail: str
    filter: SeccompProfile | None = None
    monitor: int = 0


class Mount(Operation):
    """Mount a new file system.  Attributes are MOUNT_ATTR_*, `propagation` is MS_* or 0 for none.

    `copy` tells whether it begins with a copy of what it covers.
    """

    OP = "MOUNT"

    fstype: str
    source: str
    parameters: tuple[str, ...]
    destination: str
    attr_set: int
    attr_clear: int
    propagation: int
    copy: int = 0


class Bind(Operation):
    """Bind a host path, with attributes of the top mount or, where `attr_recursive`, of every mount below."""

    OP = "BIND"

    source: str
    destination: str
    recursive: int
    attr_set: int
    attr_clear: int
    attr_recursive: int
    propagation: int


class BindIdmapped(Operation):
    """Attach the mount that the OpenIdmapped of this `index`, from 0, has cloned; else as Bind."""

    OP = "BIND_IDMAPPED"

    index: int
    source: str
    destination: str
    attr_set: int
    attr_clear: int
    attr_recursive: int
    propagation: int


class SetMount(Operation):
    """Change the attributes of what is mounted at the destination."""

    OP = "SET_MOUNT"

    destination: str
    recursive: int
    attr_set: int
    attr_clear: int
    propagation: int


class MakeDirectory(Operation):
    """Make a directory, and those above it that are missing."""

    OP = "MAKE_DIRECTORY"

    path: str
    mode: int


class MakeSymlink(Operation):
    """Make a symbolic link.  One that exists already stays."""

    OP = "MAKE_SYMLINK"

    target: str
    path: str


class MakeDevice(Operation):
    """Make a device node.  `kind` is S_IFCHR, S_IFBLK or S_IFIFO."""

    OP = "MAKE_DEVICE"

    path: str
    kind: int
    major: int
    minor: int
    mode: int
    uid: int
    gid: int


class BindDevice(Operation):
    """Bind a device node of the host, where no node can be made."""

    OP = "BIND_DEVICE"

    source: str
    path: str


class Terminal(Operation):
    """Make the terminal, send its master away, and put the other end on descriptors 0 to 2.

    `console` tells whether it also becomes the container's /dev/console.
    """

    OP = "TERMINAL"

    rows: int
    columns: int
    console: int = 1


class PivotRoot(Operation):
    """Make the root file system the root of the mount namespace; the old root is gone."""

    OP = "PIVOT_ROOT"


class MoveRoot(Operation):
    """The same by moving the mount, for hosts whose root cannot be pivoted (an initial ramdisk)."""

    OP = "MOVE_ROOT"


class OpenSharedRoot(Operation):
    """Bind the root file system on itself in the runtime's mount namespace, and open it."""

    OP = "OPEN_SHARED_ROOT"

    source: str


class ChangeRoot(Operation):
    """Make the root file system the root of the process alone: chroot(2)."""

    OP = "CHANGE_ROOT"


class RootPropagation(Operation):
    """Set the propagation of the container's root mount (MS_* flags)."""

    OP = "ROOT_PROPAGATION"

    flags: int


class RootReadonly(Operation):
    """Make the root mount read-only."""

    OP = "ROOT_READONLY"


class MaskPath(Operation):
    """Hide a path.  A missing one is fine."""

    OP = "MASK_PATH"

    path: str


class ReadonlyPath(Operation):
    """Make a path read-only.  A missing one is fine."""

    OP = "READONLY_PATH"

    path: str


class JoinRoot(Operation):
    """Take the root of the mount namespace that was joined for the container's root."""

    OP = "JOIN_ROOT"


class Hostname(Operation):
    """Set the host name of the uts namespace."""

    OP = "HOSTNAME"

    name: str


class Domainname(Operation):
    """Set the domain name of the uts namespace."""

    OP = "DOMAINNAME"

    name: str


class Sysctl(Operation):
    """Set a kernel parameter; `name` has dots or slashes."""

    OP = "SYSCTL"

    name: str
    value: str


class LoopbackUp(Operation):
    """Bring the loopback interface up."""

    OP = "LOOPBACK_UP"


class OomScoreAdj(Operation):
    """Set the process's OOM score adjustment."""

    OP = "OOM_SCORE_ADJ"

    value: int


class Rlimit(Operation):
    """Set a resource limit of the payload: it takes effect when the payload is executed."""

    OP = "RLIMIT"

    resource: int
    soft: int
    hard: int


class Umask(Operation):
    """Set the file mode creation mask."""

    OP = "UMASK"

    mask: int


class BoundCapabilities(Operation):
    """Drop everything from the bounding set that is not in this mask."""

    OP = "BOUND_CAPABILITIES"

    bounding: int


class User(Operation):
    """Set groups, gid and uid.  `groups` is an array of little-endian 32-bit ids."""

    OP = "USER"

    uid: int
    gid: int
    groups: bytes


class Capabilities(Operation):
    """Set four capability sets, as masks."""

    OP = "CAPABILITIES"

    effective: int
    permitted: int
    inheritable: int
    ambient: int


class NoNewPrivileges(Operation):
    """Set no_new_privs."""

    OP = "NO_NEW_PRIVILEGES"


class Seccomp(Operation):
    """Load the filter into the kernel.  `filter` is the profile; the executor compiles it."""

    OP = "SECCOMP"

    flags: int
    filter: SeccompProfile


class SeccompNotify(Operation):
    """Load the filter and send its listener away, with a state.

    state: pieces of JSON, to be joined by the host pid of the process.
    """

    OP = "SECCOMP_NOTIFY"

    flags: int
    filter: SeccompProfile
    state: tuple[str, ...]


class SeccompMonitor(Operation):
    """Load the filter by which the monitor asks about single calls, and send its listener away.

    state: as for SeccompNotify.
    """

    OP = "SECCOMP_MONITOR"

    flags: int
    state: tuple[str, ...]


class ChangeDirectory(Operation):
    """Set the working directory, and make sure that it lies within the root; `create` makes a missing one."""

    OP = "CHANGE_DIRECTORY"

    path: str
    create: int = 1


class ContainDescriptors(Operation):
    """Let no descriptor but 0 to 2 and the next `preserved` ones survive the exec."""

    OP = "CONTAIN_DESCRIPTORS"

    preserved: int


class Scheduler(Operation):
    """Set the scheduling policy (SCHED_*) and its attributes, as sched_setattr(2) takes them."""

    OP = "SCHEDULER"

    policy: int
    flags: int
    nice: int
    priority: int
    runtime_ns: int
    deadline_ns: int
    period_ns: int


class IoPriority(Operation):
    """Set the priority of input and output: `kind` is one of ioprio_set(2)'s classes, `level` 0 to 7."""

    OP = "IO_PRIORITY"

    kind: int
    level: int


class CpuAffinity(Operation):
    """Bind the process to these CPUs: bit N of a little-endian mask is CPU N."""

    OP = "CPU_AFFINITY"

    cpus: bytes


class MemoryPolicy(Operation):
    """Set the NUMA policy; `mode` with its flags is set_mempolicy(2)'s, `nodes` a mask as CpuAffinity's."""

    OP = "MEMORY_POLICY"

    mode: int
    nodes: bytes


class Personality(Operation):
    """Set the execution domain, personality(2)."""

    OP = "PERSONALITY"

    persona: int


class AppArmorProfile(Operation):
    """Enter an AppArmor profile with the next exec."""

    OP = "APPARMOR_PROFILE"

    profile: str


class SelinuxLabel(Operation):
    """Take an SELinux label with the next exec."""

    OP = "SELINUX_LABEL"

    label: str


class FindProgram(Operation):
    """Find the program as execvp does."""

    OP = "FIND_PROGRAM"

    name: str
    search_path: tuple[str, ...]


class ListenPid(Operation):
    """Let the payload's environment end with LISTEN_PID, its pid as it sees itself."""

    OP = "LISTEN_PID"


class Barrier(Operation):
    """Tell the runtime that the container is created, and wait for `start`."""

    OP = "BARRIER"


class Execute(Operation):
    """Execute the program that was found."""

    OP = "EXECUTE"

    args: tuple[str, ...]
    env: tuple[str, ...]


class ExecuteMonitor(Operation):
    """Execute the monitor with this payload.  With `barrier` 1 the monitor does what `Barrier` does."""

    OP = "EXECUTE_MONITOR"

    args: tuple[str, ...]
    env: tuple[str, ...]
    filter: SeccompProfile | None
    barrier: int


if TYPE_CHECKING:
    Op: TypeAlias = (
        OpenNamespace
        | JoinNamespace
        | Unshare
        | TimeOffsets
        | MapIds
        | BecomeRoot
        | SpawnInit
        | OpenIdmapped
        | NewSession
        | SessionKeyring
        | OpenProc
        | HostPropagation
        | OpenRoot
        | RunHooks
        | Hook
        | Mount
        | Bind
        | BindIdmapped
        | SetMount
        | MakeDirectory
        | MakeSymlink
        | MakeDevice
        | BindDevice
        | Terminal
        | PivotRoot
        | MoveRoot
        | OpenSharedRoot
        | ChangeRoot
        | RootPropagation
        | RootReadonly
        | MaskPath
        | ReadonlyPath
        | JoinRoot
        | Hostname
        | Domainname
        | Sysctl
        | LoopbackUp
        | OomScoreAdj
        | Rlimit
        | Umask
        | BoundCapabilities
        | User
        | Capabilities
        | NoNewPrivileges
        | Seccomp
        | SeccompNotify
        | SeccompMonitor
        | ChangeDirectory
        | ContainDescriptors
        | Scheduler
        | IoPriority
        | CpuAffinity
        | MemoryPolicy
        | Personality
        | AppArmorProfile
        | SelinuxLabel
        | FindProgram
        | ListenPid
        | Barrier
        | Execute
        | ExecuteMonitor
    )

"""The C core as Python sees it: op codes, spawning krun-init, sealed files, safe paths, seccomp filters.

The only module that imports the cffi module `krun.sys._kr`, and so the only one in which `Any` is at home.
Errors of the kernel are OSError.  Out of scope: policy of any kind, and the conversation with krun-init,
for which Python's `socket` is enough.
"""

from __future__ import annotations

import errno
import fcntl

from krun import os
from krun.sys import newer_calls
from krun.sys._kr import ffi, lib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Protocol

    class SeccompArg(Protocol):
        """One condition of a rule, in the specification's words."""

        @property
        def index(self) -> int:
            """Which argument, 0 to 5."""

        @property
        def value(self) -> int:
            """What it is compared with; the mask for SCMP_CMP_MASKED_EQ."""

        @property
        def value_two(self) -> int:
            """What the masked argument is compared with."""

        @property
        def op(self) -> str:
            """SCMP_CMP_EQ and so on."""

    class SeccompRule(Protocol):
        """One entry of `linux.seccomp.syscalls`."""

        @property
        def names(self) -> Sequence[str]:
            """System calls."""

        @property
        def action(self) -> str:
            """SCMP_ACT_ALLOW and so on."""

        @property
        def errno_ret(self) -> int | None:
            """The number that SCMP_ACT_ERRNO and SCMP_ACT_TRACE carry; EPERM without one."""

        @property
        def args(self) -> Sequence[SeccompArg]:
            """Conditions, all of which must hold."""


PROGRAM_VERSION: int = lib.KR_PROGRAM_VERSION
# Descriptors in a program's header, by role.
FD_SYNC: int = lib.KR_FD_SYNC
FD_FIFO: int = lib.KR_FD_FIFO
FD_STARTED: int = lib.KR_FD_STARTED
FD_CONSOLE: int = lib.KR_FD_CONSOLE
FD_MONITOR: int = lib.KR_FD_MONITOR
FD_KVM: int = lib.KR_FD_KVM
FD_LISTENER: int = lib.KR_FD_LISTENER
FD_COUNT: int = lib.KR_FD_COUNT
# Messages; csrc/base/msg.h draws the conversation.
MSG_TEXT: int = lib.KR_MSG_TEXT
MSG_NO_OP: int = lib.KR_MSG_NO_OP
MSG_MAPS_PLEASE: int = lib.KR_MSG_MAPS_PLEASE
MSG_INIT: int = lib.KR_MSG_INIT
MSG_HOOKS_PLEASE: int = lib.KR_MSG_HOOKS_PLEASE
MSG_LOG: int = lib.KR_MSG_LOG
MSG_READY: int = lib.KR_MSG_READY
MSG_ERROR: int = lib.KR_MSG_ERROR
MSG_CONTINUE: int = lib.KR_MSG_CONTINUE
MSG_ABORT: int = lib.KR_MSG_ABORT

_MFD_EXEC = 0x10  # since Linux 6.3; without it, vm.memfd_noexec may make the file not executable

_ACTIONS: dict[str, int] = {
    "SCMP_ACT_KILL": lib.SCMP_ACT_KILL_THREAD,
    "SCMP_ACT_KILL_PROCESS": lib.SCMP_ACT_KILL_PROCESS,
    "SCMP_ACT_KILL_THREAD": lib.SCMP_ACT_KILL_THREAD,
    "SCMP_ACT_TRAP": lib.SCMP_ACT_TRAP,
    "SCMP_ACT_ERRNO": lib.KR_ACT_ERRNO,
    "SCMP_ACT_TRACE": lib.KR_ACT_TRACE,
    "SCMP_ACT_ALLOW": lib.SCMP_ACT_ALLOW,
    "SCMP_ACT_LOG": lib.SCMP_ACT_LOG,
    "SCMP_ACT_NOTIFY": lib.SCMP_ACT_NOTIFY,
}
_OPERATORS: dict[str, int] = {
    "SCMP_CMP_NE": lib.SCMP_CMP_NE,
    "SCMP_CMP_LT": lib.SCMP_CMP_LT,
    "SCMP_CMP_LE": lib.SCMP_CMP_LE,
    "SCMP_CMP_EQ": lib.SCMP_CMP_EQ,
    "SCMP_CMP_GE": lib.SCMP_CMP_GE,
    "SCMP_CMP_GT": lib.SCMP_CMP_GT,
    "SCMP_CMP_MASKED_EQ": lib.SCMP_CMP_MASKED_EQ,
}


def op_table() -> dict[str, tuple[int, str, tuple[str, ...]]]:
    """Read the operations of krun-init from csrc/include/kr/ops.h.

    Returns name -> (code, signature, operand names); a signature has one letter for each operand.
    """
    table = {}
    info = lib.kr_op_table
    index = 0
    while info[index].name != ffi.NULL:
        operands = ffi.string(info[index].operands).decode()
        table[ffi.string(info[index].name).decode()] = (
            info[index].code,
            ffi.string(info[index].signature).decode(),
            tuple(operands.split()),
        )
        index += 1
    return table


def spawn(
    image: int,
    args: Sequence[str | bytes],
    inherit: Sequence[int] = (),
    tasks: Sequence[int] = (),
    unified: int = -1,
) -> tuple[int, int]:
    """Execute the file behind the descriptor `image` in a child, with `args` and an empty environment.

    The child has descriptors 0 to 2 and those of `inherit`, at their own numbers, and no other; an empty
    signal mask, default dispositions and no parent-death signal.
    tasks: descriptors of v1 `tasks` files; unified: that of a cgroup2 directory.  The child is in these
    cgroups from its first instruction.
    Returns its pid and an owned pidfd.  The caller waits for it.
    Raises OSError when it cannot be executed; nothing is left to wait for then.
    """
    words = [ffi.new("char[]", os.fsencode(word)) for word in args]
    pidfd = ffi.new("int *")
    files = ffi.new("int[]", list(tasks))
    pid = lib.kr_spawn(
        image,
        ffi.new("char *[]", [*words, ffi.NULL]),
        ffi.new("int[]", list(inherit)),
        len(inherit),
        ffi.new("struct kr_cgroups *", {"tasks": files, "tasks_count": len(tasks), "unified": unified}),
        pidfd,
    )
    if pid < 0:
        raise OSError(-pid, os.strerror(-pid))
    return int(pid), int(pidfd[0])


def memfd_sealed(name: str, source: bytes | str, *, executable: bool = True) -> int:
    """Make an anonymous file that nobody can change any more, with the content `source`.

    source: the content, or the path of a file whose content is copied.
    Returns an owned descriptor, close-on-exec.  Raises OSError.
    """
    flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
    try:
        fd = os.memfd_create(name, flags | _MFD_EXEC if executable else flags)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        fd = os.memfd_create(name, flags)
    try:
        if isinstance(source, str):
            _copy_file(source, fd)
        else:
            _write_all(fd, source)
        seals = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _copy_file(path: str, to: int) -> None:
    source = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while os.sendfile(to, source, None, 1 << 30):
            pass
    finally:
        os.close(source)


def _write_all(fd: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(fd, rest) :]


def open_in_root(root: int, path: str, flags: int) -> int:
    """Open `path` as a process whose root is the directory `root` would; nothing leads out of it.

    Returns an owned descriptor, close-on-exec.  Raises OSError, with ELOOP for a magic link of procfs.
    """
    fd: int = lib.kr_open_in_root(root, os.fsencode(path), flags, 0)
    if fd < 0:
        raise OSError(ffi.errno, os.strerror(ffi.errno), path)
    return fd


def open_device(path: str) -> int:
    """Open a device of the host's to be used, but not to be changed: csrc/ffi/kr_device.h.

    Returns an owned descriptor, close-on-exec.  Raises OSError.
    """
    return _result(lib.kr_device_open(os.fsencode(path)))


def unmount(path: str, flags: int) -> None:
    """Unmount what is mounted at a path; `flags` are umount2(2)'s.  Raises OSError."""
    if lib.umount2(os.fsencode(path), flags) != 0:
        raise OSError(ffi.errno, os.strerror(ffi.errno), path)


def enter_namespace(namespace: int, kind: int) -> None:
    """Move the calling thread into an open namespace; `kind` is a CLONE_NEW* flag.  Raises OSError."""
    if lib.setns(namespace, kind) != 0:
        raise OSError(ffi.errno, os.strerror(ffi.errno))


def adopt_orphans(*, on: bool) -> None:
    """Become the parent of descendants whose parents end, or leave them to an ancestor.  Raises OSError."""
    if lib.prctl(lib.PR_SET_CHILD_SUBREAPER, ffi.cast("long", on)) != 0:
        raise OSError(ffi.errno, os.strerror(ffi.errno))


def load_device_filter(program: bytes) -> int:
    """Load an eBPF program that decides about devices.  Returns an owned descriptor.  Raises OSError."""
    return _result(lib.kr_bpf_load_device(program, len(program)))


def attach_device_filter(cgroup: int, program: int) -> None:
    """Attach a loaded program to the cgroup2 directory open as `cgroup`; all attached ones have to allow.

    Raises OSError.
    """
    _result(lib.kr_bpf_attach_device(cgroup, program))


def device_filters(cgroup: int) -> list[int]:
    """Return the ids of the programs attached to a cgroup2 directory.  Raises OSError."""
    room = 64  # the kernel's limit for one cgroup, BPF_CGROUP_MAX_PROGS
    ids = ffi.new("uint32_t[]", room)
    return list(ids[0 : _result(lib.kr_bpf_query_device(cgroup, ids, room))])


def detach_device_filter(cgroup: int, program_id: int) -> None:
    """Detach a program, by its id.  Raises OSError."""
    _result(lib.kr_bpf_detach_device(cgroup, program_id))


def _result(result: int) -> int:
    if result < 0:
        raise OSError(-result, os.strerror(-result))
    return result


def compile_seccomp(
    default_action: str,
    default_errno_ret: int | None,
    architectures: Sequence[str],
    rules: Sequence[SeccompRule],
) -> bytes:
    """Compile a seccomp profile to classic BPF: an array of `struct sock_filter`.

    The arguments are the properties of `linux.seccomp`, all names as there.  System calls that this host's
    libseccomp does not know are left out; they, and all that are newer than what the profile names, get
    ENOSYS where the default refuses (newer_calls.py).
    Raises KeyError for a name that is no action, operator or architecture, OSError where libseccomp refuses.
    Source: runtime-spec config-linux.md#seccomp.
    """
    default = _action(default_action, default_errno_ret)
    context = lib.seccomp_init(default)
    if context == ffi.NULL:
        raise OSError(errno.EINVAL, f"libseccomp refuses the default action {default_action}")
    try:
        _check(lib.seccomp_attr_set(context, lib.SCMP_FLTATR_API_SYSRAWRC, 1))
        for name in architectures:
            _add_architecture(context, name)
        for rule in rules:
            _add_rule(context, default, rule)
        return _refuse_newer_calls(default, architectures, rules) + _export(context)
    finally:
        lib.seccomp_release(context)


def _check(result: int) -> None:
    if result < 0:
        raise OSError(-result, f"libseccomp: {os.strerror(-result)}")


def _action(name: str, number: int | None) -> int:
    action = _ACTIONS[name]
    if action in (lib.KR_ACT_ERRNO, lib.KR_ACT_TRACE):
        return action | (errno.EPERM if number is None else number) & 0xFFFF
    return action


def knows_architecture(name: str) -> bool:
    """Tell whether this host's libseccomp knows an architecture such as `SCMP_ARCH_X86_64`."""
    return bool(lib.seccomp_arch_resolve_name(name.removeprefix("SCMP_ARCH_").lower().encode()))


def _add_architecture(context: Any, name: str) -> None:
    token = lib.seccomp_arch_resolve_name(name.removeprefix("SCMP_ARCH_").lower().encode())
    if not name.startswith("SCMP_ARCH_") or token == 0:
        raise KeyError(name)
    result = lib.seccomp_arch_add(context, token)
    if result != -errno.EEXIST:
        _check(result)


def _add_rule(context: Any, default: int, rule: SeccompRule) -> None:
    action = _action(rule.action, rule.errno_ret)
    if action == default:
        return  # libseccomp refuses what changes nothing
    conditions = [(arg.index, _OPERATORS[arg.op], arg.value, arg.value_two) for arg in rule.args]
    if len({index for index, *_ in conditions}) < len(conditions):
        # One rule cannot test an argument twice: as in runc, each condition then is a rule of its own.
        groups = [[condition] for condition in conditions]
    else:
        groups = [conditions]
    arrays = [(len(group), ffi.new("struct scmp_arg_cmp[]", group)) for group in groups]
    for name in rule.names:
        number = lib.seccomp_syscall_resolve_name(name.encode())
        if number == -1:
            continue
        for count, array in arrays:
            _check(lib.seccomp_rule_add_array(context, action, number, count, array))


def _refuse_newer_calls(default: int, architectures: Sequence[str], rules: Sequence[SeccompRule]) -> bytes:
    """Return what goes before a filter whose default refuses.  Tracers know new calls themselves."""
    tracing = default & 0xFFFF0000 == lib.KR_ACT_TRACE
    if default in (lib.SCMP_ACT_ALLOW, lib.SCMP_ACT_LOG) or tracing:
        return b""
    names = [name.encode() for rule in rules for name in rule.names]
    highest = {newer_calls.AUDIT_ARCH_X86_64: _highest(lib.SCMP_ARCH_X86_64, names)}
    if "SCMP_ARCH_X86" in architectures:
        highest[newer_calls.AUDIT_ARCH_I386] = _highest(lib.SCMP_ARCH_X86, names)
    known = {arch: number for arch, number in highest.items() if number >= 0}
    x32 = _highest(lib.SCMP_ARCH_X32, names) if "SCMP_ARCH_X32" in architectures else -1
    return newer_calls.prologue(known, x32)


def _highest(architecture: int, names: Sequence[bytes]) -> int:
    """Return the highest number that these names have in an architecture, -1 when they have none."""
    resolve = lib.seccomp_syscall_resolve_name_arch
    return max((resolve(architecture, name) for name in names), default=-1)


def _export(context: Any) -> bytes:
    fd = os.memfd_create("seccomp", os.MFD_CLOEXEC)
    try:
        _check(lib.seccomp_export_bpf(context, fd))
        return os.pread(fd, os.fstat(fd).st_size, 0)
    finally:
        os.close(fd)

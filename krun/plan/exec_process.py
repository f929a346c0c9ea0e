"""Which process `exec` runs: the container's own with some changes, or one that the caller describes whole.

Pure.  The rules are runc's.  Out of scope: the way from here into the container (`exec`).
"""

from __future__ import annotations

from krun.errors import UsageError
from krun.spec.model import Capabilities, Linux, User
from krun.types import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from krun.spec.model import Process

_GREATEST_ID = (1 << 32) - 2  # the kernel takes -1 for "leave as it is"


class Changes(Record):
    """What the command line says about the process; empty and None leave what the container has."""

    args: tuple[str, ...]
    cwd: str = ""
    env: tuple[str, ...] = ()
    user: str = ""
    additional_gids: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    terminal: bool = False
    no_new_privileges: bool = False
    selinux_label: str = ""
    apparmor_profile: str = ""


def changed_process(base: Process, changes: Changes) -> Process:
    """Return the container's process with the changes.  Raises UsageError for values that make no sense."""
    if changes.cwd and not changes.cwd.startswith("/"):
        raise UsageError(f"--cwd: must be absolute, got {changes.cwd!r}")
    for entry in changes.env:
        if "=" not in entry or entry.startswith("="):
            raise UsageError(f"--env: {entry!r} is not NAME=VALUE")
    process: Process = base.replace(
        args=changes.args,
        cwd=changes.cwd or base.cwd,
        env=(*base.env, *changes.env),
        user=_user(base.user, changes),
        terminal=changes.terminal,
        no_new_privileges=base.no_new_privileges or changes.no_new_privileges,
        capabilities=_capabilities(base.capabilities, changes.capabilities),
        selinux_label=changes.selinux_label or base.selinux_label,
        apparmor_profile=changes.apparmor_profile or base.apparmor_profile,
        console_size=None,
    )
    return process


def completed_process(process: Process, base: Process | None) -> Process:
    """Return a process that the caller described, with what it left out as the container's own has it."""
    if base is None:
        return process
    filled: Process = process.replace(
        capabilities=base.capabilities if process.capabilities is None else process.capabilities,
        rlimits=process.rlimits or base.rlimits,
        oom_score_adj=base.oom_score_adj if process.oom_score_adj is None else process.oom_score_adj,
        apparmor_profile=process.apparmor_profile or base.apparmor_profile,
        selinux_label=process.selinux_label or base.selinux_label,
        scheduler=process.scheduler or base.scheduler,
        io_priority=process.io_priority or base.io_priority,
        exec_cpu_affinity=process.exec_cpu_affinity or base.exec_cpu_affinity,
    )
    return filled


def shared_linux(linux: Linux) -> Linux:
    """Return what of a container's `linux` holds for every process in it, and is not a namespace's."""
    return Linux(seccomp=linux.seccomp, memory_policy=linux.memory_policy, personality=linux.personality)


def parse_user(text: str) -> tuple[int, int | None]:
    """Take `UID` or `UID:GID` apart, strictly decimal.  Raises UsageError."""
    numbers = [_number("--user", part) for part in text.split(":")]
    if len(numbers) > 2:
        raise UsageError(f"--user: {text!r} is not UID or UID:GID")
    return numbers[0], numbers[1] if len(numbers) == 2 else None


def sub_cgroups(words: tuple[str, ...]) -> Mapping[str, str]:
    """Take `PATH` and `CONTROLLER[,CONTROLLER]:PATH` apart: controller -> path below the container's cgroup.

    The key `*` stands for every controller that is not named.  Raises UsageError, for `..` among others.
    """
    found: dict[str, str] = {}
    for word in words:
        names, colon, path = word.rpartition(":")
        parts = [part for part in path.split("/") if part not in ("", ".")]
        if ".." in parts:
            raise UsageError(f"--cgroup: must not contain '..', got {path!r}")
        for name in names.split(",") if colon else ("*",):
            if name in found:
                raise UsageError(f"--cgroup: {word!r} names a controller for the second time")
            found[name] = "/".join(parts)
    return found


def _user(base: User, changes: Changes) -> User:
    uid, gid = base.uid, base.gid
    if changes.user:
        uid, given = parse_user(changes.user)
        gid = gid if given is None else given
    added = tuple(_number("--additional-gids", text) for text in changes.additional_gids)
    return User(uid=uid, gid=gid, umask=base.umask, additional_gids=(*base.additional_gids, *added))


def _number(option: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or int(text) > _GREATEST_ID:
        raise UsageError(f"{option}: {text!r} is not a numeric id")
    return int(text)


def _capabilities(base: Capabilities | None, names: tuple[str, ...]) -> Capabilities | None:
    """Add capabilities; never inheritable ones, which a file could turn into more (CVE-2022-29162)."""
    if not names:
        return base
    base = base or Capabilities()
    return Capabilities(
        bounding=(*base.bounding, *names),
        effective=(*base.effective, *names),
        permitted=(*base.permitted, *names),
        inheritable=base.inheritable,
        ambient=base.ambient,
    )

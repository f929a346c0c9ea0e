"""Writes the maps of a new user namespace: itself, or for a plain user by newuidmap and newgidmap.

Those two are set-uid programs of the host, which let a user map the subordinate ids of /etc/subuid and
/etc/subgid.  Out of scope: which ids (`krun.plan.idmap`).
"""

from __future__ import annotations

from krun import os
from krun.errors import HostError, symbol
from krun.sys import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.plan.model import IdMaps

_OUTPUT_BYTES = 1000


def write_maps(pid: int, maps: IdMaps) -> None:
    """Write uid_map, setgroups and gid_map of the process.  Raises HostError."""
    if maps.uid_helper:
        _call("newuidmap", pid, maps.uid_lines)
    else:
        _write(f"/proc/{pid}/uid_map", maps.uid_lines)
    if maps.setgroups_deny:
        _write(f"/proc/{pid}/setgroups", "deny")
    if maps.gid_helper:
        _call("newgidmap", pid, maps.gid_lines)
    else:
        _write(f"/proc/{pid}/gid_map", maps.gid_lines)


def _call(name: str, pid: int, lines: str) -> None:
    """Have a set-uid program write a map."""
    failed = f"the ids of the user namespace cannot be mapped by {name}"
    program = next((path for path in _places(name) if os.access(path, os.X_OK)), "")
    if program == "":
        raise HostError(failed, "it is not installed", "install Debian's package uidmap")
    output = os.memfd_create(name, os.MFD_CLOEXEC)
    try:
        actions = ((os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, output, 2))
        words = (name, str(pid), *lines.split())
        child = os.posix_spawn(
            program, words, {}, file_actions=actions, setsigmask=(), setsigdef=signals.STOPPING
        )
        _, status = os.waitpid(child, 0)
        said = " ".join(os.pread(output, _OUTPUT_BYTES, 0).decode(errors="replace").split())
    except OSError as error:
        raise HostError(failed, symbol(error)) from error
    finally:
        os.close(output)
    if status != 0:
        hint = "look at /etc/subuid and /etc/subgid"
        raise HostError(failed, said.removeprefix(f"{name}: ") or f"it refuses {' '.join(words[2:])!r}", hint)


def _places(name: str) -> tuple[str, ...]:
    """Return where the program may be: set-uid ones are the system's, so that PATH has no say."""
    return (f"/usr/bin/{name}", f"/bin/{name}", f"/usr/local/bin/{name}")


def _write(path: str, text: str) -> None:
    try:
        file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(file, text.encode("ascii"))  # the kernel takes a map in one write only
        finally:
            os.close(file)
    except OSError as error:
        what = os.path.basename(path)
        found = f"{what} refuses {' '.join(text.split())!r}: {symbol(error)}"
        hint = "" if os.geteuid() == 0 else "a plain user can map only their own id, and subordinate ones"
        raise HostError("the ids of the user namespace cannot be mapped", found, hint) from error

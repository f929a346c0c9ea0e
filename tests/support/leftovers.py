"""What a container may leave behind: processes, cgroups, mounts, state directories.  Found, named, removed.

Out of scope: what a client's daemon keeps on purpose.
"""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from support.processes import Hang, is_alive, pids, wait_dead

DYING_S = 5.0


def mounts_below(folder: Path) -> list[str]:
    """Return the mount points of this mount namespace at or below `folder`, innermost first."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        point = line.split()[4].encode().decode("unicode_escape")
        if point == str(folder) or point.startswith(f"{folder}/"):
            found.append(point)
    return sorted(found, key=len, reverse=True)


def cgroup_mounts() -> list[Path]:
    """Return where cgroup hierarchies are mounted."""
    lines = (line.split(" - ") for line in Path("/proc/self/mountinfo").read_text().splitlines())
    return [Path(left.split()[4]) for left, right in lines if right.split()[0] in ("cgroup", "cgroup2")]


def cgroups_named(prefix: str) -> list[Path]:
    """Return the cgroups at and below top-level ones that begin with `prefix`, innermost first."""
    tops = [top for mount in cgroup_mounts() for top in sorted(mount.glob(f"{prefix}*")) if top.is_dir()]
    return [Path(path) for top in tops for path, _, _ in os.walk(top, topdown=False)]


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def processes_of(folder: Path, cgroup: str) -> dict[int, str]:
    """Return live processes that belong to a test, each with the reason.

    Those in a top-level cgroup that begins with `cgroup`, those whose root or working directory lies below
    `folder`, and those that name `folder` in their command line; never this process or its ancestors.
    """
    spared = {os.getpid()}
    parent = os.getppid()
    while parent > 1 and parent not in spared:
        spared.add(parent)
        parent = int(Path(f"/proc/{parent}/stat").read_text().rpartition(")")[2].split()[1])
    found: dict[int, str] = {}
    for pid in pids():
        if pid in spared or not is_alive(pid):
            continue
        try:
            memberships = Path(f"/proc/{pid}/cgroup").read_text()
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if f":/{cgroup}" in memberships:
            found[pid] = f"process {pid} ({command.strip()}) is in a cgroup /{cgroup}…"
        elif any(_link(f"/proc/{pid}/{name}").startswith(str(folder)) for name in ("root", "cwd")):
            found[pid] = f"process {pid} ({command.strip()}) has its root or working directory in {folder}"
        elif str(folder) in command:
            found[pid] = f"process {pid} ({command.strip()}) names {folder}"
    return found


def find(folder: Path, root: Path, cgroup: str) -> list[str]:
    """Name everything that a test left behind: one line each, empty when nothing is left.

    folder: the test's own directory; root: krun's --root; cgroup: how the names of its
    top-level cgroups begin.
    """
    for pid in processes_of(folder, cgroup):
        try:
            wait_dead(pid, DYING_S)  # what ends by itself was not left
        except Hang:
            break
    states = [f"state directory {path}" for path in sorted(root.iterdir())] if root.is_dir() else []
    return [
        *processes_of(folder, cgroup).values(),
        *(f"mount {point}" for point in mounts_below(folder)),
        *(f"cgroup {path}" for path in cgroups_named(cgroup)),
        *states,
    ]


def remove(folder: Path, cgroup: str) -> None:
    """Kill, unmount and remove what is left, so that one test's failure is not the next one's."""
    for pid in processes_of(folder, cgroup):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        wait_dead(pid)
    for point in mounts_below(folder):
        subprocess.run(["umount", "--lazy", point], check=False)
    for path in cgroups_named(cgroup):
        if not (path / "cgroup.procs").read_text().strip():
            path.rmdir()

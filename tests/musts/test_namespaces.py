"""config-linux.md#namespaces."""

from __future__ import annotations

import os
import subprocess
from typing import Any

import pytest
from support.bundles import MOUNTS, MakeBundle
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]

# Type -> its name in procfs.
LINKS = {
    "user": "user",
    "pid": "pid",
    "network": "net",
    "ipc": "ipc",
    "uts": "uts",
    "cgroup": "cgroup",
    "time": "time",
    "mount": "mnt",
}
MAPPING = {"containerID": 0, "hostID": 0, "size": 65536}


def link_of(pid: int | str, type: str) -> str:
    """Name the namespace of a type in which a process is."""
    return os.readlink(f"/proc/{pid}/ns/{LINKS[type]}")


def all_new(config: dict[str, Any]) -> None:
    """Ask for a new namespace of every type."""
    config["linux"]["namespaces"] = [{"type": type} for type in LINKS]
    config["linux"]["uidMappings"] = config["linux"]["gidMappings"] = [MAPPING]


@pytest.mark.parametrize(
    "joined", [(), ("network", "ipc"), ("pid", "uts", "cgroup", "time"), tuple(LINKS)[:-1]], ids=len
)
def test_each_is_joined_made_or_inherited_as_listed(
    runner: Runner, bundle: MakeBundle, joined: tuple[str, ...]
) -> None:
    """With a path the container is in that one, without a path in a new one, unlisted in the runtime's.

    The namespaces of one container are there for the next: of all but mount, which is a test by itself.
    """
    made = bundle(["sleep", "600"], change=all_new)
    runner.ok("run", "--detach", "--bundle", made, "owner")
    owner = runner.state("owner")["pid"]
    kinds = [{"type": type, "path": f"/proc/{owner}/ns/{LINKS[type]}"} for type in joined]
    made.config["linux"] = {"namespaces": [*kinds, {"type": "mount"}]}
    made.config["mounts"] = [mount for mount in MOUNTS if mount["destination"] in ("/proc", "/dev")]
    names = " ".join(LINKS.values())
    made.config["process"]["args"] = ["sh", "-c", f"for n in {names}; do readlink /proc/self/ns/$n; done"]
    del made.config["hostname"]
    made.write()
    found = dict(zip(LINKS, runner.ok("run", "--bundle", made, "joiner").out.split(), strict=True))
    for type in tuple(LINKS)[:-1]:
        assert link_of(owner, type) != link_of("self", type)
        assert found[type] == link_of(owner if type in joined else "self", type), type
    assert found["mount"] not in (link_of(owner, "mount"), link_of("self", "mount"))
    runner.ok("delete", "--force", "owner")


def test_a_mount_namespace_is_joined(runner: Runner, bundle: MakeBundle) -> None:
    """The container is in it, and changes its root, which is the namespace's own: who is in it sees that."""
    command = ["unshare", "--mount", "sh", "-c", "echo there; exec sleep 600"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"there\n"
        made = bundle(["sh", "-c", "readlink /proc/self/ns/mnt; echo /*"])
        kinds = [{"type": "pid"}, {"type": "mount", "path": f"/proc/{holder.pid}/ns/mnt"}]
        made.config["linux"]["namespaces"] = kinds
        del made.config["hostname"]
        made.write()
        namespace, *files = runner.ok("run", "--bundle", made, "c").out.split()
        assert namespace == link_of(holder.pid, "mount") != link_of("self", "mount")
        assert {"/bin", "/proc"} <= set(files)
        holder.kill()


def test_a_path_of_another_type_is_an_error(plain_runtime: Runner, bundle: MakeBundle) -> None:
    """The runtime MUST generate an error if the path is not of that type, or cannot be opened."""
    made = bundle(["true"])
    del made.config["hostname"]
    made.config["linux"] = {}
    for type, link in LINKS.items():
        for path in (f"/proc/self/ns/{'net' if link == 'uts' else 'uts'}", "/etc/passwd", "/proc/self/ns/no"):
            kinds = {"mount": {"type": "mount"}, type: {"type": type, "path": path}}
            made.config["linux"]["namespaces"] = list(kinds.values())
            made.write()
            assert path in plain_runtime.refused("create", "--bundle", made, "c")

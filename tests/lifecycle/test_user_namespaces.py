"""Containers in user namespaces: what init must write of itself, though nobody may look into it.

Out of scope: which ids a plain user may map, and cgroups.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.bundles import Bundle, make_bundle
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]

SCRIPT = ["sh", "-c", "cat /proc/self/oom_score_adj /proc/self/setgroups; id -u; ulimit -n"]
MAP = {"containerID": 0, "hostID": 100000, "size": 65536}


@pytest.fixture
def made(cgroup_name: str) -> Iterator[Bundle]:
    """Return a bundle that other users than root can reach; the tests' own folder is closed to them."""
    folder = Path(tempfile.mkdtemp(prefix="krun-test-"))
    folder.chmod(0o755)
    yield make_bundle(folder / "bundle", SCRIPT, cgroups_path=f"/{cgroup_name}bundle")
    shutil.rmtree(folder)


@pytest.fixture
def strict_namespace() -> Iterator[int]:
    """Return a process in a user namespace that denies setgroups, as one of a plain user does."""
    holder = subprocess.Popen(
        ["unshare", "--user", "sh", "-c", "echo; read line"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    for name, text in (("setgroups", "deny"), ("uid_map", "0 100000 65536"), ("gid_map", "0 100000 65536")):
        Path(f"/proc/{holder.pid}/{name}").write_text(text)
    yield holder.pid
    holder.communicate()


def limited(made: Bundle) -> None:
    """Ask for what the kernel wants written or set before a user namespace is entered."""
    made.config["process"]["oomScoreAdj"] = 500
    made.config["process"]["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 64, "hard": 64}]
    made.write()


def test_score_and_limits_are_set_in_a_new_user_namespace(runner: Runner, made: Bundle) -> None:
    """config.md#linux-process: `oomScoreAdj` and `rlimits`, whatever the namespaces are."""
    made.config["linux"]["namespaces"].append({"type": "user"})
    made.config["linux"] |= {"uidMappings": [MAP], "gidMappings": [MAP]}
    limited(made)
    assert runner.ok("run", "--bundle", made, "c").out == "500\nallow\n0\n64\n"


def test_a_namespace_that_denies_setgroups_can_be_joined(
    runner: Runner, made: Bundle, strict_namespace: int
) -> None:
    """Without additional groups there are none to be set."""
    made.config["linux"]["namespaces"].append({"type": "user", "path": f"/proc/{strict_namespace}/ns/user"})
    limited(made)
    assert runner.ok("run", "--bundle", made, "c").out == "500\ndeny\n0\n64\n"


def test_additional_groups_are_refused_where_they_are_denied(
    runner: Runner, made: Bundle, strict_namespace: int
) -> None:
    """They are not left out in silence."""
    made.config["linux"]["namespaces"].append({"type": "user", "path": f"/proc/{strict_namespace}/ns/user"})
    made.config["process"]["user"]["additionalGids"] = [5]
    made.write()
    assert "set the additional groups: EPERM" in runner.refused("run", "--bundle", made, "c")


@pytest.mark.needs("gcc")
@pytest.mark.parametrize("is_joined", [False, True], ids=["new", "joined"])
def test_the_notify_socket_is_reached_from_a_user_namespace(
    runner: Runner, made: Bundle, strict_namespace: int, say: Path, is_joined: bool
) -> None:
    """sd_notify(3): its root is nobody on the host, for whom the state directory is not open."""
    if is_joined:
        namespace = {"type": "user", "path": f"/proc/{strict_namespace}/ns/user"}
    else:
        namespace = {"type": "user"}
        made.config["linux"] |= {"uidMappings": [MAP], "gidMappings": [MAP]}
    made.config["linux"]["namespaces"].append(namespace)
    made.config["process"]["args"] = ["/say", "READY=1"]
    made.write()
    shutil.copy(say, made.rootfs / "say")
    (made.rootfs / "run/notify").mkdir(parents=True)
    root, address = made.path.parent / "run", str(made.path.parent / "manager")
    other = Runner(runner.program, root, runner.folder, monitor=runner.monitor)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        other.ok("run", "--bundle", made, "c", env={**os.environ, "NOTIFY_SOCKET": address})
        assert manager.recv(4096, socket.MSG_DONTWAIT) == b"READY=1"
    assert os.listdir(root) == []

"""What test_systemd runs in the small kernel: podman as it is by default, with systemd's cgroup driver.

For root, whose scopes are systemd's, and for a plain user, whose scopes are those of their own manager.
Not collected by itself: these need root, a systemd as the first process, and a cgroup v2.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import busybox
import pytest
from support.client import Answer, EngineClient
from support.systemd import ROOT, TIMEOUT_S, AsUser, show, system_bus, systemctl, units, users_manager

IMAGE = "localhost/busybox"
FOLDER = Path("/run/bed")
UID = 54321
ACCOUNTS = {
    "passwd": f"quince:x:{UID}:{UID}::/run/user/{UID}:/bin/sh\n",
    "group": f"quince:x:{UID}:\n",
    "subuid": "quince:600000:65536\n",
    "subgid": "quince:600000:65536\n",
}
CONTAINERS = """\
[containers]
log_driver = "k8s-file"
[engine]
events_logger = "file"
[engine.runtimes]
krun = ["/run/bed/krun"]
"""
STORAGE = """\
[storage]
driver = "vfs"
graphroot = "{home}/graph"
runroot = "{home}/runroot"
"""
# A kernel without KVM: the payload runs without a VM.
RUNTIME = """\
#!/bin/sh
exec /run/bed/venv/bin/krun --monitor none "$@"
"""
MIB = 1 << 20


def settings(home: str) -> dict[str, str]:
    """Write podman's settings for a home directory; returns the environment that names them."""
    folder = FOLDER / f"settings-{Path(home).name}"
    folder.mkdir()
    (folder / "containers.conf").write_text(CONTAINERS)
    (folder / "storage.conf").write_text(STORAGE.format(home=home))
    return {
        "CONTAINERS_CONF": str(folder / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
        "HOME": home,
    }


class Podman(EngineClient):
    """podman for one user, with krun or crun."""

    def __init__(self, call: AsUser, runtime: str, top: str, slice: str) -> None:
        """Say how to run something, the runtime, the cgroup of the manager, the slice of containers."""
        self.call, self.runtime, self.top, self.slice = call, runtime, top, slice

    def __call__(self, *args: str, stdin: bytes = b"") -> Answer:
        """Run podman and wait."""
        return self.call("podman", "--runtime", self.runtime, *args, stdin=stdin)

    def detach(self, name: str, *words: str) -> str:
        """Run a container in the background and return its id."""
        network = [] if any(word.startswith("--pod") for word in words) else ["--network=none"]
        return self.ok("run", "--detach", "--name", name, *network, *words).strip()

    def scope(self, id: str) -> dict[str, str]:
        """Return what systemd says of a container's scope."""
        wanted = ("ActiveState", "Slice", "Delegate", "ControlGroup", "MemoryMax", "TasksMax", "CPUWeight")
        where = () if self.top == "" else ("--user",)
        words = [word for name in wanted for word in ("--property", name)]
        answer = self.call("systemctl", *where, "show", f"libpod-{id}.scope", *words)
        assert answer.status == 0, answer
        return dict(line.split("=", 1) for line in answer.out.splitlines())

    def reload(self) -> None:
        """Have the manager read its units anew and put in force what it knows."""
        where = () if self.top == "" else ("--user",)
        assert self.call("systemctl", *where, "daemon-reload").status == 0


@pytest.fixture(scope="module", autouse=True)
def furnished() -> Iterator[None]:
    """Mount over what podman writes to, add a plain user and make an image; have a system bus."""
    FOLDER.mkdir()
    (FOLDER / "venv").mkdir()
    subprocess.run(["mount", "--bind", sys.prefix, str(FOLDER / "venv")], check=True)
    for folder in ("/var/cache", "/var/tmp"):
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=1777", "none", folder], check=True)
    for name, line in ACCOUNTS.items():
        host, more = Path("/etc", name), FOLDER / name
        more.write_text((host.read_text() if host.exists() else "") + line)
        if host.exists():
            subprocess.run(["mount", "--bind", str(more), str(host)], check=True)
    (FOLDER / "krun").write_text(RUNTIME)
    (FOLDER / "krun").chmod(0o755)
    tree = busybox.make_tree(FOLDER / "tree")
    shutil.make_archive(str(FOLDER / "busybox"), "tar", tree)
    with system_bus():
        yield


@pytest.fixture(scope="module")
def as_root() -> AsUser:
    """Return what runs something as root with root's settings and the image."""
    home = FOLDER / "home"
    home.mkdir()
    env = {**settings(str(home)), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR": "/run/tmp"}

    def call(*words: str, stdin: bytes = b"") -> Answer:
        return Answer(
            subprocess.run(words, env=env, input=stdin, capture_output=True, check=False, timeout=TIMEOUT_S)
        )

    assert call("podman", "import", "--quiet", str(FOLDER / "busybox.tar"), IMAGE).status == 0
    return call


@pytest.fixture(scope="module")
def as_user() -> Iterator[AsUser]:
    """Return the same for a plain user with subordinate ids, whose own systemd runs and has a bus."""
    home = f"/run/user/{UID}"
    # Nobody is logind here, for whom podman would wait on the system's bus.
    variables = {"USER": "quince", "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nowhere"}
    with users_manager(UID, {**settings(home), **variables}, bus=True) as call:
        assert call("podman", "import", "--quiet", str(FOLDER / "busybox.tar"), IMAGE).status == 0
        yield call
        # The process that holds the user's namespaces is podman's, and stays.
        call("podman", "system", "migrate")


@pytest.fixture(params=["root", "user"])
def podman(request: pytest.FixtureRequest) -> Iterator[Podman]:
    """Return podman with krun for root or for the user; a test leaves no container and no unit."""
    if request.param == "root":
        made = Podman(request.getfixturevalue("as_root"), "krun", "", "machine.slice")
    else:
        top = f"/user.slice/user-{UID}.slice/user@{UID}.service"
        made = Podman(request.getfixturevalue("as_user"), "krun", top, "user.slice")
    yield made
    left = made.ok("ps", "--all", "--quiet").split()
    made.ok("rm", "--all", "--force", "--time", "0")
    assert left == []
    # conmon's own scope ends with conmon, which may be after podman.
    cgroups = {path.name for path in ROOT.rglob("libpod-*") if path.is_dir()}
    assert not {name for name in cgroups | units() if name.startswith("libpod-") and "-conmon-" not in name}


def test_a_container_is_a_scope_with_its_limits(podman: Podman) -> None:
    """`--systemd-cgroup` and SLICE:libpod:ID, as podman gives them: the scope, its place, what it may use."""
    limits = ("--memory=64m", "--pids-limit=55", "--cpu-shares=512")
    id = podman.detach("limited", *limits, IMAGE, "sleep", "600")
    where = f"{podman.top}/{podman.slice}/libpod-{id}.scope"
    found = podman.scope(id)
    state = podman.inspect("limited")["State"]
    cgroup = Path(f"/proc/{state['Pid']}/cgroup").read_text()
    podman.reload()
    files = ("memory.max", "pids.max", "cpu.weight")
    values = [(ROOT / where[1:] / name).read_text().strip() for name in files]
    podman.ok("rm", "--force", "--time", "0", "limited")
    assert found == {
        "ActiveState": "active",
        "Slice": podman.slice,
        "Delegate": "yes",
        "ControlGroup": where,
        "MemoryMax": str(64 * MIB),
        "TasksMax": "55",
        "CPUWeight": "59",
    }
    assert state["CgroupPath"] == where
    assert cgroup == f"0::{where}\n"
    assert values == [str(64 * MIB), "55", "59"]


def test_an_update_is_systemds_too(podman: Podman) -> None:
    """`podman update`: in force at once, and still after systemd has put back what it knows."""
    id = podman.detach("changed", "--memory=64m", IMAGE, "sleep", "600")
    podman.ok("update", "--memory=96m", "changed")
    file = ROOT / f"{podman.top}/{podman.slice}/libpod-{id}.scope/memory.max".lstrip("/")
    before, known = file.read_text(), podman.scope(id)["MemoryMax"]
    podman.reload()
    after = file.read_text()
    podman.ok("rm", "--force", "--time", "0", "changed")
    assert (before, known, after) == (f"{96 * MIB}\n", str(96 * MIB), f"{96 * MIB}\n")


def test_the_whole_life(podman: Podman) -> None:
    """Run, exec, top, stats, pause, stop, start, kill, rm: each finds the container in its scope."""
    id = podman.detach("lives", IMAGE, "sh", "-c", "trap 'exit 7' TERM; while :; do sleep 0.05; done")
    scope = f"0::{podman.top}/{podman.slice}/libpod-{id}.scope"
    assert podman.ok("exec", "lives", "sh", "-c", "cat /proc/self/cgroup; cat /proc/1/comm").split() == [
        "0::/",
        "sh",
    ]
    (stats,) = json.loads(podman.ok("stats", "--no-stream", "--format", "json", "lives"))
    assert int(stats["pids"]) >= 1
    podman.ok("pause", "lives")
    assert podman.inspect("lives")["State"]["Status"] == "paused"
    podman.ok("unpause", "lives")
    podman.ok("stop", "lives")
    assert podman.inspect("lives")["State"]["ExitCode"] == 7
    podman.ok("start", "lives")
    pid = podman.inspect("lives")["State"]["Pid"]
    assert Path(f"/proc/{pid}/cgroup").read_text().strip() == scope
    podman.ok("kill", "lives")
    assert podman.ok("wait", "lives") == "137\n"
    podman.ok("rm", "lives")


def test_a_pods_containers_are_in_its_slice(podman: Podman) -> None:
    """The slice is podman's, and its member's scopes lie in it; all is gone with the pod."""
    pod = podman.ok("pod", "create", "--network=none", "--name=pod").strip()
    id = podman.detach("member", "--pod=pod", IMAGE, "sleep", "600")
    where = podman.scope(id)["ControlGroup"]
    podman.ok("pod", "rm", "--force", "--time", "0", "pod")
    stem = podman.slice.removesuffix(".slice")
    slice = f"{stem}-libpod_pod_{pod}.slice"
    assert where == f"{podman.top}/{podman.slice}/{slice}/libpod-{id}.scope"
    assert slice not in units()


def test_a_container_that_fails_leaves_no_unit(podman: Podman) -> None:
    """What cannot be executed is refused with podman's status, and its scope is gone."""
    answer = podman("run", "--rm", "--network=none", IMAGE, "nothing-of-that-name")
    assert answer.status == 127, answer


def test_devices_stay_closed_after_a_reload(as_root: AsUser) -> None:
    """krun's own device filter is not systemd's to lift: no node of another device can be opened."""
    podman = Podman(as_root, "krun", "", "machine.slice")
    podman.detach("closed", IMAGE, "sleep", "600")
    script = "mknod /tmp/loop b 7 0; cat /tmp/loop; echo >/dev/null && echo open"
    before = podman("exec", "closed", "sh", "-c", script)
    systemctl("daemon-reload")
    after = podman("exec", "closed", "sh", "-c", "cat /tmp/loop; echo >/dev/null && echo open")
    podman.ok("rm", "--force", "--time", "0", "closed")
    assert (before.out, after.out) == ("open\n", "open\n")
    assert "Operation not permitted" in before.err
    assert "Operation not permitted" in after.err


def test_split_cgroups_are_below_the_service(as_root: AsUser) -> None:
    """--cgroups=split, which is how services run containers: no scope, a cgroup below the service's own."""
    run = ("podman", "--runtime", "krun", "run", "--rm", "--network=none", "--cgroups=split", IMAGE)
    options = ("--quiet", "--wait", "--pipe", "--unit=split", "--property=Delegate=yes")
    variables = [
        f"--setenv={name}" for name in ("CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF", "HOME", "PATH")
    ]
    script = "cat /proc/self/cgroup; cat /sys/fs/cgroup/pids.max"
    done = as_root("systemd-run", *options, *variables, *run, "sh", "-c", script)
    assert done.status == 0, done
    assert done.out == "0::/\n2048\n"
    assert not {name for name in units() if name.startswith("libpod-")}


def test_the_same_life_with_crun(as_root: AsUser) -> None:
    """The bed and the expectations are right: another runtime is in a scope of that name and place, too."""
    podman = Podman(as_root, "crun", "", "machine.slice")
    id = podman.detach("proof", IMAGE, "sleep", "600")
    found = show(f"libpod-{id}.scope", "Slice", "Delegate", "ControlGroup")
    podman.ok("rm", "--force", "--time", "0", "proof")
    where = f"/machine.slice/libpod-{id}.scope"
    assert found == {"Slice": "machine.slice", "Delegate": "yes", "ControlGroup": where}

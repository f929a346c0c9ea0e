"""What test_systemd runs in the small kernel: dockerd with `native.cgroupdriver=systemd`, its default on v2.

Not collected by itself: these need root, a systemd as the first process, and a cgroup v2.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import busybox
import pytest
from support.client import Answer, EngineClient
from support.systemd import ROOT, TIMEOUT_S, UNITS, show, system_bus, systemctl, units

IMAGE = "busybox"
FOLDER = Path("/run/bed")
MIB = 1 << 20
SERVICE = """\
[Unit]
DefaultDependencies=no
[Service]
Type=notify
Delegate=yes
KillMode=process
Environment=PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/run/bed TMPDIR=/run/tmp
ExecStart=/usr/sbin/dockerd --data-root /run/bed/root --exec-root /run/bed/exec --host unix:///run/bed/sock \
 --pidfile /run/bed/pid --config-file /run/bed/daemon.json --exec-opt native.cgroupdriver=systemd \
 --iptables=false --ip6tables=false --bridge=none --storage-driver=vfs --add-runtime krun=/run/bed/krun
StandardOutput=file:/run/bed/log
StandardError=file:/run/bed/log
"""
# A kernel without KVM: the payload runs without a VM.
RUNTIME = f"""\
#!/bin/sh
exec {sys.prefix}/bin/krun --monitor none "$@"
"""


class Docker(EngineClient):
    """The client of the daemon, with krun or runc."""

    def __init__(self, runtime: str) -> None:
        """Say which."""
        self.runtime = runtime

    def __call__(self, *args: str, stdin: bytes = b"") -> Answer:
        """Run the client and wait."""
        command = ["docker", "--host", "unix:///run/bed/sock", *args]
        env = {**os.environ, "HOME": str(FOLDER)}
        return Answer(
            subprocess.run(command, env=env, input=stdin, capture_output=True, check=False, timeout=TIMEOUT_S)
        )

    def run(self, *words: str) -> str:
        """Run a container without a network, assert that it succeeds, return what the client prints."""
        return self.ok("run", "--runtime", self.runtime, "--network=none", *words).strip()


@pytest.fixture(scope="module", autouse=True)
def daemon() -> Iterator[None]:
    """Start dockerd as a service, with an image."""
    FOLDER.mkdir()
    (FOLDER / "daemon.json").write_text("{}\n")
    (FOLDER / "krun").write_text(RUNTIME)
    (FOLDER / "krun").chmod(0o755)
    (UNITS / "bed.service").write_text(SERVICE)
    with system_bus():
        try:
            systemctl("start", "bed.service")
        except subprocess.CalledProcessError:
            raise AssertionError((FOLDER / "log").read_text()) from None
        tree = busybox.make_tree(FOLDER / "tree")
        archive = subprocess.run(["tar", "-C", str(tree), "-c", "."], capture_output=True, check=True)
        Docker("runc").ok("import", "-", IMAGE, stdin=archive.stdout)
        yield
        systemctl("stop", "bed.service")


@pytest.fixture
def docker(request: pytest.FixtureRequest) -> Iterator[Docker]:
    """Return the client with krun, or another runtime; a test leaves no container, no unit and no cgroup."""
    made = Docker(getattr(request, "param", "krun"))
    yield made
    left = made.ok("ps", "--all", "--quiet").split()
    if left:
        made.ok("rm", "--force", *left)
    assert left == []
    assert not [path for path in ROOT.rglob("docker-*.scope") if path.is_dir()]
    assert not [unit for unit in units() if unit.startswith("docker-")]


# runc proves the test.
EITHER = pytest.mark.parametrize("docker", ["krun", "runc"], indirect=True)


def values(id: str, *files: str) -> list[str]:
    """Return what files of a container's cgroup say."""
    return [(ROOT / f"system.slice/docker-{id}.scope" / name).read_text().strip() for name in files]


@EITHER
def test_limits_are_the_scopes_and_stay_so(docker: Docker) -> None:
    """SLICE:docker:ID: the properties of the scope, and the files, also after a reload of systemd's."""
    limits = ("--memory=64m", "--memory-reservation=32m", "--cpus=0.5", "--pids-limit=55")
    id = docker.run("--detach", "--name=limited", *limits, IMAGE, "sleep", "600")
    wanted = {
        "Slice": "system.slice",
        "Delegate": "yes",
        "ControlGroup": f"/system.slice/docker-{id}.scope",
        "MemoryMax": str(64 * MIB),
        "MemoryLow": str(32 * MIB),
        "MemorySwapMax": str(64 * MIB),
        "TasksMax": "55",
        "CPUQuotaPerSecUSec": "500ms",
        "CPUQuotaPeriodUSec": "100ms",
    }
    found = show(f"docker-{id}.scope", *wanted)
    files = ("memory.max", "memory.low", "memory.swap.max", "pids.max", "cpu.max")
    before = values(id, *files)
    systemctl("daemon-reload")
    after = values(id, *files)
    docker.ok("rm", "--force", "limited")
    assert found == wanted
    assert before == [str(64 * MIB), str(32 * MIB), str(64 * MIB), "55", "50000 100000"]
    assert after == before


def test_an_update_is_systemds_too(docker: Docker) -> None:
    """`docker update`: in force at once, and still after systemd has put back what it knows."""
    id = docker.run("--detach", "--name=changed", "--memory=64m", IMAGE, "sleep", "600")
    docker.ok("update", "--memory=96m", "--memory-swap=192m", "--cpus=0.25", "--pids-limit=66", "changed")
    files = ("memory.max", "memory.swap.max", "cpu.max", "pids.max")
    before = values(id, *files)
    systemctl("daemon-reload")
    after = values(id, *files)
    docker.ok("rm", "--force", "changed")
    assert before == [str(96 * MIB), str(96 * MIB), "25000 100000", "66"]
    assert after == before


def test_the_whole_life(docker: Docker) -> None:
    """Run, exec, stats, pause, stop, start, kill, rm."""
    script = "trap 'exit 7' TERM; touch /ready; while :; do sleep 0.05; done"
    docker.run("--detach", "--name=lives", IMAGE, "sh", "-c", script)
    docker.ok("exec", "lives", "sh", "-c", "until [ -e /ready ]; do sleep 0.05; done")
    assert docker.ok("exec", "lives", "cat", "/proc/self/cgroup") == "0::/\n"
    assert int(docker.ok("stats", "--no-stream", "--format", "{{.PIDs}}", "lives")) >= 1
    docker.ok("pause", "lives")
    assert docker.inspect("lives")["State"]["Status"] == "paused"
    docker.ok("unpause", "lives")
    docker.ok("stop", "lives")
    assert docker.inspect("lives")["State"]["ExitCode"] == 7
    docker.ok("start", "lives")
    docker.ok("kill", "lives")
    assert docker.ok("wait", "lives") == "137\n"
    docker.ok("rm", "lives")


def test_a_parent_is_a_slice(docker: Docker) -> None:
    """--cgroup-parent names one, which systemd makes."""
    docker.run("--detach", "--name=deep", "--cgroup-parent=my-deep.slice", IMAGE, "sleep", "600")
    where = Path(f"/proc/{docker.inspect('deep')['State']['Pid']}/cgroup").read_text().strip()
    id = docker.inspect("deep")["Id"]
    docker.ok("rm", "--force", "deep")
    assert where == f"0::/my.slice/my-deep.slice/docker-{id}.scope"


def test_the_end_of_the_scope_is_the_containers(docker: Docker) -> None:
    """`systemctl stop` of the unit ends its processes, and docker hears of it."""
    id = docker.run("--detach", "--name=stopped", IMAGE, "sleep", "600")
    systemctl("kill", "--signal=KILL", f"docker-{id}.scope")
    status = docker.ok("wait", "stopped")
    docker.ok("rm", "stopped")
    assert status == "137\n"


@EITHER
def test_devices_stay_closed_after_a_reload(docker: Docker) -> None:
    """Nodes of devices that were not given cannot be opened, before and after."""
    docker.run("--detach", "--name=closed", IMAGE, "sleep", "600")
    script = "cat /tmp/loop; echo >/dev/null && echo open"
    before = docker("exec", "closed", "sh", "-c", f"mknod /tmp/loop b 7 0; {script}")
    systemctl("daemon-reload")
    after = docker("exec", "closed", "sh", "-c", script)
    docker.ok("rm", "--force", "closed")
    assert (before.out, after.out) == ("open\n", "open\n")
    assert "Operation not permitted" in before.err
    assert "Operation not permitted" in after.err


def test_what_cannot_run_is_refused_and_leaves_no_unit(docker: Docker) -> None:
    """The client's status is 127, and the scope is gone."""
    answer = docker("run", "--runtime", docker.runtime, "--rm", "--network=none", IMAGE, "no-such-program")
    assert answer.status == 127, answer

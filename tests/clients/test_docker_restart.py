"""A dockerd that is restarted while its containers run (`--live-restore`): they are none the worse for it.

With a bed of its own; the test runs with runc, too, which proves the test.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.docker import IMAGE, Docker
from testbed import Testbed


@pytest.fixture(scope="module")
def live_bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    """Return a dockerd that leaves containers alone when it ends."""
    folder = tmp_path_factory.mktemp("live")
    krun = Path(sys.executable).parent / "krun"
    with Testbed(folder, runtimes={"krun": krun}, dockerd_args=["--live-restore"]) as up:
        up.import_busybox(IMAGE)
        yield up
    up.remove_data("docker-root")


@pytest.mark.parametrize(
    "runtime",
    [
        pytest.param("krun", marks=pytest.mark.needs("root", "dockerd", "busybox", "kvm")),
        pytest.param("runc", marks=pytest.mark.needs("root", "dockerd", "busybox", "runc")),
    ],
)
def test_a_container_outlives_dockerd(live_bed: Testbed, runtime: str) -> None:
    """The same process goes on; exec, stop and the status work with the new dockerd."""
    docker = Docker(live_bed, runtime)
    script = "trap 'exit 7' TERM; touch /ready; while :; do sleep 0.05; done"
    docker.ok(*docker.words("--detach", "--name", "survivor", IMAGE, "sh", "-c", script))
    docker.ok("exec", "survivor", "sh", "-c", "until [ -e /ready ]; do sleep 0.05; done")
    before = docker.inspect("survivor")["State"]["Pid"]
    live_bed.restart_dockerd()
    state = docker.inspect("survivor")["State"]
    assert (state["Running"], state["Pid"]) == (True, before)
    assert docker.ok("exec", "survivor", "echo", "alive") == "alive\n"
    docker.ok("stop", "survivor")
    state = docker.inspect("survivor")["State"]
    docker.ok("rm", "--force", "survivor")
    assert (state["Status"], state["ExitCode"]) == ("exited", 7)
    assert docker.state_directories() == []

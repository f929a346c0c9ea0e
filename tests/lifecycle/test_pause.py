"""`krun pause` and `krun resume`: the freezer, and what the other verbs make of it."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess

import pytest
from support.bundles import MakeBundle
from support.processes import TIMEOUT_S, wait_dead
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]

SILENCE_S = 0.5


@pytest.fixture
def paused(runner: Runner, bundle: MakeBundle) -> Runner:
    """Return the runner of a paused container `c`."""
    runner.ok("run", "--detach", "--bundle", bundle(["sleep", "600"]), "c")
    runner.ok("pause", "c")
    return runner


def test_a_paused_container_stands_still_and_then_goes_on(runner: Runner, bundle: MakeBundle) -> None:
    """It answers nothing while it is paused, and everything afterwards."""
    made = bundle(["sh", "-c", "echo ready; while read word; do echo got $word; done"])
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with runner.start("run", "--bundle", made, "c", **pipes) as krun:
        assert krun.stdin is not None
        assert krun.stdout is not None
        assert krun.stdout.readline() == b"ready\n"
        runner.ok("pause", "c")
        krun.stdin.write(b"word\n")
        krun.stdin.flush()
        assert select.select([krun.stdout], [], [], SILENCE_S)[0] == []
        runner.ok("resume", "c")
        assert krun.stdout.readline() == b"got word\n"
        krun.stdin.close()
        assert krun.wait(TIMEOUT_S) == 0


def test_state_and_list_say_paused(paused: Runner) -> None:
    """And running again afterwards."""
    assert paused.state("c")["status"] == "paused"
    assert paused.state("c")["pid"] > 0
    assert [entry["status"] for entry in json.loads(paused.ok("list", "--format", "json").out)] == ["paused"]
    paused.ok("resume", "c")
    assert paused.state("c")["status"] == "running"
    paused.ok("delete", "--force", "c")


def test_sigkill_ends_a_paused_container(paused: Runner) -> None:
    """As with runc: what is frozen could not die."""
    pid = paused.state("c")["pid"]
    paused.ok("kill", "c", "KILL")
    wait_dead(pid)
    assert paused.state("c")["status"] == "stopped"
    paused.ok("delete", "c")


def test_another_signal_waits_for_the_end_of_the_pause(runner: Runner, bundle: MakeBundle) -> None:
    """It is not lost, and it ends no pause."""
    made = bundle(["sh", "-c", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.1; done"])
    with runner.start("run", "--bundle", made, "c", stdout=subprocess.PIPE) as krun:
        assert krun.stdout is not None
        assert krun.stdout.readline() == b"ready\n"
        runner.ok("pause", "c")
        runner.ok("kill", "c", str(int(signal.SIGTERM)))
        assert runner.state("c")["status"] == "paused"
        runner.ok("resume", "c")
        assert krun.wait(TIMEOUT_S) == 9


def test_a_paused_container_is_deleted_only_by_force(paused: Runner) -> None:
    """Without force it is refused with its status."""
    line = paused.refused("delete", "c")
    assert line == 'krun: cannot delete container "c" that is not stopped: paused'
    paused.ok("delete", "--force", "c")
    assert os.listdir(paused.root) == []


def test_pausing_twice_and_resuming_twice_are_refused(paused: Runner) -> None:
    """With the status that was found."""
    line = paused.refused("pause", "c")
    assert line == 'krun: cannot pause container "c": container not running: paused'
    paused.ok("resume", "c")
    line = paused.refused("resume", "c")
    assert line == 'krun: cannot resume container "c": container not paused: running'
    paused.ok("delete", "--force", "c")


def test_a_created_container_can_be_paused(runner: Runner, bundle: MakeBundle) -> None:
    """As with runc: it is not started before it is resumed, and is created again then."""
    runner.ok("create", "--bundle", bundle(["sleep", "600"]), "c")
    runner.ok("pause", "c")
    assert runner.state("c")["status"] == "paused"
    assert runner.refused("start", "c") == 'krun: container "c" cannot be started: it is paused'
    runner.ok("resume", "c")
    assert runner.state("c")["status"] == "created"
    runner.ok("start", "c")
    assert runner.state("c")["status"] == "running"
    runner.ok("delete", "--force", "c")


def test_what_has_stopped_cannot_be_paused(runner: Runner, bundle: MakeBundle) -> None:
    """There is nothing left to stop."""
    runner.ok("create", "--bundle", bundle(["true"]), "c")
    runner.ok("start", "c")
    runner.wait("c")
    assert runner.refused("pause", "c").endswith("container not running: stopped")
    runner.ok("delete", "c")


def test_without_a_cgroup_there_is_no_pause(runner: Runner, bundle: MakeBundle) -> None:
    """Which is said."""
    runner.ok("--cgroup-manager", "disabled", "run", "--detach", "--bundle", bundle(["sleep", "600"]), "c")
    assert runner.refused("pause", "c") == 'krun: cannot pause container "c": it has no cgroup'
    runner.ok("delete", "--force", "c")

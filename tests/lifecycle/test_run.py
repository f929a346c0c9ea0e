"""`krun run`."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest
from support.bundles import MakeBundle
from support.gate import Gate
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]


@pytest.mark.parametrize(("script", "status"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 137)])
def test_the_status_is_the_payloads(runner: Runner, bundle: MakeBundle, script: str, status: int) -> None:
    """128 + N for a death by signal N, and nothing is left."""
    # A process that is pid 1 is not killed by its own signal: let the shell be another.
    made = bundle(["sh", "-c", script], namespaces=("network", "ipc", "uts", "mount"))
    assert runner("run", "--bundle", made, "c").status == status
    assert os.listdir(runner.root) == []


def test_the_standard_streams_are_the_payloads(runner: Runner, bundle: MakeBundle) -> None:
    """Byte for byte."""
    result = runner.ok("run", "--bundle", bundle(["sh", "-c", "cat; echo err >&2"]), "c", stdin=b"a\nb")
    assert (result.out, result.err) == ("a\nb", "err\n")


def test_signals_are_passed_on(runner: Runner, bundle: MakeBundle, gate: Gate) -> None:
    """krun in the foreground stands for the payload."""
    script = "trap 'exit 9' TERM; echo ready >/gate; while :; do sleep 0.1; done"
    made = bundle(["sh", "-c", script], mounts=[gate.mount])
    krun = runner.start("run", "--bundle", made, "c", stdin=subprocess.DEVNULL)
    assert gate.read() == "ready"
    krun.send_signal(signal.SIGTERM)
    assert krun.wait(30) == 9


def test_detached_leaves_a_running_container(runner: Runner, bundle: MakeBundle) -> None:
    """As `create` and `start` do."""
    runner.ok("run", "--detach", "--bundle", bundle(["sleep", "600"]), "c")
    assert runner.state("c")["status"] == "running"
    runner.ok("delete", "--force", "c")


def test_keep_leaves_the_stopped_container(runner: Runner, bundle: MakeBundle) -> None:
    """For who wants to look at its state."""
    runner.ok("run", "--keep", "--bundle", bundle(["true"]), "c")
    assert runner.state("c")["status"] == "stopped"
    runner.ok("delete", "c")

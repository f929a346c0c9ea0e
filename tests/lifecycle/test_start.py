"""`krun start`."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from support.bundles import MakeBundle
from support.processes import wait_dead
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]


def test_the_process_runs(runner: Runner, created: str) -> None:
    """runtime.md#start: it must run the user-specified program."""
    result = runner.ok("start", created)
    assert (result.out, result.err) == ("", "")
    assert runner.state(created)["status"] == "running"
    runner.ok("delete", "--force", created)


def test_a_container_without_a_process_is_not_started(runner: Runner, bundle: MakeBundle) -> None:
    """runtime.md#start: an error if process was not set; the container stays as it is."""
    runner.ok("create", "--bundle", bundle(["true"], change=lambda config: config.pop("process")), "c")
    line = runner.refused("start", "c")
    assert line == 'krun: container "c" cannot be started: it has no process'
    assert runner.state("c")["status"] == "created"
    runner.ok("delete", "c")


def test_a_second_start_is_refused(runner: Runner, created: str) -> None:
    """runtime.md#start: starting what is not created must have no effect and generate an error."""
    runner.ok("start", created)
    line = runner.refused("start", created)
    assert line == f'krun: container "{created}" cannot be started: it is already running'
    assert runner.state(created)["status"] == "running"
    runner.ok("delete", "--force", created)


def test_a_start_that_cannot_be_noted_says_why(runner: Runner, bundle: MakeBundle, krun_root: Path) -> None:
    """No space is left where the states lie: the error is that of `start`, and the container stops."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "states", krun_root], check=True)
    try:
        runner.ok("create", "--bundle", bundle(["true"]), "c")
        with (krun_root / "filling").open("wb", buffering=0) as filling:
            assert filling.write(bytes(1 << 20)) < 1 << 20
        assert "started: ENOSPC" in runner.refused("start", "c")
        assert runner.state("c")["status"] == "stopped"
        runner.ok("delete", "c")
    finally:
        subprocess.run(["umount", krun_root], check=True)


def test_a_stopped_container_is_not_started(runner: Runner, created: str) -> None:
    """Its process has been and gone."""
    pid = runner.state(created)["pid"]
    runner.ok("kill", created, "KILL")
    wait_dead(pid)
    assert "it has stopped" in runner.refused("start", created)
    runner.ok("delete", created)


def test_a_failing_poststart_hook_ends_the_container(
    runner: Runner, bundle: MakeBundle, tmp_path: Path
) -> None:
    """runtime.md#lifecycle: generate an error, stop the container, delete it, run the poststop hooks."""
    stopped = tmp_path / "stopped"
    hooks = {
        "poststart": [{"path": "/bin/sh", "args": ["sh", "-c", "echo no luck; exit 3"]}],
        "poststop": [{"path": "/bin/sh", "args": ["sh", "-c", f"cat >{stopped}"]}],
    }
    runner.ok("create", "--bundle", bundle(["sleep", "600"], hooks=hooks), "c")
    line = runner.refused("start", "c")
    assert line == "krun: hook poststart[0] /bin/sh: exited with status 3: no luck"
    assert json.loads(stopped.read_text())["status"] == "stopped"
    assert os.listdir(runner.root) == []


def test_a_poststart_hook_that_fails_in_run_is_one_clear_line(
    runner: Runner, bundle: MakeBundle, tmp_path: Path
) -> None:
    """The container is destroyed once, the poststop hooks run once, and undoing finds nothing wrong."""
    stopped = tmp_path / "stopped"
    hooks = {
        "poststart": [{"path": "/bin/sh", "args": ["sh", "-c", "echo no luck; exit 3"]}],
        "poststop": [{"path": "/bin/sh", "args": ["sh", "-c", f"echo once >>{stopped}"]}],
    }
    line = runner.refused("run", "--bundle", bundle(["sleep", "600"], hooks=hooks), "c")
    assert line == "krun: hook poststart[0] /bin/sh: exited with status 3: no luck"
    assert stopped.read_text() == "once\n"
    assert os.listdir(runner.root) == []

"""HOOK: createContainer and startContainer hooks, run by krun-init."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from support.stage import PROC, StageRunner, opening, payload, shell

from krun.plan import ops

pytestmark = pytest.mark.needs("root", "busybox")


def hook(
    script: str, *, timeout_ms: int = 0, point: str = "createContainer", path: str = "/bin/sh"
) -> ops.Hook:
    """Return a hook that runs a script."""
    return ops.Hook(
        point,
        0,
        path,
        ("sh", "-c", script, "zero", "one two"),
        ("ONLY=this",),
        timeout_ms,
        '{"pid":',
        ',"id":"x"}',
    )


def test_hook_gets_the_state_and_exactly_its_environment(
    stage: StageRunner, root: Path, tmp_path: Path
) -> None:
    """State on stdin with the pid as the runtime sees it; args and env as configured, nothing inherited."""
    out = tmp_path / "out"
    script = f'exec > {out}; cat; echo; echo "$0" "$1"; cat /proc/self/environ; echo; ls /proc/self/fd'
    outcome = stage.run([*opening(root), hook(script), ops.PivotRoot(), *shell("true")])
    assert outcome.error is None
    state, args, env, *fds = out.read_text().splitlines()
    assert state == f'{{"pid":{outcome.init_pid},"id":"x"}}'
    assert args == "zero one two"
    variables = dict(variable.split("=") for variable in env.rstrip("\0").split("\0"))
    del variables["PWD"]  # dash's own
    assert variables == {"ONLY": "this"}
    assert fds == ["0", "1", "2", "3"]  # the last one is ls's own


def test_hook_runs_in_the_containers_namespaces(stage: StageRunner, root: Path, tmp_path: Path) -> None:
    """createContainer: its path is the runtime's, it runs in the container's namespaces."""
    script = f"readlink /proc/self/ns/uts > {tmp_path}/ns"
    stage.run([*opening(root), hook(script), ops.PivotRoot(), *shell("true")])
    inside = (tmp_path / "ns").read_text().strip()
    assert inside != os.readlink("/proc/self/ns/uts")


def test_failed_hook_says_its_status_and_its_words(stage: StageRunner, root: Path) -> None:
    """The error has the point, the index, the path, the status and what the hook wrote."""
    outcome = stage.run([*opening(root), hook("echo it is broken >&2; exit 4")])
    assert outcome.error == (6, "0 hook createContainer[0] /bin/sh: exit status 4: it is broken")


def test_killed_hook_says_its_signal(stage: StageRunner, root: Path) -> None:
    """A death by signal is no exit status."""
    outcome = stage.run([*opening(root), hook("kill -KILL $$")])
    assert outcome.error == (6, "0 hook createContainer[0] /bin/sh: killed by signal 9")


def test_missing_hook_is_named(stage: StageRunner, root: Path, tmp_path: Path) -> None:
    """A hook that cannot be executed is an error with its errno's name."""
    path = str(tmp_path / "missing")
    outcome = stage.run([*opening(root), hook("", path=path)])
    assert outcome.error == (6, f"0 hook createContainer[0] {path}: exit status 127: cannot execute: ENOENT")


def test_hook_is_killed_when_its_time_is_up(stage: StageRunner, root: Path, tmp_path: Path) -> None:
    """With its whole process group."""
    begin = time.monotonic()
    outcome = stage.run(
        [*opening(root), hook(f"(sleep 60; touch {tmp_path}/late) & sleep 60", timeout_ms=200)]
    )
    assert outcome.error == (6, "ETIMEDOUT hook createContainer[0] /bin/sh: killed after 200 ms")
    assert 0.2 <= time.monotonic() - begin < 20


def test_hook_with_time_left_is_not_killed(stage: StageRunner, root: Path) -> None:
    """The timeout is an upper bound."""
    outcome = stage.run([*opening(root), hook("true", timeout_ms=20000), ops.PivotRoot(), *shell("echo on")])
    assert outcome.output == "on\n"


def test_start_container_hook_runs_behind_the_barrier(stage: StageRunner, root: Path) -> None:
    """In the container, before the payload, after `start` was called."""
    started = hook("echo hook > /tmp/order", point="startContainer")
    end = payload("sh", "-c", "cat /tmp/order; echo payload")
    program = [*opening(root), PROC, ops.PivotRoot(), *end[:-1], started, end[-1]]
    outcome = stage.run(program)
    assert (outcome.output, outcome.records) == ("hook\npayload\n", "ready\n")


def test_failed_start_container_hook_fails_the_start(stage: StageRunner, root: Path) -> None:
    """The record is `error`, and the container was never started."""
    end = shell("echo never")
    broken = hook("exit 5", point="startContainer")
    program = [*opening(root), PROC, ops.PivotRoot(), *end[:-1], broken, end[-1]]
    outcome = stage.run(program)
    index = len(program) - 2
    assert outcome.records == f"error {index} 0 hook startContainer[0] /bin/sh: exit status 5\n"
    assert (outcome.output, outcome.started) == ("", False)


def test_hook_ends_with_the_runtime(stage: StageRunner, root: Path, tmp_path: Path) -> None:
    """Nothing goes on for a runtime that is gone, not even a hook that has begun."""
    fifo = tmp_path / "begun"
    os.mkfifo(fifo)
    stage.hang_up_on = os.open(fifo, os.O_RDWR)
    try:
        outcome = stage.run([*opening(root), hook(f"echo > {fifo}; sleep 60; touch {tmp_path}/late")])
    finally:
        os.close(stage.hang_up_on)
    assert os.waitstatus_to_exitcode(outcome.status or 0) == 1
    assert not (tmp_path / "late").exists()

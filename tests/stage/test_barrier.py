"""READY, the named pipe, and what follows them (specs/barrier.md)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.stage import PROC, StageRunner, opening, payload, shell

from krun.plan import ops
from krun.sys import native

pytestmark = pytest.mark.needs("root", "busybox")


def test_payload_runs_behind_the_barrier(stage: StageRunner, root: Path) -> None:
    """End of file after `ready` means that the payload's first instruction has run."""
    outcome = stage.run([*opening(root), PROC, ops.PivotRoot(), *shell("echo $$ $0; exit 7")])
    assert outcome.error is None
    assert (outcome.stage_status, outcome.records, outcome.started) == (0, "ready\n", True)
    assert outcome.output == "1 sh\n"
    assert outcome.status is not None
    assert os.waitstatus_to_exitcode(outcome.status) == 7


def test_failed_exec_is_told_through_the_barrier(stage: StageRunner, root: Path) -> None:
    """A failed exec writes the record `error OP ERRNO TEXT` and ends init."""
    (root / "bin/text").write_text("no program\n")
    (root / "bin/text").chmod(0o755)
    program = [*opening(root), ops.PivotRoot(), *payload("text")]
    outcome = stage.run(program)
    assert outcome.ready
    assert outcome.records == f"ready\nerror {len(program) - 1} ENOEXEC exec /bin/text: exec format error\n"
    assert outcome.status is not None
    assert os.waitstatus_to_exitcode(outcome.status) == 1


def test_init_ends_with_a_runtime_that_does_not_commit(stage: StageRunner, root: Path) -> None:
    """It does not wait at the pipe for a start that nobody knows to make."""
    stage.hang_up_at = native.MSG_READY
    outcome = stage.run([*opening(root), ops.PivotRoot(), *shell("exit 0")])
    assert outcome.error is None
    assert not outcome.ready
    assert outcome.status is not None
    assert os.waitstatus_to_exitcode(outcome.status) == 1
    assert not outcome.started

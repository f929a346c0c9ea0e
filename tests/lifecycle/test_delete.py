"""`krun delete`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from support.bundles import MakeBundle
from support.processes import wait_dead
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]


def test_a_running_container_is_refused(runner: Runner, created: str) -> None:
    """runtime.md#delete: deleting what is not stopped must have no effect and generate an error."""
    runner.ok("start", created)
    line = runner.refused("delete", created)
    assert line == f'krun: cannot delete container "{created}" that is not stopped: running'
    assert runner.state(created)["status"] == "running"
    runner.ok("delete", "--force", created)


@pytest.mark.needs("strace")
@pytest.mark.parametrize("verb", ["delete", "kill", "exec", "pause", "state", "start"])
def test_what_cannot_be_looked_at_is_not_taken_for_stopped(
    runner: Runner, krun: Path, krun_root: Path, tmp_path: Path, created: str, verb: str
) -> None:
    """The kernel has no room for one more file at this moment: nobody is deleted, or said to have ended."""
    runner.ok("start", created)
    where = f"/proc/{runner.state(created)['pid']}/stat"
    strace = ["strace", "-o", tmp_path / "trace", "-P", where, "-e", "inject=openat:error=ENFILE"]
    failing = Runner(krun, krun_root, tmp_path / "failing", through=list(map(str, strace)))
    result = failing(verb, created, *(["true"] if verb == "exec" else []))
    assert result.status == (255 if verb == "exec" else 1), result
    assert result.err == f"krun: {where}: unexpected error ENFILE\n"
    assert runner.state(created)["status"] == "running"
    runner.ok("delete", "--force", created)


def test_a_created_container_is_killed(runner: Runner, created: str) -> None:
    """As runc does."""
    pid = runner.state(created)["pid"]
    runner.ok("delete", created)
    wait_dead(pid)
    assert os.listdir(runner.root) == []


def test_force_of_nothing_succeeds(runner: Runner) -> None:
    """Shims call it after every end; without force it is an error."""
    runner.ok("delete", "--force", "nothing")
    assert runner.refused("delete", "nothing") == 'krun: container "nothing" does not exist'


def test_poststop_hooks_read_the_state_and_may_fail(
    runner: Runner, bundle: MakeBundle, tmp_path: Path
) -> None:
    """runtime.md#lifecycle: a failing poststop hook is a warning, and the others run."""
    state = tmp_path / "state"
    hooks = {
        "poststop": [
            {"path": "/bin/false"},
            {"path": "/bin/sh", "args": ["sh", "-c", f"cat >{state}"]},
        ]
    }
    made = bundle(["true"], hooks=hooks)
    runner.ok("create", "--bundle", made, "c")
    runner.ok("delete", "c")
    assert json.loads(state.read_text()) == {
        "ociVersion": "1.3.0",
        "id": "c",
        "status": "stopped",
        "bundle": str(made),
    }


def test_what_other_runtimes_keep_in_the_root_stays(runner: Runner) -> None:
    """dockerd gives all its runtimes the same root."""
    foreign = runner.root / "runc-container"
    foreign.mkdir()
    (foreign / "state.json").write_text("{}")
    runner.ok("delete", "--force", foreign.name)
    assert runner.refused("state", foreign.name) == f'krun: container "{foreign.name}" does not exist'
    assert runner.ok("list", "--quiet").out == ""
    assert (foreign / "state.json").read_text() == "{}"
    (foreign / "state.json").unlink()
    foreign.rmdir()


def test_force_removes_what_a_killed_create_left(runner: Runner) -> None:
    """A directory that krun was killed in before there was a record."""
    (runner.root / "c").mkdir()
    (runner.root / "c" / "krun.lock").touch()
    runner.ok("delete", "--force", "c")
    assert os.listdir(runner.root) == []


@pytest.mark.parametrize(
    ("verbs", "status", "is_refused"),
    [
        (["create"], "created", False),
        (["create", "pause"], "paused", True),
        (["create", "start"], "running", True),
        (["create", "start", "pause"], "paused", True),
        (["create", "start", "kill"], "stopped", False),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else None,
)
def test_force_deletes_in_every_state(
    runner: Runner, bundle: MakeBundle, verbs: list[str], status: str, is_refused: bool
) -> None:
    """And without it what lives is refused, but for what was not started."""
    words = {"create": ["--bundle", bundle(["sleep", "600"])], "kill": []}
    for verb in verbs:
        pid = 0 if verb == "create" else runner.state("c")["pid"]
        runner.ok(verb, *words.get(verb, []), "c", *(["KILL"] if verb == "kill" else []))
        if verb == "kill":
            wait_dead(pid)
    assert runner.state("c")["status"] == status
    if is_refused:
        line = runner.refused("delete", "c")
        assert line == f'krun: cannot delete container "c" that is not stopped: {status}'
        assert runner.state("c")["status"] == status
    runner.ok("delete", *(["--force"] if is_refused else []), "c")
    assert os.listdir(runner.root) == []

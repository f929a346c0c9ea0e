"""`krun state` and `krun list`."""

from __future__ import annotations

import json
import os

import pytest
from support.bundles import MakeBundle
from support.processes import wait_dead
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]


class TestState:
    """`krun state`."""

    def test_it_is_what_the_specification_and_runc_have(self, runner: Runner, bundle: MakeBundle) -> None:
        """runtime.md#state, and runc's additions that callers read."""
        made = bundle(["sleep", "600"], change=lambda config: config.update(annotations={"a.b": "c"}))
        runner.ok("create", "--bundle", made, "c")
        state = runner.state("c")
        created = state.pop("created")
        assert (created[10], created[-1]) == ("T", "Z")
        assert os.path.exists(f"/proc/{state.pop('pid')}")
        assert state == {
            "ociVersion": "1.3.0",
            "id": "c",
            "status": "created",
            "bundle": str(made),
            "rootfs": str(made.rootfs),
            "annotations": {"a.b": "c"},
            "owner": "root",
        }
        runner.ok("delete", "c")

    def test_it_needs_neither_bundle_nor_configuration(self, runner: Runner, bundle: MakeBundle) -> None:
        """Clients delete bundles before they ask for the last time."""
        made = bundle(["sleep", "600"])
        runner.ok("create", "--bundle", made, "c")
        (made.path / "config.json").unlink()
        assert runner.state("c")["status"] == "created"
        runner.ok("delete", "c")

    def test_there_is_none_of_what_does_not_exist(self, runner: Runner) -> None:
        """runtime.md#state: an error for a container that does not exist, in the words that clients read."""
        assert runner.refused("state", "nothing") == 'krun: container "nothing" does not exist'

    def test_a_stopped_container_has_no_pid(self, runner: Runner, created: str) -> None:
        """Its pid may be somebody else's by now."""
        pid = runner.state(created)["pid"]
        runner.ok("kill", created, "9")
        wait_dead(pid)
        state = runner.state(created)
        assert (state["status"], state["pid"]) == ("stopped", 0)
        runner.ok("delete", created)

    def test_a_pid_that_was_used_again_is_not_the_container(self, runner: Runner, created: str) -> None:
        """A record that names a living process with another start time describes a dead one."""
        record = runner.root / created / "krun.json"
        document = json.loads(record.read_text())
        pid = document["pid"]
        record.write_text(json.dumps({**document, "pid": os.getpid()}))
        assert runner.state(created)["status"] == "stopped"
        assert "container not running" in runner.refused("kill", created, "9")
        record.write_text(json.dumps({**document, "pid": pid}))
        runner.ok("delete", created)


class TestList:
    """`krun list`."""

    def test_the_table_has_runcs_columns(self, runner: Runner, created: str) -> None:
        """People and scripts know it."""
        head, row = runner.ok("list").out.splitlines()
        assert head.split() == ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]
        state = runner.state(created)
        words = [created, str(state["pid"]), "created", state["bundle"], state["created"], "root"]
        assert row.split() == words
        runner.ok("delete", created)

    def test_json_is_an_array_of_states(self, runner: Runner, created: str) -> None:
        """The same as `state` prints, for each container."""
        assert json.loads(runner.ok("list", "--format", "json").out) == [runner.state(created)]
        runner.ok("delete", created)
        assert json.loads(runner.ok("list", "--format=json").out) == []

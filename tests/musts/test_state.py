"""runtime.md#state."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from support.bundles import MakeBundle
from support.processes import wait_dead
from support.runner import Result, Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]


# runtime.md#state in the words of JSON Schema; what a runtime adds may stand beside it.
STATE: dict[str, Any] = {
    "type": "object",
    "required": ["ociVersion", "id", "status", "bundle"],
    "properties": {
        "ociVersion": {"type": "string", "pattern": r"^1\.[0-9]+\.[0-9]+$"},
        "id": {"type": "string", "minLength": 1},
        "status": {"enum": ["creating", "created", "running", "stopped", "paused"]},
        "pid": {"type": "integer", "minimum": 0},
        "bundle": {"type": "string", "pattern": "^/"},
        "annotations": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "if": {"properties": {"status": {"enum": ["created", "running", "paused"]}}},
    "then": {"required": ["pid"], "properties": {"pid": {"minimum": 1}}},
}
# What hooks get is the state alone, without a runtime's additions.
HOOKS_STATE = {**STATE, "additionalProperties": False}


def status_of(document: dict[str, Any], schema: dict[str, Any] = STATE) -> str:
    """Check a state against the schema and return its status."""
    jsonschema.validate(document, schema)
    return str(document["status"])


def test_the_state_is_valid_at_every_point_of_the_lifecycle(
    runner: Runner, bundle: MakeBundle, tmp_path: Path
) -> None:
    """The state MUST have ociVersion, id, status and bundle, and pid while there is a process."""
    seen = tmp_path / "seen"
    save = {"path": "/bin/sh", "args": ["sh", "-c", f"cat >>{seen}; echo >>{seen}"]}
    points = ("prestart", "createRuntime", "createContainer", "poststart", "poststop")
    made = bundle(["sleep", "600"], hooks={point: [save] for point in points})
    made.config["annotations"] = {"org.example.key": ""}
    made.write()
    runner.ok("create", "--bundle", made, "c")
    assert status_of(runner.state("c")) == "created"
    runner.ok("start", "c")
    assert status_of(runner.state("c")) == "running"
    runner.ok("pause", "c")
    assert status_of(runner.state("c")) == "paused"
    runner.ok("resume", "c")
    pid = runner.state("c")["pid"]
    runner.ok("kill", "c", "KILL")
    wait_dead(pid)
    assert status_of(runner.state("c")) == "stopped"
    (listed,) = json.loads(runner.ok("list", "--format", "json").out)
    assert status_of(listed) == "stopped"
    runner.ok("delete", "c")
    hooked = [json.loads(line) for line in seen.read_text().splitlines()]
    assert [status_of(state, HOOKS_STATE) for state in hooked] == [
        *["creating"] * 3,
        "running",
        "stopped",
    ]


def test_an_additional_status_stands_for_none_of_the_specifications(
    plain_runtime: Runner, bundle: MakeBundle
) -> None:
    """`paused` is no other word for running: what needs a running container is refused meanwhile."""
    plain_runtime.ok("run", "--detach", "--bundle", bundle(["sleep", "600"]), "c")
    assert plain_runtime.state("c")["status"] == "running"
    plain_runtime.ok("pause", "c")
    assert plain_runtime.state("c")["status"] == "paused"
    assert "paused" in plain_runtime("exec", "c", "true").err
    plain_runtime.refused("start", "c")
    plain_runtime.ok("resume", "c")
    assert plain_runtime.state("c")["status"] == "running"
    plain_runtime.ok("delete", "--force", "c")


def test_an_id_is_one_container_of_its_root(
    plain_runtime: Runner, krun: Path, bundle: MakeBundle, tmp_path: Path
) -> None:
    """The id MUST be unique; a root is what krun, as every runtime, knows of a host.

    containerd gives each of its namespaces a root of its own: the same id in two of them is two containers.
    """
    other = Runner(krun, tmp_path / "other", tmp_path / "streams", monitor="none")
    made = [bundle(["sleep", "600"], name=name) for name in ("one", "two")]
    results: list[Result] = []
    racers = [
        threading.Thread(target=lambda m=m: results.append(plain_runtime("create", "--bundle", m, "c")))
        for m in made
    ]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert sorted(result.status for result in results) == [0, 1]
    assert plain_runtime.state("c")["status"] == "created"
    other.ok("create", "--bundle", bundle(["sleep", "600"], name="three"), "c")
    plain_runtime.ok("delete", "c")
    assert other.state("c")["status"] == "created"
    other.ok("delete", "c")
    assert os.listdir(other.root) == []

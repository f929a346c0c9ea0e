"""runtime.md#operations, #errors and #warnings."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.bundles import Bundle, MakeBundle, bind
from support.processes import wait_dead
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]


def host_of(bundle: Bundle, runner: Runner) -> tuple[str, list[str], list[str]]:
    """Return what a failed operation must not have changed: mounts, state, the root file system's names."""
    names = sorted(str(path) for path in bundle.rootfs.rglob("*"))
    return Path("/proc/self/mountinfo").read_text(), sorted(os.listdir(runner.root)), names


def without_process(config: dict[str, Any]) -> None:
    """Leave the process out, which a configuration for `create` alone may."""
    del config["process"]


def test_start_is_an_error_if_process_is_not_set(runner: Runner, bundle: MakeBundle) -> None:
    """`start` MUST generate an error then, and `create` need not."""
    runner.ok("create", "--bundle", bundle([], change=without_process), "c")
    assert runner.state("c")["status"] == "created"
    line = runner.refused("start", "c")
    assert "process" in line
    runner.ok("delete", "--force", "c")


@pytest.mark.parametrize("verb", ["state", "create", "start", "kill", "delete"])
def test_an_operation_without_an_id_is_an_error(plain_runtime: Runner, verb: str) -> None:
    """Each operation MUST generate an error if it is not provided the container's id."""
    assert "container-id" in plain_runtime.refused(verb)


@pytest.mark.parametrize("words", [["state"], ["start"], ["kill"], ["delete"]], ids=lambda words: words[0])
def test_an_operation_on_what_does_not_exist_is_an_error(plain_runtime: Runner, words: list[str]) -> None:
    """In the words from which clients read that."""
    assert plain_runtime.refused(*words, "nothing") == 'krun: container "nothing" does not exist'


def test_a_kill_of_what_does_not_run_has_no_effect(plain_runtime: Runner, bundle: MakeBundle) -> None:
    """Attempting to kill what is neither created nor running MUST be an error, and have no effect."""
    plain_runtime.ok("run", "--detach", "--bundle", bundle(["true"]), "c")
    plain_runtime.wait("c")
    before = plain_runtime.state("c")
    plain_runtime.refused("kill", "c", "TERM")
    assert plain_runtime.state("c") == before
    plain_runtime.ok("delete", "c")


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """Return a directory to mount into a container."""
    path = tmp_path / "shared"
    path.mkdir()
    return path


def test_a_start_of_what_was_started_has_no_effect(runner: Runner, bundle: MakeBundle, shared: Path) -> None:
    """Attempting to start what is not created MUST be an error, and have no effect."""
    made = bundle(["sh", "-c", "echo ran >>/shared/ran"], mounts=[bind(shared, "/shared")])
    runner.ok("create", "--bundle", made, "c")
    pid = runner.state("c")["pid"]
    runner.ok("start", "c")
    wait_dead(pid)
    runner.refused("start", "c")
    assert (shared / "ran").read_text() == "ran\n"
    runner.ok("delete", "c")


def test_edits_of_the_configuration_after_create_have_no_effect(
    runner: Runner, bundle: MakeBundle, shared: Path
) -> None:
    """Any updates to config.json after `create` MUST NOT affect the container."""
    writing = ["sh", "-c", "echo $NAME >/shared/$NAME"]
    hook = {"path": "/bin/touch", "args": ["touch", f"{shared}/hook"]}
    made = bundle(writing, mounts=[bind(shared, "/shared")], env=["NAME=old"])
    runner.ok("create", "--bundle", made, "c")
    made.config["process"]["env"][-1] = "NAME=new"
    made.config["process"]["args"][-1] += "; echo more >/shared/more"
    made.config["hooks"] = {name: [hook] for name in ("startContainer", "poststart", "poststop")}
    made.write()
    pid = runner.state("c")["pid"]
    runner.ok("start", "c")
    wait_dead(pid)
    runner.ok("delete", "c")
    assert {path.name: path.read_text() for path in shared.iterdir()} == {"old": "old\n"}


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c["process"].update(args=["nosuchprogram"]),
        lambda c: c["mounts"].append({"destination": "/m", "type": "nosuchfs", "source": "x"}),
        lambda c: c["linux"].update(resources={"unified": {"nosuch.max": "1"}}),
        lambda c: c["linux"].update(sysctl={"net.nosuch": "1"}),
        lambda c: c["linux"]["namespaces"].append({"type": "cgroup", "path": "/proc/self/ns/uts"}),
        lambda c: c.update(hooks={"createRuntime": [{"path": "/bin/false"}]}),
    ],
    ids=["program", "file system", "cgroup", "sysctl", "namespace", "hook"],
)
def test_an_error_leaves_the_environment_as_if_it_had_never_been_tried(
    runner: Runner, bundle: MakeBundle, change: Callable[[dict[str, Any]], None]
) -> None:
    """runtime.md#errors: no state, mount, process or cgroup; the root gets at most its mount points."""
    made = bundle(["true"])
    runner.ok("run", "--bundle", made, "first")  # makes the mount points
    change(made.config)
    made.write()
    before = host_of(made, runner)
    runner.refused("create", "--bundle", made, "c")
    after = host_of(made, runner)
    assert after[:2] == before[:2]
    assert set(after[2]) - set(before[2]) <= {str(made.rootfs / "m")}
    assert runner.refused("state", "c") == 'krun: container "c" does not exist'


def test_a_warning_changes_nothing_of_the_flow(runner: Runner, bundle: MakeBundle, tmp_path: Path) -> None:
    """runtime.md#warnings: the operation goes on as if it had not been generated."""

    def doubtful(config: dict[str, Any]) -> None:
        config["process"]["capabilities"]["bounding"].append("CAP_NO_SUCH")
        config["mounts"].append(bind(tmp_path, "/b", "bind", "size=1k"))
        config["hooks"] = {"poststop": [{"path": "/bin/false"}]}

    script = ["sh", "-c", "grep CapBnd /proc/self/status; exit 5"]
    plain = runner("run", "--bundle", bundle(script, name="plain"), "plain")
    log = tmp_path / "log"
    made = bundle(script, name="doubtful", change=doubtful)
    result = runner("--log", log, "--log-level", "warning", "run", "--bundle", made, "c")
    assert (result.status, result.out) == (5, plain.out)
    warnings = log.read_text()
    for words in ("CAP_NO_SUCH", "size=1k", "poststop[0]"):
        assert words in warnings

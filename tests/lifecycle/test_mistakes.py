"""Each mistake of a caller's is one clear line and status 1, and leaves nothing."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.bundles import MakeBundle
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]


def without(config: dict[str, Any], key: str) -> None:
    """Remove a property."""
    del config[key]


@pytest.fixture(autouse=True)
def _leaves_nothing(runner: Runner) -> Any:
    """Look at the state directory afterwards."""
    yield
    assert os.listdir(runner.root) == []


def test_no_configuration(runner: Runner, tmp_path: Path) -> None:
    """Its path is named."""
    line = runner.refused("create", "--bundle", tmp_path, "c")
    assert line == f"krun: configuration {tmp_path}/config.json is missing"


def test_invalid_json(runner: Runner, bundle: MakeBundle) -> None:
    """With line and column."""
    made = bundle(["true"])
    (made.path / "config.json").write_text('{\n  "ociVersion": 1.0.0\n}')
    assert "line 2 column" in runner.refused("create", "--bundle", made, "c")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c["process"].update(args="sh"), "$.process.args:"),
        (lambda c: c["process"].update(cwd="tmp"), "$.process.cwd: must be absolute, got 'tmp'"),
        (lambda c: c["linux"]["namespaces"].append({"type": "galaxy"}), "$.linux.namespaces[5].type:"),
        (lambda c: c["linux"]["namespaces"].append({"type": "pid"}), "$.linux.namespaces[5]"),
        (lambda c: without(c, "root"), "$.root"),
        (lambda c: c.update(ociVersion="2.0.0"), "$.ociVersion"),
    ],
    ids=["wrong type", "relative cwd", "unknown namespace", "namespace twice", "no root", "version 2"],
)
def test_wrong_values(
    runner: Runner, bundle: MakeBundle, change: Callable[[dict[str, Any]], None], words: str
) -> None:
    """With their JSON path."""
    line = runner.refused("create", "--bundle", bundle(["true"], change=change), "c")
    assert words in line


@pytest.mark.parametrize("id", ["a/b", "..", ".", ".hidden", "a b", "é", "x" * 1025])
def test_what_is_no_id(runner: Runner, bundle: MakeBundle, id: str) -> None:
    """An id names a directory: it must not lead out of the root."""
    assert "invalid container id" in runner.refused("create", "--bundle", bundle(["true"]), id)
    assert "invalid container id" in runner.refused("delete", "--force", id)


def test_a_root_that_is_missing(runner: Runner, bundle: MakeBundle) -> None:
    """Not in words that dockerd takes for a missing program."""
    made = bundle(["true"], change=lambda config: config["root"].update(path="nowhere"))
    line = runner.refused("create", "--bundle", made, "c")
    assert f"{made.path}/nowhere" in line
    assert "no such file" not in line.lower()


def test_a_program_that_is_missing(runner: Runner, bundle: MakeBundle) -> None:
    """In the very words from which dockerd makes status 127."""
    line = runner.refused("create", "--bundle", bundle(["nosuchprogram"]), "c")
    assert 'exec: "nosuchprogram": executable file not found in $PATH' in line


def test_a_directory_as_program(runner: Runner, bundle: MakeBundle) -> None:
    """In the very words from which dockerd makes status 126."""
    assert "permission denied" in runner.refused("create", "--bundle", bundle(["/bin"]), "c")


def test_a_failing_hook_is_named_with_its_output(runner: Runner, bundle: MakeBundle) -> None:
    """runtime.md#lifecycle: an error of a prestart hook stops the container."""
    hook = {"path": "/bin/sh", "args": ["sh", "-c", "echo no network; exit 4"]}
    line = runner.refused("create", "--bundle", bundle(["true"], hooks={"prestart": [hook]}), "c")
    assert line == "krun: hook prestart[0] /bin/sh: exited with status 4: no network"


def test_a_hook_that_takes_too_long_is_killed(runner: Runner, bundle: MakeBundle) -> None:
    """config.md#posix-platform-hooks: timeout is the number of seconds before aborting the hook."""
    hook = {"path": "/bin/sleep", "args": ["sleep", "600"], "timeout": 1}
    line = runner.refused("create", "--bundle", bundle(["true"], hooks={"createRuntime": [hook]}), "c")
    assert line == "krun: hook createRuntime[0] /bin/sleep: did not end within 1 s and was killed"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "needs a command; krun --help lists them"),
        (["frobnicate"], "'frobnicate' is not a command; krun --help lists them"),
        (["checkpoint", "--help"], "checkpoint: krun cannot save the state of a virtual machine"),
        (["state"], "state: needs container-id: the container"),
        (["state", "a", "b"], "state: 'b' is one argument too many"),
        (["state", "--nonsense", "a"], "--nonsense: unknown option"),
        (["create", "--bundle"], "--bundle: needs a value (DIR)"),
        (["--nonsense", "state", "a"], "--nonsense: unknown option"),
        (["--log-format", "xml", "state", "a"], "--log-format: 'xml' is neither text nor json"),
        (["--log-level", "loud", "state", "a"], "--log-level: 'loud' is none of"),
        (["--monitor", "qemu", "state", "a"], "--monitor: 'qemu' is none of builtin, none, km"),
        (["--monitor", "km", "state", "a"], "--monitor km: this version of krun does not run"),
        (["create", "--preserve-fds", "many", "a"], "--preserve-fds: 'many' is not a number"),
    ],
)
def test_the_command_line(runner: Runner, words: list[str], line: str) -> None:
    """The word that is wrong is in the line."""
    assert runner.refused(*words).startswith(f"krun: {line}")


def test_a_specification_that_cannot_be_written(runner: Runner, tmp_path: Path) -> None:
    """The errno by its name: the C library's words would look like a missing payload's."""
    line = runner.refused("spec", "--bundle", tmp_path / "nowhere")
    assert line == f"krun: {tmp_path}/nowhere/config.json cannot be written: ENOENT"


def test_krun_init_by_hand(krun: Path) -> None:
    """It says what it is."""
    (program,) = krun.parent.parent.glob("lib/python3*/site-packages/krun/libexec/krun-init")
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "krun-init: is started by krun, with the descriptor of a program\n"

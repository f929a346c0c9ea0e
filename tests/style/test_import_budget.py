"""What the cheap verbs may import, as the interpreter itself reports it."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.bundles import MakeBundle
from support.processes import TIMEOUT_S
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "strace", "busybox"), pytest.mark.usefixtures("nothing_left")]

# Each of them costs from half a millisecond to a hundred.
TOO_DEAR = frozenset(
    """argparse cffi collections contextlib ctypes dataclasses datetime enum functools inspect json jsonschema
    logging os pathlib pyroute2 re shutil site subprocess tempfile typing yaml""".split()
)


def told(command: Sequence[str]) -> str:
    """Run a command and return what came out of standard error."""
    nothing = subprocess.DEVNULL
    with tempfile.TemporaryFile("w+") as said:  # a container that is left waiting would keep a pipe open
        subprocess.run(command, stdin=nothing, stdout=nothing, stderr=said, timeout=TIMEOUT_S, check=True)
        said.seek(0)
        return said.read()


def loaded(runner: Runner, *args: str) -> set[str]:
    """Run a verb as the launcher would, the interpreter naming what it imports; return those names."""
    (script,) = runner.program.parent.parent.glob("lib/python3*/site-packages/krun/launch.*[0-9]")
    command = [sys.executable, "-X", "importtime", "-I", "-S", "-Xutf8", script, *runner.command(*args)[1:]]
    return set(re.findall(r"^import time: .*\| +([\w.]+)$", told(command), re.MULTILINE))


def dear(names: set[str]) -> set[str]:
    """Return those of the loaded modules that a cheap verb cannot afford."""
    return {name for name in names if name.split(".")[0] in TOO_DEAR}


@pytest.mark.parametrize("verb", ["state", "start", "kill", "delete"])
def test_a_cheap_verb_loads_no_dear_module(verb: str, plain_runtime: Runner, bundle: MakeBundle) -> None:
    """`state`, `start`, `kill` and `delete` import neither json nor re nor typing, nor anything heavier."""
    plain_runtime.ok("create", "--bundle", bundle(["sleep", "60"]), "c")
    names = loaded(plain_runtime, verb, *(["--force"] if verb == "delete" else []), "c")
    plain_runtime.ok("delete", "--force", "c")
    assert f"krun.commands.{verb}" in names
    assert not dear(names)


@pytest.mark.parametrize(
    "words",
    [
        ["exec", "c", "true"],
        ["ps", "--format", "json", "c"],
        ["pause", "c"],
        ["update", "--memory", "1g", "c"],
    ],
    ids=lambda words: words[0],
)
def test_a_verb_for_what_runs_loads_no_dear_module(
    words: list[str], plain_runtime: Runner, bundle: MakeBundle
) -> None:
    """`exec`, `ps`, `pause` and `update` are called as often as the cheap ones."""
    plain_runtime.ok("run", "--detach", "--bundle", bundle(["sleep", "60"]), "c")
    names = loaded(plain_runtime, *words)
    plain_runtime.ok("delete", "--force", "c")
    assert f"krun.commands.{words[0]}" in names
    assert not dear(names)


def test_create_loads_no_dear_module(plain_runtime: Runner, bundle: MakeBundle) -> None:
    """`create` validates and compiles without jsonschema, yaml, pyroute2 and without json, re, typing."""
    names = loaded(plain_runtime, "create", "--bundle", str(bundle(["true"])), "c")
    plain_runtime.ok("delete", "--force", "c")
    assert "krun.plan.build" in names
    assert not dear(names)


def test_the_daily_verbs_do_with_an_interpreter_that_has_begun_halfway(
    plain_runtime: Runner, bundle: MakeBundle
) -> None:
    """A module that lies in neither the archive nor a known folder costs what the launcher saves."""
    opened = {}
    for words in (
        ["create", "--bundle", str(bundle(["sleep", "60"])), "c"],
        ["start", "c"],
        ["state", "c"],
        ["list"],
        ["exec", "c", "true"],
        ["ps", "--format", "json", "c"],
        ["pause", "c"],
        ["resume", "c"],
        ["update", "--memory", "1g", "c"],
        ["kill", "c", "KILL"],
        ["delete", "--force", "c"],
    ):
        line = ["strace", "-q", "-e", "trace=execve,openat", *plain_runtime.command(*words)]
        opened[words[0]] = re.findall(r"(?:execve.*/python3|openat.*/encodings).*", told(line))
    assert not {verb: calls for verb, calls in opened.items() if calls}


def test_a_verb_with_a_module_of_others_has_the_interpreter_begin_wholly(krun: Path, tmp_path: Path) -> None:
    """`validate` wants jsonschema, which wants most of the standard library."""
    done = subprocess.run([krun, "validate", tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"krun: configuration {tmp_path}/config.json is missing\n"
    (tmp_path / "config.json").write_text('{"ociVersion": 1}')
    done = subprocess.run([krun, "validate", tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "$.ociVersion" in done.stdout + done.stderr

"""What the cheap verbs may import, as the interpreter itself reports it."""

from __future__ import annotations

import ast
import re
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from support.bundles import Bundle
from support.processes import TIMEOUT_S
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "strace", "busybox"), pytest.mark.usefixtures("nothing_left")]

# Each of them costs from half a millisecond to a hundred.
TOO_DEAR = frozenset(
    """argparse cffi collections contextlib ctypes dataclasses datetime enum functools inspect json jsonschema
    logging os pathlib pyroute2 re shutil site subprocess tempfile typing yaml""".split()
)


def interpreter_command(launcher: Path) -> list[str]:
    """Return the command that the launcher executes, without the words that it was given itself."""
    command = ["strace", "-q", "-s", "65536", "-e", "trace=execve", str(launcher), "--version"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
    (found,) = re.findall(r'^execve\(".*", (\[.*"-I".*\]), 0x', done.stderr, re.MULTILINE)
    words = [str(word) for word in ast.literal_eval(found)]
    assert words[-1] == "--version"
    return words[:-1]


def loaded(runner: Runner, *args: str) -> set[str]:
    """Run a verb as the launcher would, the interpreter naming what it imports; return those names."""
    interpreter, *words = interpreter_command(runner.program)
    command = [interpreter, "-X", "importtime", *words, *runner.command(*args)[1:]]
    nothing = subprocess.DEVNULL
    with tempfile.TemporaryFile("w+") as said:  # a container that is left waiting would keep a pipe open
        subprocess.run(command, stdin=nothing, stdout=nothing, stderr=said, timeout=TIMEOUT_S, check=True)
        said.seek(0)
        return set(re.findall(r"^import time: .*\| +([\w.]+)$", said.read(), re.MULTILINE))


def dear(names: set[str]) -> set[str]:
    """Return those of the loaded modules that a cheap verb cannot afford."""
    return {name for name in names if name.split(".")[0] in TOO_DEAR}


@pytest.mark.parametrize("verb", ["state", "start", "kill", "delete"])
def test_a_cheap_verb_loads_no_dear_module(
    verb: str, plain_runtime: Runner, bundle: Callable[..., Bundle]
) -> None:
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
    words: list[str], plain_runtime: Runner, bundle: Callable[..., Bundle]
) -> None:
    """`exec`, `ps`, `pause` and `update` are called as often as the cheap ones."""
    plain_runtime.ok("run", "--detach", "--bundle", bundle(["sleep", "60"]), "c")
    names = loaded(plain_runtime, *words)
    plain_runtime.ok("delete", "--force", "c")
    assert f"krun.commands.{words[0]}" in names
    assert not dear(names)


def test_create_loads_no_dear_module(plain_runtime: Runner, bundle: Callable[..., Bundle]) -> None:
    """`create` validates and compiles without jsonschema, yaml, pyroute2 and without json, re, typing."""
    names = loaded(plain_runtime, "create", "--bundle", str(bundle(["true"])), "c")
    plain_runtime.ok("delete", "--force", "c")
    assert "krun.plan.build" in names
    assert not dear(names)

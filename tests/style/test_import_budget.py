"""What the cheap verbs may load, read off the installed launcher's own system calls.

`python -X importtime` is out of reach here: the launcher starts the interpreter isolated, as users get it.
"""

from __future__ import annotations

import re
import subprocess
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
    logging pathlib pyroute2 re shutil site subprocess tempfile typing yaml""".split()
)
OPENED = re.compile(r'open(?:at)?\((?:AT_FDCWD, )?"(?P<path>[^"]+)".*\) = \d+$')


def loaded(runner: Runner, folder: Path, *args: str) -> set[str]:
    """Run a verb under strace; return the modules whose files it opened, krun's own by their full names."""
    trace = folder / "trace"
    command = ["strace", "-q", "-e", "trace=open,openat", "-o", str(trace), *runner.command(*args)]
    nothing = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(command, **nothing, timeout=TIMEOUT_S, check=True)
    names = set()
    for line in trace.read_text().splitlines():
        found = OPENED.search(line)
        if found is None or not found["path"].endswith((".py", ".pyc", ".so")):
            continue
        parts = Path(found["path"].replace("/__pycache__", "")).parts
        place = max(
            (i for i, part in enumerate(parts) if re.fullmatch(r"python3.*|.*-packages|lib-dynload", part)),
            default=-1,
        )
        names.add(".".join((*parts[place + 1 : -1], parts[-1].split(".")[0])))
    return names


def dear(names: set[str]) -> set[str]:
    """Return those of the loaded modules that a cheap verb cannot afford."""
    return {name for name in names if name.split(".")[0] in TOO_DEAR}


@pytest.mark.parametrize("verb", ["state", "start", "kill", "delete"])
def test_a_cheap_verb_loads_no_dear_module(
    verb: str, plain_runtime: Runner, bundle: Callable[..., Bundle], tmp_path: Path
) -> None:
    """`state`, `start`, `kill` and `delete` import neither json nor re nor typing, nor anything heavier."""
    plain_runtime.ok("create", "--bundle", bundle(["sleep", "60"]), "c")
    names = loaded(plain_runtime, tmp_path, verb, *(["--force"] if verb == "delete" else []), "c")
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
    words: list[str], plain_runtime: Runner, bundle: Callable[..., Bundle], tmp_path: Path
) -> None:
    """`exec`, `ps`, `pause` and `update` are called as often as the cheap ones."""
    plain_runtime.ok("run", "--detach", "--bundle", bundle(["sleep", "60"]), "c")
    names = loaded(plain_runtime, tmp_path, *words)
    plain_runtime.ok("delete", "--force", "c")
    assert f"krun.commands.{words[0]}" in names
    assert not dear(names)


def test_create_loads_no_dear_module(
    plain_runtime: Runner, bundle: Callable[..., Bundle], tmp_path: Path
) -> None:
    """`create` validates and compiles without jsonschema, yaml, pyroute2 and without json, re, typing."""
    names = loaded(plain_runtime, tmp_path, "create", "--bundle", str(bundle(["true"])), "c")
    plain_runtime.ok("delete", "--force", "c")
    assert "krun.plan.build" in names
    assert not dear(names)

"""Hooks in the runtime's namespaces."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from krun.errors import HookError
from krun.execute.hooks import run_all_hooks, run_hooks
from krun.log import Log
from krun.state.model import StoredHook

STATE = {"ociVersion": "1.3.0", "id": "c", "status": "creating", "pid": 42, "bundle": "/b"}


def shell(script: str, *words: str, env: tuple[str, ...] = (), timeout: int | None = None) -> StoredHook:
    """Return a hook that runs a script."""
    return StoredHook("/bin/sh", ("sh", "-c", script, *words), env, timeout)


def test_the_state_is_on_standard_input(tmp_path: Path) -> None:
    """config.md#posix-platform-hooks: the state must be passed to hooks over stdin."""
    run_hooks("prestart", [shell(f"cat >{tmp_path}/state")], dict(STATE))
    assert json.loads((tmp_path / "state").read_text()) == STATE


def test_arguments_and_environment_are_exact(tmp_path: Path) -> None:
    """Nothing of the runtime's own is inherited; argv[0] is as configured."""
    hook = StoredHook(
        "/bin/sh",
        ("my name", "-c", f'printf "%s|" "$0" "$@" >{tmp_path}/args; env >{tmp_path}/env', "a", "b c", ""),
        ("A=1=2", "B="),
    )
    run_hooks("prestart", [hook], dict(STATE))
    assert (tmp_path / "args").read_text() == "a|b c||"
    seen = set((tmp_path / "env").read_text().splitlines())
    assert {"A=1=2", "B="} <= seen
    assert {name.partition("=")[0] for name in seen} - {"A", "B"} <= {"PWD", "_", "SHLVL"}  # the shell's own


def test_a_name_that_stands_twice_is_passed_on_twice(tmp_path: Path) -> None:
    """Exactly as given also means: in its order, and not made unique."""
    hook = StoredHook("/bin/sh", ("sh", "-c", f"cat /proc/$$/environ >{tmp_path}/env"), ("B=1", "A=2", "B=3"))
    run_hooks("prestart", [hook], dict(STATE))
    assert (tmp_path / "env").read_bytes() == b"B=1\0A=2\0B=3\0"


def test_no_arguments_mean_the_path(tmp_path: Path) -> None:
    """As execv needs one."""
    program = tmp_path / "hook"
    program.write_text(f'#!/bin/sh\necho "$0" >{tmp_path}/name\n')
    program.chmod(0o755)
    run_hooks("prestart", [StoredHook(str(program))], dict(STATE))
    assert (tmp_path / "name").read_text() == f"{program}\n"


def test_hooks_run_in_order_up_to_the_first_that_fails(tmp_path: Path) -> None:
    """runtime.md#lifecycle."""
    hooks = [shell(f"echo {n} >>{tmp_path}/order; exit {int(n == 2)}") for n in (1, 2, 3)]
    with pytest.raises(HookError) as caught:
        run_hooks("createRuntime", hooks, dict(STATE))
    assert (tmp_path / "order").read_text().split() == ["1", "2"]
    assert str(caught.value) == "hook createRuntime[1] /bin/sh: exited with status 1"


def test_poststop_hooks_all_run(tmp_path: Path) -> None:
    """runtime.md#lifecycle: log a warning, and run the remaining hooks."""
    hooks = [shell("exit 1"), shell(f"echo ran >{tmp_path}/ran")]
    run_all_hooks("poststop", hooks, dict(STATE), Log(str(tmp_path / "log"), "json", "warning"))
    assert (tmp_path / "ran").exists()
    assert "hook poststop[0] /bin/sh: exited with status 1" in (tmp_path / "log").read_text()


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo why >&2; exit 3", "exited with status 3: why"),
        ("echo two; echo lines; exit 1", "exited with status 1: two lines"),
        ("kill -9 $$", "was killed by SIGKILL"),
    ],
)
def test_the_error_says_how_it_ended_and_what_it_said(script: str, reason: str) -> None:
    """In one line."""
    with pytest.raises(HookError) as caught:
        run_hooks("prestart", [shell(script)], dict(STATE))
    assert str(caught.value) == f"hook prestart[0] /bin/sh: {reason}"


def test_a_missing_program_is_named_in_words_of_krun(tmp_path: Path) -> None:
    """dockerd would take the kernel's words for a missing payload."""
    with pytest.raises(HookError) as caught:
        run_hooks("prestart", [StoredHook(f"{tmp_path}/missing")], dict(STATE))
    assert caught.value.reason == "cannot be executed: ENOENT"


def test_a_timeout_ends_the_hook_and_its_children(tmp_path: Path) -> None:
    """config.md#posix-platform-hooks: timeout; its whole process group is killed."""
    os.mkfifo(tmp_path / "alive")
    hook = shell(f"sleep 600 >{tmp_path}/alive & wait", timeout=1)
    reader = os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(HookError, match="did not end within 1 s and was killed"):
        run_hooks("prestart", [hook], dict(STATE))
    os.set_blocking(reader, True)
    assert os.read(reader, 1) == b""  # the end: nobody writes any more
    os.close(reader)


def test_a_timeout_may_be_longer_than_any_hook(tmp_path: Path) -> None:
    """The schema has no greatest one, and poll(2) has."""
    run_hooks("prestart", [shell(f"echo ran >{tmp_path}/ran", timeout=1 << 40)], dict(STATE))
    assert (tmp_path / "ran").exists()


def test_a_timeout_ends_a_hook_that_has_left_its_group() -> None:
    """Then there is no such group to be killed."""
    script = "import os, time; os.setpgid(0, os.getpgid(os.getppid())); time.sleep(600)"
    hook = StoredHook(sys.executable, ("python3", "-c", script), (), 1)
    with pytest.raises(HookError, match="did not end within 1 s and was killed"):
        run_hooks("prestart", [hook], dict(STATE))


def test_a_request_to_stop_ends_the_hook() -> None:
    """A create that is asked to stop does not wait for a hook."""
    reading, writing = os.pipe()
    os.write(writing, b"\x0f")
    with pytest.raises(HookError, match="was interrupted"):
        run_hooks("prestart", [shell("sleep 600")], dict(STATE), [reading])
    os.close(reading)
    os.close(writing)


def test_a_process_that_a_hook_leaves_holds_nothing_up(tmp_path: Path) -> None:
    """Its output is a file, not a pipe that somebody could keep open."""
    hook = shell(f"sleep 600 & echo $! >{tmp_path}/pid")
    run_hooks("prestart", [hook], dict(STATE))
    os.kill(int((tmp_path / "pid").read_text()), 9)

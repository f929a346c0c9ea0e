"""What hooks start and leave behind: it ends with a hook past its time, and stays with one that ends well.

Out of scope: the hooks themselves (test_hooks).
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from support.bundles import MakeBundle
from support.diary import Diary
from support.processes import is_alive
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]


@pytest.mark.parametrize("point", ["prestart", "createRuntime", "createContainer", "startContainer"])
def test_a_hook_past_its_time_is_killed_with_all_it_started(
    runner: Runner, bundle: MakeBundle, diary: Diary, point: str
) -> None:
    """config.md#posix-platform-hooks: what it has put into other sessions is no exception."""
    folder = "/diary" if point == "startContainer" else diary.path
    script = f"setsid sh -c 'echo $$ >{folder}/pid; sleep 600; exit' & sleep 600"
    hook = {"path": "/bin/sh", "args": ["sh", "-c", script], "env": ["PATH=/bin:/usr/bin"], "timeout": 1}
    hooks = {point: [hook], "poststop": [diary.hook("poststop")]}
    line = runner.refused("run", "--bundle", bundle(["true"], hooks=hooks, mounts=[diary.mount]), "c")
    assert line.startswith(f"krun: hook {point}[0] /bin/sh: ")
    assert "killed" in line
    assert diary.order == ["poststop"]
    pid = int((diary.path / "pid").read_text())
    # In the container's namespace it is another pid; `nothing_left` knows that process by its words.
    assert point in ("createContainer", "startContainer") or not is_alive(pid)


def daemon(folder: Path | str, then: str) -> dict[str, Any]:
    """Return a hook that leaves a daemon, in a session of its own and orphaned, and then does `then`.

    The daemon executes nothing: its root is the container's when the hook has ended, and so are the programs.
    """
    body = f"exec 3<>{folder}/nothing; echo $$ >{folder}/pid; read line <&3"
    began = f"until [ -s {folder}/pid ]; do sleep 0.02; done"
    script = f"mkfifo {folder}/nothing; (setsid sh -c '{body}' &); {began}; {then}"
    return {"path": "/bin/sh", "args": ["sh", "-c", script], "env": ["PATH=/bin:/usr/bin"]}


@pytest.mark.parametrize("point", ["prestart", "createRuntime", "createContainer", "poststart", "poststop"])
def test_a_daemon_of_a_hook_past_its_time_is_killed(
    plain_runtime: Runner, bundle: MakeBundle, diary: Diary, point: str
) -> None:
    """It has left its parents, and is the hook's all the same."""
    made = bundle(["sleep", "600"], hooks={point: [{**daemon(diary.path, "sleep 600"), "timeout": 2}]})
    if point in ("poststart", "poststop"):
        plain_runtime.ok("create", "--bundle", made, "c")
    match point:
        case "poststart":
            line = plain_runtime.refused("start", "c")
        case "poststop":
            line = plain_runtime.ok("--log-level", "warning", "delete", "--force", "c").err
        case _:
            line = plain_runtime.refused("create", "--bundle", made, "c")
    assert f"hook {point}[0] /bin/sh: " in line
    assert "killed" in line
    # A daemon in the container's pid namespace writes another number; `nothing_left` knows it by its words.
    assert point == "createContainer" or not is_alive(int((diary.path / "pid").read_text()))


def test_a_daemon_of_a_hook_that_ends_well_stays(
    plain_runtime: Runner, bundle: MakeBundle, diary: Diary
) -> None:
    """Only what is past its time is killed: a hook may start something that serves the container."""
    hook = {**daemon(diary.path, "exit 0"), "timeout": 60}
    hooks = {"createRuntime": [hook, {"path": "/bin/true", "timeout": 60}]}
    plain_runtime.ok("create", "--bundle", bundle(["sleep", "600"], hooks=hooks), "c")
    pid = int((diary.path / "pid").read_text())
    alive = is_alive(pid)
    os.kill(pid, signal.SIGKILL)
    plain_runtime.ok("delete", "--force", "c")
    assert alive


@pytest.mark.parametrize("point", ["createContainer", "startContainer"])
def test_a_daemon_past_its_time_is_killed_where_neither_namespace_nor_cgroup_holds_it(
    runner: Runner, bundle: MakeBundle, diary: Diary, point: str
) -> None:
    """In the pid namespace of the host, in no cgroup, in no session and no group of the hook's."""
    folder = "/diary" if point == "startContainer" else diary.path
    hooks = {point: [{**daemon(folder, "sleep 600"), "timeout": 1}]}
    namespaces = ("network", "ipc", "uts", "mount")
    made = bundle(["true"], hooks=hooks, mounts=[diary.mount], namespaces=namespaces, cgroups_path="")
    line = runner.refused("--cgroup-manager", "disabled", "run", "--bundle", made, "c")
    assert line == f"krun: hook {point}[0] /bin/sh: killed after 1000 ms"
    assert not is_alive(int((diary.path / "pid").read_text()))


@pytest.mark.parametrize("point", ["createContainer", "startContainer"])
def test_the_payload_lives_with_a_daemon_that_a_hook_has_left(
    runner: Runner, bundle: MakeBundle, diary: Diary, point: str
) -> None:
    """As with runc: an orphan in the pid namespace of the container, whose init may end it."""
    folder = "/diary" if point == "startContainer" else diary.path
    script = (
        "pid=$(cat /diary/pid); cut -d' ' -f4 /proc/$pid/stat; kill -KILL $pid; "
        "while grep -q '^State:.[^Z]' /proc/$pid/status; do sleep 0.02; done 2>/dev/null; echo ended"
    )
    made = bundle(["sh", "-c", script], hooks={point: [daemon(folder, "exit 0")]}, mounts=[diary.mount])
    assert runner.ok("run", "--bundle", made, "c").out == "1\nended\n"


@pytest.mark.parametrize("point", ["createContainer", "startContainer"])
def test_a_daemon_in_the_hosts_pid_namespace_ends_with_the_containers_cgroup(
    runner: Runner, bundle: MakeBundle, diary: Diary, point: str
) -> None:
    """What these hooks start is in it, and the end of init alone would not end it."""
    folder = "/diary" if point == "startContainer" else diary.path
    hooks = {point: [daemon(folder, "exit 0")]}
    made = bundle(["true"], hooks=hooks, mounts=[diary.mount], namespaces=("network", "ipc", "uts", "mount"))
    runner.ok("run", "--keep", "--bundle", made, "c")
    pid = int((diary.path / "pid").read_text())
    assert is_alive(pid)
    runner.ok("delete", "c")
    assert not is_alive(pid)

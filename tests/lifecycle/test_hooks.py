"""Hooks over a container's whole life: their order, what each sees, and what follows when one fails.

Out of scope: how one hook is run (unit/execute/test_hooks, stage/test_hooks).
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.bundles import MakeBundle
from support.diary import NAMESPACES, Diary
from support.gate import Gate
from support.processes import TIMEOUT_S, is_alive
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]

POINTS = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")


def test_the_six_points_come_in_their_order(runner: Runner, bundle: MakeBundle, diary: Diary) -> None:
    """runtime.md#lifecycle; those of one point in the order in which they are listed."""
    hooks = {point: [diary.hook(point, f"{point}{n}") for n in (1, 2)] for point in POINTS}
    made = bundle(["sh", "-c", "echo payload >>/diary/order; sleep 600"], hooks=hooks, mounts=[diary.mount])
    runner.ok("create", "--bundle", made, "c")
    assert diary.order == [f"{point}{n}" for point in POINTS[:3] for n in (1, 2)]
    runner.ok("start", "c")
    # poststart runs beside the payload: only that both have come after startContainer is certain.
    assert [name for name in diary.order if name != "payload"] == [
        f"{point}{n}" for point in POINTS[:5] for n in (1, 2)
    ]
    runner.ok("delete", "--force", "c")
    assert diary.order[-2:] == ["poststop1", "poststop2"]
    assert "payload" not in diary.order[: diary.order.index("startContainer2")]


def test_the_state_names_the_status_at_each_point(runner: Runner, bundle: MakeBundle, diary: Diary) -> None:
    """runtime.md#state: creating, created before the program runs, running after it, stopped at the end."""
    made = bundle(
        ["sleep", "600"],
        hooks={point: [diary.hook(point)] for point in POINTS},
        mounts=[diary.mount],
        change=lambda config: config.update(annotations={"org.example.key": "value"}),
    )
    runner.ok("create", "--bundle", made, "c")
    pid = runner.state("c")["pid"]
    runner.ok("start", "c")
    runner.ok("delete", "--force", "c")
    expected = ["creating", "creating", "creating", "created", "running", "stopped"]
    assert [diary.state(point)["status"] for point in POINTS] == expected
    for point in POINTS:
        state = diary.state(point)
        assert state.pop("pid", None) == (None if point == "poststop" else pid), point
        assert state == {
            "ociVersion": "1.3.0",
            "id": "c",
            "status": state["status"],
            "bundle": str(made),
            "annotations": {"org.example.key": "value"},
        }


def test_each_point_has_its_namespaces(runner: Runner, bundle: MakeBundle, diary: Diary) -> None:
    """config.md#posix-platform-hooks: the runtime's, but for createContainer and startContainer."""
    hooks = {point: [diary.hook(point)] for point in POINTS}
    runner.ok("create", "--bundle", bundle(["sleep", "600"], hooks=hooks, mounts=[diary.mount]), "c")
    pid = runner.state("c")["pid"]
    runner.ok("start", "c")
    inside = {name: os.readlink(f"/proc/{pid}/ns/{name}") for name in NAMESPACES}
    runner.ok("delete", "--force", "c")
    ours = {name: os.readlink(f"/proc/self/ns/{name}") for name in NAMESPACES}
    for point in POINTS:
        expected = inside if point in ("createContainer", "startContainer") else ours
        assert diary.namespaces(point) == expected, point


def test_arguments_and_environment_are_the_hooks_own(
    runner: Runner, bundle: MakeBundle, diary: Diary
) -> None:
    """Nothing of the caller's, nothing of the payload's: exactly what the configuration gives."""
    hooks = {point: [diary.hook(point)] for point in POINTS}
    made = bundle(["sleep", "600"], hooks=hooks, mounts=[diary.mount], env=["PAYLOADS=1"])
    callers = {**os.environ, "CALLERS": "1"}
    runner.ok("create", "--bundle", made, "c", env=callers)
    runner.ok("start", "c", env=callers)
    runner.ok("delete", "--force", "c", env=callers)
    for point in POINTS:
        assert diary.environment(point) == {f"HOOK={point}", "PATH=/usr/bin:/bin"}, point
        assert diary.args(point) == ["my name", "two  words", "", "$HOOK\n"], point


def test_a_path_is_looked_up_where_its_point_says(
    runner: Runner, bundle: MakeBundle, tmp_path: Path, diary: Diary
) -> None:
    """config.md#posix-platform-hooks: startContainer's in the container, the others on the host.

    Both have a file of that name, which says where it is from.
    """
    path = tmp_path / "program"
    hook = {"path": str(path), "env": ["PATH=/bin:/usr/bin"]}
    hooks = {point: [hook] for point in POINTS}
    made = bundle(["true"], hooks=hooks, mounts=[diary.mount])
    inside = made.rootfs / str(path).lstrip("/")
    inside.parent.mkdir(parents=True)
    for place, word, notes in ((path, "host", diary.path), (inside, "image", "/diary")):
        place.write_text(f"#!/bin/sh\necho {word} >>{notes}/order\n")
        place.chmod(0o755)
    runner.ok("create", "--bundle", made, "c")
    runner.ok("start", "c")
    runner.ok("delete", "--force", "c")
    assert diary.order == ["host" if point != "startContainer" else "image" for point in POINTS]


def test_init_is_in_its_cgroup_from_the_first_hook_on(
    runner: Runner, bundle: MakeBundle, diary: Diary
) -> None:
    """What a hook, or who reads the pid file, looks up there are the container's own cgroups."""
    script = f"""exec >{diary.path}/seen; read s; p=${{s#*'"pid":'}}; cat /proc/${{p%%,*}}/cgroup"""
    hook = {"path": "/bin/sh", "args": ["sh", "-c", script], "env": ["PATH=/bin"]}
    made = bundle(["true"], hooks={"prestart": [hook]})
    runner.ok("create", "--bundle", made, "c")
    path = made.config["linux"]["cgroupsPath"]
    found = {line.partition(":")[2] for line in (diary.path / "seen").read_text().splitlines()}
    pid = runner.state("c")["pid"]
    own = {line.partition(":")[2] for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines()}
    runner.ok("delete", "c")
    assert found == own
    assert sum(line.endswith(f":{path}") for line in found) > 5


def test_poststop_hooks_come_after_the_deletion(runner: Runner, bundle: MakeBundle, diary: Diary) -> None:
    """Neither process, nor cgroup, nor state is there any more when they run, and delete waits for them."""
    made = bundle(["sleep", "600"])
    runner.ok("run", "--detach", "--bundle", made, "other")
    group = made.config["linux"]["cgroupsPath"]
    look = f"cat /proc/$pid/cmdline; ls -d /sys/fs/cgroup/*{group}x; ls {runner.root}"
    script = f"read pid <{diary.path}/pid; exec >{diary.path}/seen; {look}; sleep 0.1; echo end"
    made.config["hooks"] = {"poststop": [{"path": "/bin/sh", "args": ["sh", "-c", script]}]}
    made.config["linux"]["cgroupsPath"] = f"{group}x"
    made.write()
    runner.ok("run", "--detach", "--bundle", made, "c")
    (diary.path / "pid").write_text(f"{runner.state('c')['pid']}\n")
    runner.ok("delete", "--force", "c")
    assert (diary.path / "seen").read_text().split() == ["other", "end"]
    runner.ok("delete", "--force", "other")


def test_poststart_hooks_come_when_the_program_has_been_executed(
    plain_runtime: Runner, bundle: MakeBundle, diary: Diary
) -> None:
    """runtime.md#lifecycle: after the start of the process, so it is what they find, and no longer krun's."""
    script = f"""exec >{diary.path}/seen; read s; p=${{s#*'"pid":'}}; cat /proc/${{p%%,*}}/cmdline"""
    hook = {"path": "/bin/sh", "args": ["sh", "-c", script], "env": ["PATH=/bin"]}
    made = bundle(["sleep", "600"], hooks={"poststart": [hook]})
    plain_runtime.ok("create", "--bundle", made, "c")
    plain_runtime.ok("start", "c")
    plain_runtime.ok("delete", "--force", "c")
    assert (diary.path / "seen").read_bytes() == b"sleep\x00600\x00"


def test_no_operation_has_an_effect_while_the_container_is_being_created(
    runner: Runner, bundle: MakeBundle, diary: Diary
) -> None:
    """runtime.md#operations: it is neither created, nor running, nor stopped: an error each, and no wait."""
    words = ("start c", "kill c KILL", "delete c", "pause c", "update --pids-limit 9 c", "exec c true")
    calls = "; ".join(f"{' '.join(runner.command())} {call}; echo $?" for call in words)
    script = f"exec >{diary.path}/said 2>&1; {calls}; {' '.join(runner.command('state', 'c'))}"
    hook = {"path": "/bin/sh", "args": ["sh", "-c", script], "env": [f"PATH={os.environ['PATH']}"]}
    payload = ["sh", "-c", "echo ran >>/diary/ran"]
    made = bundle(payload, hooks={"createRuntime": [hook]}, mounts=[diary.mount])
    runner.ok("create", "--bundle", made, "c")
    said, _, state = (diary.path / "said").read_text().partition("{")
    early = 'krun: container "c" is not created yet: creating'
    assert said.splitlines() == [
        *(early, "1"),
        *('krun: cannot kill container "c": container not running', "1"),
        *(early, "1") * 3,
        *('krun: cannot exec in container "c": container not running: creating', "255"),
    ]
    assert '"status": "creating"' in state
    assert runner.state("c")["status"] == "created"
    runner.ok("start", "c")
    runner.wait("c")
    runner.ok("delete", "c")
    assert (diary.path / "ran").read_text() == "ran\n"


@pytest.mark.parametrize("is_own", [False, True], ids=["of another's", "of the hook's own"])
def test_a_deletion_by_force_does_not_wait_for_a_hook_of_create(
    runner: Runner, bundle: MakeBundle, diary: Diary, gate: Gate, *, is_own: bool
) -> None:
    """The container's init is killed, and what is left of the creation, which takes everything back."""
    deletion = " ".join(runner.command("delete", "--force", "c"))
    script = deletion if is_own else f"echo here >{gate.path}; sleep 600"
    path = f"PATH={os.environ['PATH']}"
    hook = {"path": "/bin/sh", "args": ["sh", "-c", script], "env": [path]}
    hooks = {"createRuntime": [hook], "poststop": [diary.hook("poststop")]}
    krun = runner.start("create", "--bundle", bundle(["true"], hooks=hooks), "c", stderr=subprocess.PIPE)
    if not is_own:
        assert gate.read() == "here"
        runner.ok("delete", "--force", "c")
    err = krun.communicate(timeout=TIMEOUT_S)[1].decode()
    assert (krun.returncode, err) == (1, "krun: hook createRuntime[0] /bin/sh: was interrupted\n")
    assert diary.order == ["poststop"]
    assert os.listdir(runner.root) == []


def ignore_children() -> None:
    """Leave one's children to the kernel, and let what one executes do the same."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)


def test_a_caller_that_ignores_its_children_is_served_as_others(
    runner: Runner, bundle: MakeBundle, diary: Diary
) -> None:
    """A disposition outlives execve: krun would wait for a hook, and for the payload, that is nowhere."""
    hooks = {point: [diary.hook(point)] for point in ("createRuntime", "poststart", "poststop")}
    made = bundle(["sh", "-c", "exit 7"], hooks=hooks)
    process = runner.start("run", "--bundle", made, "c", preexec_fn=ignore_children)
    assert process.wait(TIMEOUT_S) == 7
    assert diary.order == ["createRuntime", "poststart", "poststop"]


def test_no_descriptor_of_the_callers_reaches_a_hook(
    runner: Runner, bundle: MakeBundle, diary: Diary
) -> None:
    """Neither what was leaked into krun nor what is preserved for the payload."""
    script = "for n in 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$n ] && echo $n; done >>{}/fds; true"
    hooks = {}
    for point in POINTS:
        folder = "/diary" if point == "startContainer" else diary.path
        hooks[point] = [{"path": "/bin/sh", "args": ["sh", "-c", script.format(folder)]}]
    made = bundle(["sh", "-c", "cat <&3"], hooks=hooks, mounts=[diary.mount])
    words = runner.command("run", "--preserve-fds", "1", "--bundle", made, "c")
    handing = ["bash", "-c", 'exec 3<<<three 7<<<seven; exec "$0" "$@"', *words]
    done = subprocess.run(handing, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("three\n", "", 0)
    assert (diary.path / "fds").read_text() == ""


@pytest.mark.parametrize("point", POINTS[:3])
def test_poststop_hooks_follow_a_hook_that_fails_in_create(
    runner: Runner, bundle: MakeBundle, diary: Diary, point: str
) -> None:
    """runtime.md#lifecycle: the error, the container's end, then step 12: destruction and poststop."""
    hooks = {name: [diary.hook(name)] for name in POINTS}
    hooks[point] = [diary.hook(point, then="echo no luck; exit 3"), diary.hook(point, "late")]
    line = runner.refused("create", "--bundle", bundle(["true"], hooks=hooks, mounts=[diary.mount]), "c")
    assert line.startswith(f"krun: hook {point}[0] /bin/sh: ")
    assert line.endswith("status 3: no luck")
    assert diary.order == [*POINTS[: POINTS.index(point) + 1], "poststop"]
    assert diary.state("poststop")["status"] == "stopped"
    assert os.listdir(runner.root) == []


@pytest.mark.parametrize("point", ["startContainer", "poststart"])
@pytest.mark.parametrize("verb", ["start", "run"])
def test_a_hook_that_fails_in_start_destroys_the_container(
    runner: Runner, bundle: MakeBundle, diary: Diary, point: str, verb: str
) -> None:
    """runtime.md#lifecycle: the error, the container's end, its destruction, and the poststop hooks once."""
    hooks = {name: [diary.hook(name)] for name in POINTS}
    hooks[point] = [diary.hook(point, then="echo no luck; exit 3"), diary.hook(point, "late")]
    made = bundle(["sleep", "600"], hooks=hooks, mounts=[diary.mount])
    if verb == "start":
        runner.ok("create", "--bundle", made, "c")
        pid = runner.state("c")["pid"]
        line = runner.refused("start", "c")
        assert not is_alive(pid)
    else:
        line = runner.refused("run", "--bundle", made, "c")
    assert line.startswith(f"krun: hook {point}[0] /bin/sh: ")
    assert line.endswith("status 3: no luck")
    assert diary.order == [*POINTS[: POINTS.index(point) + 1], "poststop"]
    assert os.listdir(runner.root) == []
    assert runner.refused("state", "c") == 'krun: container "c" does not exist'


@pytest.mark.parametrize("start", ["start", "run"])
def test_a_poststart_hook_may_call_verbs(
    runner: Runner, bundle: MakeBundle, diary: Diary, start: str
) -> None:
    """Each works on the container as it would for anybody else, a deletion included; nobody waits for it."""

    def calling(*verbs: str) -> dict[str, Any]:
        calls = " && ".join(shlex.join([*runner.command(*verb.split()), "c"]) for verb in verbs)
        return diary.hook("poststart", then=f"{calls} && echo called >>{diary.path}/order")

    def begin(*verbs: str) -> None:
        hooks = {"poststart": [calling(*verbs)], "poststop": [diary.hook("poststop")]}
        made = bundle(["sleep", "600"], hooks=hooks, name=f"to {verbs[0]}")
        if start == "start":
            runner.ok("create", "--bundle", made, "c")
            runner.ok("start", "c")
        else:
            runner.ok("run", "--detach", "--bundle", made, "c")

    begin("pause", "resume", "update --pids-limit 50")
    assert (diary.order, runner.state("c")["status"]) == (["poststart", "called"], "running")
    runner.ok("delete", "--force", "c")
    begin("delete --force")
    assert diary.order[3:] == ["poststart", "poststop", "called"]
    assert os.listdir(runner.root) == []


@pytest.mark.parametrize(
    ("args", "options"),
    [
        (["nosuchprogram"], []),
        (["true"], ["--pid-file", "/dev/null/pid"]),
    ],
    ids=["no program", "no pid file"],
)
def test_poststop_hooks_follow_any_failure_of_create(
    runner: Runner, bundle: MakeBundle, diary: Diary, args: list[str], options: list[str]
) -> None:
    """What earlier hooks have made for the container, such as a network, is taken back."""
    hooks = {name: [diary.hook(name)] for name in ("prestart", "poststop")}
    runner.refused("create", *options, "--bundle", bundle(args, hooks=hooks), "c")
    assert diary.order == ["prestart", "poststop"]
    assert os.listdir(runner.root) == []


def test_no_hook_runs_for_a_configuration_that_is_refused(
    runner: Runner, bundle: MakeBundle, diary: Diary
) -> None:
    """There never was a container."""
    made = bundle(["true"], hooks={name: [diary.hook(name)] for name in POINTS}, cwd="relative")
    runner.refused("create", "--bundle", made, "c")
    assert diary.order == []


def test_a_poststop_hook_that_fails_is_a_warning(
    runner: Runner, bundle: MakeBundle, diary: Diary, tmp_path: Path
) -> None:
    """runtime.md#lifecycle: it is logged, the others run, and the deletion succeeds."""
    hooks = {"poststop": [diary.hook("poststop", "first", then="exit 5"), diary.hook("poststop", "second")]}
    runner.ok("create", "--bundle", bundle(["true"], hooks=hooks), "c")
    log = tmp_path / "log"
    runner.ok("--log", log, "--log-format", "json", "--log-level", "warning", "delete", "c")
    assert diary.order == ["first", "second"]
    entry = json.loads(log.read_text())
    assert entry["level"] == "warning"
    assert entry["msg"] == "hook poststop[0] /bin/sh: exited with status 5"

"""What krun's callers get besides a verb's result: pidfds, pid files, orphans to wait for, probes' answers.

Out of scope: terminals (test_console), systemd's protocols (test_activation), the log (test_log).
"""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from support.bundles import MakeBundle
from support.processes import TIMEOUT_S, is_alive
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]


# A shim: whoever loses its parent among its descendants becomes its child, and it waits for the container.
SHIM = """
import ctypes, os, subprocess, sys
PR_SET_CHILD_SUBREAPER = 36
assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
folder, verbs = sys.argv[1], [line.split() for line in sys.stdin]
for words in verbs:
    nothing = subprocess.DEVNULL
    subprocess.run(words, stdin=nothing, stdout=nothing, stderr=nothing, check=True)
pid = int(open(f"{folder}/pid").read())
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


# conmon: what it starts is killed when it ends itself, which it does as soon as that has succeeded.
CONMON = """
import ctypes, signal, subprocess, sys
PR_SET_PDEATHSIG, nothing = 1, subprocess.DEVNULL
die = lambda: ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
subprocess.run(sys.argv[1:], stdin=nothing, stdout=nothing, stderr=nothing, preexec_fn=die, check=True)
"""


@pytest.mark.parametrize("verb", ["create", "run"])
def test_a_pidfd_of_init_arrives_over_the_pidfd_socket(
    runner: Runner, bundle: MakeBundle, tmp_path: Path, verb: str
) -> None:
    """One message with one descriptor, which tells the end of exactly that process."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        options = ["--detach"] if verb == "run" else []
        runner.ok(verb, *options, "--bundle", bundle(["sleep", "600"]), "--pidfd-socket", tmp_path / "s", "c")
        with listener.accept()[0] as connection:
            _, (pidfd, *others), _, _ = socket.recv_fds(connection, 4096, 2)
    assert others == []
    pid = runner.state("c")["pid"]
    assert f"Pid:\t{pid}\n" in Path(f"/proc/self/fdinfo/{pidfd}").read_text()
    runner.ok("kill", "c", "KILL")
    assert select.select([pidfd], [], [], TIMEOUT_S)[0] == [pidfd]
    os.close(pidfd)
    runner.ok("delete", "c")


def test_a_pidfd_socket_that_is_not_there_undoes_the_creation(
    runner: Runner, bundle: MakeBundle, tmp_path: Path
) -> None:
    """The container would be one that its caller cannot follow."""
    line = runner.refused("create", "--bundle", bundle(["true"]), "--pidfd-socket", tmp_path / "s", "c")
    assert line == f"krun: pidfd socket {tmp_path}/s: it is not there"
    assert os.listdir(runner.root) == []


@pytest.mark.parametrize("verb", ["create", "run", "exec"])
def test_a_pid_file_never_has_half_a_pid(
    runner: Runner, bundle: MakeBundle, tmp_path: Path, verb: str
) -> None:
    """It takes the place of an old one as a whole, by a rename, and holds nothing but the pid."""
    old = tmp_path / "pid"
    old.write_text("old")
    with old.open() as held:
        if verb == "exec":
            runner.ok("run", "--detach", "--bundle", bundle(["sleep", "600"]), "c")
            runner.ok("exec", "--detach", "--pid-file", old, "c", "sleep", "601")
            pids = json.loads(runner.ok("ps", "--format", "json", "c").out)
            expected = set(map(str, pids)) - {str(runner.state("c")["pid"])}
        else:
            options = ["--detach"] if verb == "run" else []
            runner.ok(verb, *options, "--bundle", bundle(["sleep", "600"]), "--pid-file", old, "c")
            expected = {str(runner.state("c")["pid"])}
        assert held.read() == "old"
    assert {old.read_text()} == expected
    assert [path.name for path in tmp_path.iterdir() if "pid" in path.name] == ["pid"]
    runner.ok("delete", "--force", "c")


@pytest.mark.parametrize("verb", ["create", "run", "exec"])
def test_the_process_becomes_a_child_of_the_callers_subreaper(
    runner: Runner, bundle: MakeBundle, tmp_path: Path, verb: str
) -> None:
    """containerd-shim and conmon wait for it themselves, and so read its exit status."""
    made = bundle(["sh", "-c", "exit 42"] if verb != "exec" else ["sleep", "600"])
    pid_file = ["--pid-file", str(tmp_path / "pid")]
    calls = {
        "create": [["create", "--bundle", str(made), *pid_file, "c"], ["start", "c"]],
        "run": [["run", "--detach", "--bundle", str(made), *pid_file, "c"]],
        "exec": [
            ["run", "--detach", "--bundle", str(made), "c"],
            ["exec", "--detach", *pid_file, "c", "sh", "-c", "exit$IFS$((40+2))"],
        ],
    }[verb]
    text = "".join(f"{' '.join(runner.command(*words))}\n" for words in calls)
    done = subprocess.run(
        [sys.executable, "-c", SHIM, str(tmp_path)], input=text, capture_output=True, text=True, check=True
    )
    assert done.stdout == "42\n", done.stderr
    runner.ok("delete", "--force", "c")


@pytest.mark.parametrize("verb", ["create", "run", "exec"])
def test_the_process_outlives_a_caller_with_whom_krun_was_to_die(
    runner: Runner, bundle: MakeBundle, tmp_path: Path, verb: str
) -> None:
    """The death signal that conmon gives krun is not init's, whose parent it soon is no more."""
    made = bundle(["sleep", "600"])
    words = {
        "create": ["create", "--bundle", str(made)],
        "run": ["run", "--detach", "--bundle", str(made)],
        "exec": ["exec", "--detach"],
    }[verb]
    if verb == "exec":
        runner.ok("run", "--detach", "--bundle", made, "c")
    words += ["--pid-file", str(tmp_path / "pid"), "c", *(["sleep", "601"] if verb == "exec" else [])]
    subprocess.run([sys.executable, "-c", CONMON, *runner.command(*words)], check=True, timeout=TIMEOUT_S)
    pid = int((tmp_path / "pid").read_text())
    # A process that this had reached would be gone by the end of another one's whole life.
    runner.ok("exec", "c", "true")
    assert is_alive(pid)
    runner.ok("delete", "--force", "c")


def test_what_succeeds_prints_nothing(runner: Runner, bundle: MakeBundle) -> None:
    """Standard output and error of a verb are the payload's, or an attached client's."""
    made = bundle(["sleep", "600"])
    for words in (
        ["create", "--bundle", str(made), "c"],
        ["start", "c"],
        ["pause", "c"],
        ["resume", "c"],
        ["update", "--pids-limit", "50", "c"],
        ["exec", "c", "true"],
        ["exec", "--detach", "c", "true"],
        ["kill", "c", "0"],
        ["kill", "--all", "c", "KILL"],
        ["delete", "--force", "c"],
        ["delete", "--force", "c"],
    ):
        result = runner.ok(*words)
        assert (result.out, result.err) == ("", ""), result


@pytest.mark.parametrize(
    "option",
    [
        "--debug",
        "--criu=/usr/sbin/criu",
        "--log-level=debug",
        "--log-format=text",
        "--cgroup-manager=cgroupfs",
        "--systemd-cgroup=false",
        "--rootless",
        "--rootless=auto",
        "--rootless=false",
    ],
)
def test_every_global_option_of_runcs_and_cruns_is_taken(plain_runtime: Runner, option: str) -> None:
    """In front of the verb."""
    assert plain_runtime.ok(option, "list", "--quiet").out == ""


def test_another_file_of_the_bundle_can_be_the_configuration(runner: Runner, bundle: MakeBundle) -> None:
    """--config, as crun has it."""
    made = bundle(["echo", "other"])
    (made.path / "config.json").rename(made.path / "other.json")
    assert runner.ok("run", "--bundle", made, "--config", "other.json", "c").out == "other\n"


@pytest.mark.parametrize("words", [["checkpoint", "--help"], ["restore", "--lsm-mount-context"]])
def test_podmans_probes_are_told_that_there_is_no_checkpoint(runner: Runner, words: list[str]) -> None:
    """The one by its status, the other by what is not said: "flag needs an argument"."""
    line = runner.refused(*words)
    assert line == f"krun: {words[0]}: krun cannot save the state of a virtual machine"


def test_an_error_that_nobody_can_read_keeps_its_status(runner: Runner) -> None:
    """Standard error may be full or closed; the log has the line all the same."""
    log = runner.folder / "log"
    for stderr in (">/dev/full", ">&-"):
        command = runner.command("--log", log, "state", "nothing")
        done = subprocess.run(["bash", "-c", f'"$0" "$@" 2{stderr}', *command], check=False)
        assert done.returncode == 1, stderr
    assert log.read_text().count('container \\"nothing\\" does not exist') == 2


def test_closed_standard_streams_are_nothing_to_read_or_write(runner: Runner, bundle: MakeBundle) -> None:
    """None of krun's own descriptors takes their place."""
    script = (
        "cat; echo out; for n in 0 1 2 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$n ] && echo $n; done >/fds; exit 3"
    )
    made = bundle(["sh", "-c", script])
    command = runner.command("run", "--bundle", made, "c")
    done = subprocess.run(["bash", "-c", 'exec "$0" "$@" <&- >&- 2>&-', *command], check=False)
    assert done.returncode == 3
    assert (made.rootfs / "fds").read_text().split() == ["0", "1", "2"]

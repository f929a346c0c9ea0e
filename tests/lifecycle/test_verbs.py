"""Each verb as its callers use it, and each mistake with its one clear line.

Out of scope: the barrier under stress (test_barrier), failures in the middle (test_undo), clients.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.bundles import Bundle
from support.processes import wait_dead
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]

MakeBundle = Callable[..., Bundle]


@pytest.fixture(params=["none", pytest.param("builtin", marks=pytest.mark.needs("kvm"))])
def runner(request: pytest.FixtureRequest, krun: Path, krun_root: Path, tmp_path: Path) -> Runner:
    """Run with and without a VM: the verbs are the same."""
    return Runner(krun, krun_root, tmp_path / "streams", monitor=request.param)


@pytest.fixture
def created(runner: Runner, bundle: MakeBundle) -> str:
    """Return the id of a created container whose process would sleep."""
    runner.ok("create", "--bundle", bundle(["sleep", "600"]), "c")
    return "c"


class Gate:
    """A named pipe in the container, `/gate`: reading from it waits until the payload says something."""

    def __init__(self, folder: Path) -> None:
        """Make the pipe."""
        self.path = folder / "gate"
        os.mkfifo(self.path)
        self.mount = {"destination": "/gate", "type": "bind", "source": str(self.path), "options": ["bind"]}

    def read(self) -> str:
        """Wait for what the payload writes until it closes the pipe."""
        return self.path.read_text().strip()


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    """Return a pipe to mount into a container."""
    return Gate(tmp_path)


class TestCreate:
    """`krun create`."""

    def test_the_container_is_created_and_not_running(self, runner: Runner, bundle: MakeBundle) -> None:
        """runtime.md#create: the user-specified program must not be run at this time."""
        made = bundle(["touch", "/ran"])
        result = runner.ok("create", "--bundle", made, "c")
        assert (result.out, result.err) == ("", "")
        assert runner.state("c")["status"] == "created"
        assert not (made.rootfs / "ran").exists()
        runner.ok("delete", "c")

    def test_the_bundle_is_the_working_directory_by_default(self, runner: Runner, bundle: MakeBundle) -> None:
        """Shims call krun in the bundle."""
        made = bundle(["true"])
        runner.ok("create", "c", cwd=made.path)
        assert runner.state("c")["bundle"] == str(made)
        runner.ok("delete", "c")

    def test_options_are_taken_in_every_spelling(
        self, runner: Runner, bundle: MakeBundle, tmp_path: Path
    ) -> None:
        """`--x y`, `--x=y`, `-x y` as Go's flag package has it, and options behind the id."""
        made = bundle(["true"])
        for number, words in enumerate(
            (
                ["--bundle", str(made), "c"],
                [f"--bundle={made}", "c"],
                ["-bundle", str(made), "c"],
                ["-b", str(made), "c"],
                ["c", "--bundle", str(made)],
            )
        ):
            pid_file = tmp_path / f"pid{number}"
            runner.ok("create", "--pid-file", pid_file, *words)
            assert pid_file.exists()
            runner.ok("delete", "c")

    def test_the_pid_file_is_decimal_without_newline(
        self, runner: Runner, bundle: MakeBundle, tmp_path: Path
    ) -> None:
        """Shims parse it as it is."""
        runner.ok("create", "--bundle", bundle(["true"]), "--pid-file", tmp_path / "pid", "c")
        assert (tmp_path / "pid").read_text() == str(runner.state("c")["pid"])
        runner.ok("delete", "c")

    def test_a_pid_file_that_cannot_be_written_leaves_nothing(
        self, runner: Runner, bundle: MakeBundle, tmp_path: Path
    ) -> None:
        """The last step fails: all steps before it are undone."""
        pid_file = tmp_path / "missing" / "pid"
        line = runner.refused("create", "--bundle", bundle(["true"]), "--pid-file", pid_file, "c")
        assert line == f"krun: pid file {pid_file}: cannot be written: ENOENT"
        assert os.listdir(runner.root) == []

    def test_an_id_is_taken_once(self, runner: Runner, bundle: MakeBundle, created: str) -> None:
        """runtime.md#create: an error if the id is not unique."""
        line = runner.refused("create", "--bundle", bundle(["true"], name="other"), created)
        assert line == f'krun: container with id exists: "{created}"'
        assert runner.state(created)["status"] == "created"
        runner.ok("delete", created)

    def test_the_payload_gets_the_standard_descriptors_and_no_other(
        self, runner: Runner, bundle: MakeBundle
    ) -> None:
        """A shim may leak descriptors into krun (CVE-2024-21626)."""
        reading, writing = os.pipe()
        try:
            result = runner.ok(
                "run",
                "--bundle",
                bundle(["sh", "-c", "ls /proc/$$/fd; exit"]),
                "c",
                pass_fds=(reading, writing),
            )
        finally:
            os.close(reading)
            os.close(writing)
        assert result.out.split() == ["0", "1", "2"]

    def test_preserved_descriptors_keep_their_numbers(self, runner: Runner, bundle: MakeBundle) -> None:
        """--preserve-fds N hands 3 to 2+N through, and nothing above."""
        command = runner.command(
            "run",
            "--preserve-fds",
            "2",
            "--bundle",
            bundle(["sh", "-c", "cat <&3; cat <&4; ls /proc/$$/fd; exit"]),
            "c",
        )
        script = 'exec 3<<<three 4<<<four 5<<<five; exec "$0" "$@"'
        done = subprocess.run(["bash", "-c", script, *command], capture_output=True, text=True, check=True)
        assert done.stdout.split() == ["three", "four", "0", "1", "2", "3", "4"]

    def test_a_preserved_descriptor_that_is_not_open_is_refused(
        self, runner: Runner, bundle: MakeBundle
    ) -> None:
        """krun's own descriptors never take the place of one that the caller did not open."""
        line = runner.refused("create", "--preserve-fds", "1", "--bundle", bundle(["true"]), "c")
        assert line == "krun: --preserve-fds: descriptor 3 is not open"

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
    def test_a_signal_to_create_undoes_it(
        self, runner: Runner, bundle: MakeBundle, tmp_path: Path, gate: Gate, number: signal.Signals
    ) -> None:
        """krun that is asked to stop while a hook runs leaves nothing, and says why it failed."""
        hook = {"path": "/bin/sh", "args": ["sh", "-c", f"echo here >{gate.path}; exec sleep 600"]}
        made = bundle(["true"], hooks={"prestart": [hook]})
        with (tmp_path / "err").open("wb") as err:
            krun = runner.start("create", "--bundle", made, "c", stderr=err)
            assert gate.read() == "here"
            krun.send_signal(number)
            assert krun.wait(30) == 1
        assert "interrupted" in (tmp_path / "err").read_text()
        assert os.listdir(runner.root) == []


class TestConsole:
    """Terminals: --console-socket, and krun's own relay."""

    def test_the_master_arrives_over_the_console_socket(
        self, runner: Runner, bundle: MakeBundle, tmp_path: Path
    ) -> None:
        """One message with the master in it; what the payload writes can be read there."""
        path = tmp_path / "console"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen()
            made = bundle(["sh", "-c", "tty; echo out"], terminal=True)
            runner.ok("create", "--bundle", made, "--console-socket", path, "c")
            with listener.accept()[0] as connection:
                _, (master, *others), _, _ = socket.recv_fds(connection, 4096, 2)
        assert others == []
        pid = runner.state("c")["pid"]
        runner.ok("start", "c")
        wait_dead(pid)
        with os.fdopen(master, "rb", buffering=0) as terminal:
            assert terminal.read(4096).split() == [b"/dev/pts/0", b"out"]
        runner.ok("delete", "c")

    def test_a_console_socket_that_is_not_there_is_named(
        self, runner: Runner, bundle: MakeBundle, tmp_path: Path
    ) -> None:
        """Not in words that dockerd takes for the payload's."""
        path = tmp_path / "nowhere"
        made = bundle(["true"], terminal=True)
        line = runner.refused("create", "--bundle", made, "--console-socket", path, "c")
        assert line == f"krun: console socket {path}: it is not there"

    def test_a_terminal_without_a_console_socket_is_refused(self, runner: Runner, bundle: MakeBundle) -> None:
        """`create` returns at once, so somebody else has to take the terminal."""
        line = runner.refused("create", "--bundle", bundle(["true"], terminal=True), "c")
        assert "console socket" in line

    def test_run_relays_the_terminal(self, runner: Runner, bundle: MakeBundle) -> None:
        """What is typed arrives, and what is printed comes back."""
        made = bundle(["sh", "-c", "tty; read line; echo got $line; exit 3"], terminal=True)
        result = runner("run", "--bundle", made, "c", stdin=b"hello\n")
        assert result.status == 3
        # The terminal's echo of what was typed stands wherever it came.
        assert sorted(result.out.split()) == ["/dev/pts/0", "got", "hello", "hello"]


class TestStart:
    """`krun start`."""

    def test_the_process_runs(self, runner: Runner, created: str) -> None:
        """runtime.md#start: it must run the user-specified program."""
        result = runner.ok("start", created)
        assert (result.out, result.err) == ("", "")
        assert runner.state(created)["status"] == "running"
        runner.ok("delete", "--force", created)

    def test_a_second_start_is_refused(self, runner: Runner, created: str) -> None:
        """runtime.md#start: starting what is not created must have no effect and generate an error."""
        runner.ok("start", created)
        line = runner.refused("start", created)
        assert line == f'krun: container "{created}" cannot be started: it is already running'
        assert runner.state(created)["status"] == "running"
        runner.ok("delete", "--force", created)

    def test_a_stopped_container_is_not_started(self, runner: Runner, created: str) -> None:
        """Its process has been and gone."""
        pid = runner.state(created)["pid"]
        runner.ok("kill", created, "KILL")
        wait_dead(pid)
        assert "it has stopped" in runner.refused("start", created)
        runner.ok("delete", created)

    def test_a_failing_poststart_hook_ends_the_container(
        self, runner: Runner, bundle: MakeBundle, tmp_path: Path
    ) -> None:
        """runtime.md#lifecycle: generate an error, stop the container, delete it, run the poststop hooks."""
        stopped = tmp_path / "stopped"
        hooks = {
            "poststart": [{"path": "/bin/sh", "args": ["sh", "-c", "echo no luck; exit 3"]}],
            "poststop": [{"path": "/bin/sh", "args": ["sh", "-c", f"cat >{stopped}"]}],
        }
        runner.ok("create", "--bundle", bundle(["sleep", "600"], hooks=hooks), "c")
        line = runner.refused("start", "c")
        assert line == "krun: hook poststart[0] /bin/sh: exited with status 3: no luck"
        assert json.loads(stopped.read_text())["status"] == "stopped"
        assert os.listdir(runner.root) == []

    def test_a_poststart_hook_that_fails_in_run_is_one_clear_line(
        self, runner: Runner, bundle: MakeBundle, tmp_path: Path
    ) -> None:
        """The container is destroyed once, the poststop hooks run once, and undoing finds nothing wrong."""
        stopped = tmp_path / "stopped"
        hooks = {
            "poststart": [{"path": "/bin/sh", "args": ["sh", "-c", "echo no luck; exit 3"]}],
            "poststop": [{"path": "/bin/sh", "args": ["sh", "-c", f"echo once >>{stopped}"]}],
        }
        line = runner.refused("run", "--bundle", bundle(["sleep", "600"], hooks=hooks), "c")
        assert line == "krun: hook poststart[0] /bin/sh: exited with status 3: no luck"
        assert stopped.read_text() == "once\n"
        assert os.listdir(runner.root) == []


class TestState:
    """`krun state`."""

    def test_it_is_what_the_specification_and_runc_have(self, runner: Runner, bundle: MakeBundle) -> None:
        """runtime.md#state, and runc's additions that callers read."""
        made = bundle(["sleep", "600"], change=lambda config: config.update(annotations={"a.b": "c"}))
        runner.ok("create", "--bundle", made, "c")
        state = runner.state("c")
        created = state.pop("created")
        assert (created[10], created[-1]) == ("T", "Z")
        assert os.path.exists(f"/proc/{state.pop('pid')}")
        assert state == {
            "ociVersion": "1.3.0",
            "id": "c",
            "status": "created",
            "bundle": str(made),
            "rootfs": str(made.rootfs),
            "annotations": {"a.b": "c"},
            "owner": "root",
        }
        runner.ok("delete", "c")

    def test_it_needs_neither_bundle_nor_configuration(self, runner: Runner, bundle: MakeBundle) -> None:
        """Clients delete bundles before they ask for the last time."""
        made = bundle(["sleep", "600"])
        runner.ok("create", "--bundle", made, "c")
        (made.path / "config.json").unlink()
        assert runner.state("c")["status"] == "created"
        runner.ok("delete", "c")

    def test_there_is_none_of_what_does_not_exist(self, runner: Runner) -> None:
        """runtime.md#state: an error for a container that does not exist, in the words that clients read."""
        assert runner.refused("state", "nothing") == 'krun: container "nothing" does not exist'

    def test_a_stopped_container_has_no_pid(self, runner: Runner, created: str) -> None:
        """Its pid may be somebody else's by now."""
        pid = runner.state(created)["pid"]
        runner.ok("kill", created, "9")
        wait_dead(pid)
        state = runner.state(created)
        assert (state["status"], state["pid"]) == ("stopped", 0)
        runner.ok("delete", created)

    def test_a_pid_that_was_used_again_is_not_the_container(self, runner: Runner, created: str) -> None:
        """A record that names a living process with another start time describes a dead one."""
        record = runner.root / created / "krun.json"
        document = json.loads(record.read_text())
        pid = document["pid"]
        record.write_text(json.dumps({**document, "pid": os.getpid()}))
        assert runner.state(created)["status"] == "stopped"
        assert "container not running" in runner.refused("kill", created, "9")
        record.write_text(json.dumps({**document, "pid": pid}))
        runner.ok("delete", created)


class TestKill:
    """`krun kill`."""

    @pytest.mark.parametrize("name", ["15", "TERM", "SIGTERM", "sigterm", None])
    def test_a_signal_has_a_number_and_names(
        self, runner: Runner, bundle: MakeBundle, gate: Gate, name: str | None
    ) -> None:
        """Docker sends numbers, CRI-O names; without either it is SIGTERM."""
        script = "trap 'exit 42' TERM; echo ready >/gate; while :; do sleep 0.1; done"
        runner.ok("create", "--bundle", bundle(["sh", "-c", script], mounts=[gate.mount]), "c")
        pid = runner.state("c")["pid"]
        runner.ok("start", "c")
        assert gate.read() == "ready"
        runner.ok("kill", "c", *([name] if name else []))
        wait_dead(pid)
        runner.ok("delete", "c")

    def test_the_stopped_is_refused_in_words_that_clients_look_for(
        self, runner: Runner, created: str
    ) -> None:
        """containerd wants "container not running"; --all is no error, even twice."""
        pid = runner.state(created)["pid"]
        runner.ok("kill", created, "KILL")
        wait_dead(pid)
        line = runner.refused("kill", created, "KILL")
        assert line == f'krun: cannot kill container "{created}": container not running'
        runner.ok("kill", "--all", created, "9")
        runner.ok("kill", "--all", created, "9")
        runner.ok("delete", created)

    @pytest.mark.parametrize("word", ["NOSUCH", "65", "-", "TERM+1"])
    def test_what_is_no_signal_is_refused(self, runner: Runner, created: str, word: str) -> None:
        """And nothing is sent."""
        assert runner.refused("kill", created, word) == f"krun: kill: {word!r} is not a signal"
        assert runner.state(created)["status"] == "created"
        runner.ok("delete", created)

    def test_all_reaches_every_process(self, runner: Runner, bundle: MakeBundle, gate: Gate) -> None:
        """With the host's pid namespace, the end of init ends nobody else."""
        made = bundle(
            ["sh", "-c", "sleep 600 & echo $! >/gate; wait"],
            namespaces=("network", "ipc", "uts", "mount"),
            mounts=[gate.mount],
        )
        runner.ok("create", "--bundle", made, "c")
        init = runner.state("c")["pid"]
        runner.ok("start", "c")
        child = int(gate.read())
        runner.ok("kill", "--all", "c", "KILL")
        wait_dead(init)
        wait_dead(child)
        runner.ok("delete", "c")


class TestDelete:
    """`krun delete`."""

    def test_a_running_container_is_refused(self, runner: Runner, created: str) -> None:
        """runtime.md#delete: deleting what is not stopped must have no effect and generate an error."""
        runner.ok("start", created)
        line = runner.refused("delete", created)
        assert line == f'krun: cannot delete container "{created}" that is not stopped: running'
        assert runner.state(created)["status"] == "running"
        runner.ok("delete", "--force", created)

    def test_a_created_container_is_killed(self, runner: Runner, created: str) -> None:
        """As runc does."""
        pid = runner.state(created)["pid"]
        runner.ok("delete", created)
        wait_dead(pid)
        assert os.listdir(runner.root) == []

    def test_force_of_nothing_succeeds(self, runner: Runner) -> None:
        """Shims call it after every end; without force it is an error."""
        runner.ok("delete", "--force", "nothing")
        assert runner.refused("delete", "nothing") == 'krun: container "nothing" does not exist'

    def test_poststop_hooks_read_the_state_and_may_fail(
        self, runner: Runner, bundle: MakeBundle, tmp_path: Path
    ) -> None:
        """runtime.md#lifecycle: a failing poststop hook is a warning, and the others run."""
        state = tmp_path / "state"
        hooks = {
            "poststop": [
                {"path": "/bin/false"},
                {"path": "/bin/sh", "args": ["sh", "-c", f"cat >{state}"]},
            ]
        }
        made = bundle(["true"], hooks=hooks)
        runner.ok("create", "--bundle", made, "c")
        runner.ok("delete", "c")
        assert json.loads(state.read_text()) == {
            "ociVersion": "1.3.0",
            "id": "c",
            "status": "stopped",
            "bundle": str(made),
        }

    def test_what_other_runtimes_keep_in_the_root_stays(self, runner: Runner) -> None:
        """dockerd gives all its runtimes the same root."""
        foreign = runner.root / "runc-container"
        foreign.mkdir()
        (foreign / "state.json").write_text("{}")
        runner.ok("delete", "--force", foreign.name)
        assert runner.refused("state", foreign.name) == f'krun: container "{foreign.name}" does not exist'
        assert runner.ok("list", "--quiet").out == ""
        assert (foreign / "state.json").read_text() == "{}"
        (foreign / "state.json").unlink()
        foreign.rmdir()

    def test_force_removes_what_a_killed_create_left(self, runner: Runner) -> None:
        """A directory that krun was killed in before there was a record."""
        (runner.root / "c").mkdir()
        (runner.root / "c" / "krun.lock").touch()
        runner.ok("delete", "--force", "c")
        assert os.listdir(runner.root) == []


class TestList:
    """`krun list`."""

    def test_the_table_has_runcs_columns(self, runner: Runner, created: str) -> None:
        """People and scripts know it."""
        head, row = runner.ok("list").out.splitlines()
        assert head.split() == ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]
        state = runner.state(created)
        words = [created, str(state["pid"]), "created", state["bundle"], state["created"], "root"]
        assert row.split() == words
        runner.ok("delete", created)

    def test_json_is_an_array_of_states(self, runner: Runner, created: str) -> None:
        """The same as `state` prints, for each container."""
        assert json.loads(runner.ok("list", "--format", "json").out) == [runner.state(created)]
        runner.ok("delete", created)
        assert json.loads(runner.ok("list", "--format=json").out) == []


class TestRun:
    """`krun run`."""

    @pytest.mark.parametrize(("script", "status"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 137)])
    def test_the_status_is_the_payloads(
        self, runner: Runner, bundle: MakeBundle, script: str, status: int
    ) -> None:
        """128 + N for a death by signal N, and nothing is left."""
        # A process that is pid 1 is not killed by its own signal: let the shell be another.
        made = bundle(["sh", "-c", script], namespaces=("network", "ipc", "uts", "mount"))
        assert runner("run", "--bundle", made, "c").status == status
        assert os.listdir(runner.root) == []

    def test_the_standard_streams_are_the_payloads(self, runner: Runner, bundle: MakeBundle) -> None:
        """Byte for byte."""
        result = runner.ok("run", "--bundle", bundle(["sh", "-c", "cat; echo err >&2"]), "c", stdin=b"a\nb")
        assert (result.out, result.err) == ("a\nb", "err\n")

    def test_signals_are_passed_on(self, runner: Runner, bundle: MakeBundle, gate: Gate) -> None:
        """krun in the foreground stands for the payload."""
        script = "trap 'exit 9' TERM; echo ready >/gate; while :; do sleep 0.1; done"
        made = bundle(["sh", "-c", script], mounts=[gate.mount])
        krun = runner.start("run", "--bundle", made, "c", stdin=subprocess.DEVNULL)
        assert gate.read() == "ready"
        krun.send_signal(signal.SIGTERM)
        assert krun.wait(30) == 9

    def test_detached_leaves_a_running_container(self, runner: Runner, bundle: MakeBundle) -> None:
        """As `create` and `start` do."""
        runner.ok("run", "--detach", "--bundle", bundle(["sleep", "600"]), "c")
        assert runner.state("c")["status"] == "running"
        runner.ok("delete", "--force", "c")

    def test_keep_leaves_the_stopped_container(self, runner: Runner, bundle: MakeBundle) -> None:
        """For who wants to look at its state."""
        runner.ok("run", "--keep", "--bundle", bundle(["true"]), "c")
        assert runner.state("c")["status"] == "stopped"
        runner.ok("delete", "c")


def without(config: dict[str, Any], key: str) -> None:
    """Remove a property."""
    del config[key]


class TestMistakes:
    """Each mistake is one clear line and status 1, and leaves nothing."""

    @pytest.fixture(autouse=True)
    def _leaves_nothing(self, runner: Runner) -> Any:
        """Look at the state directory afterwards."""
        yield
        assert os.listdir(runner.root) == []

    def test_no_configuration(self, runner: Runner, tmp_path: Path) -> None:
        """Its path is named."""
        line = runner.refused("create", "--bundle", tmp_path, "c")
        assert line == f"krun: configuration {tmp_path}/config.json is missing"

    def test_invalid_json(self, runner: Runner, bundle: MakeBundle) -> None:
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
        self, runner: Runner, bundle: MakeBundle, change: Callable[[dict[str, Any]], None], words: str
    ) -> None:
        """With their JSON path."""
        line = runner.refused("create", "--bundle", bundle(["true"], change=change), "c")
        assert words in line

    @pytest.mark.parametrize("id", ["a/b", "..", ".", ".hidden", "a b", "é", "x" * 1025])
    def test_what_is_no_id(self, runner: Runner, bundle: MakeBundle, id: str) -> None:
        """An id names a directory: it must not lead out of the root."""
        assert "invalid container id" in runner.refused("create", "--bundle", bundle(["true"]), id)
        assert "invalid container id" in runner.refused("delete", "--force", id)

    def test_a_root_that_is_missing(self, runner: Runner, bundle: MakeBundle) -> None:
        """Not in words that dockerd takes for a missing program."""
        made = bundle(["true"], change=lambda config: config["root"].update(path="nowhere"))
        line = runner.refused("create", "--bundle", made, "c")
        assert f"{made.path}/nowhere" in line
        assert "no such file" not in line.lower()

    def test_a_program_that_is_missing(self, runner: Runner, bundle: MakeBundle) -> None:
        """In the very words from which dockerd makes status 127."""
        line = runner.refused("create", "--bundle", bundle(["nosuchprogram"]), "c")
        assert 'exec: "nosuchprogram": executable file not found in $PATH' in line

    def test_a_directory_as_program(self, runner: Runner, bundle: MakeBundle) -> None:
        """In the very words from which dockerd makes status 126."""
        assert "permission denied" in runner.refused("create", "--bundle", bundle(["/bin"]), "c")

    def test_a_failing_hook_is_named_with_its_output(self, runner: Runner, bundle: MakeBundle) -> None:
        """runtime.md#lifecycle: an error of a prestart hook stops the container."""
        hook = {"path": "/bin/sh", "args": ["sh", "-c", "echo no network; exit 4"]}
        line = runner.refused("create", "--bundle", bundle(["true"], hooks={"prestart": [hook]}), "c")
        assert line == "krun: hook prestart[0] /bin/sh: exited with status 4: no network"

    def test_a_hook_that_takes_too_long_is_killed(self, runner: Runner, bundle: MakeBundle) -> None:
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
    def test_the_command_line(self, runner: Runner, words: list[str], line: str) -> None:
        """The word that is wrong is in the line."""
        assert runner.refused(*words).startswith(f"krun: {line}")


class TestLog:
    """--log: the file that callers learn of an error from."""

    def read(self, path: Path) -> list[dict[str, str]]:
        """Parse the log as containerd does, line by line."""
        return [json.loads(line) for line in path.read_text().splitlines()]

    @pytest.mark.parametrize(
        "words",
        [
            ["state", "nothing"],
            ["--nonsense", "state", "x"],
            ["frobnicate"],
            ["create", "--bundle", "/", "x"],
        ],
        ids=" ".join,
    )
    def test_an_error_is_one_json_line(self, runner: Runner, tmp_path: Path, words: list[str]) -> None:
        """Whatever is wrong, also with the command line itself; podman parses the file as one object."""
        log = tmp_path / "log.json"
        shown = runner.refused("--log", log, "--log-format=json", *words)
        (entry,) = self.read(log)
        assert entry["level"] == "error"
        assert f"krun: {entry['msg']}" == shown
        assert entry["time"].endswith("Z")

    def test_nothing_else_is_logged(self, runner: Runner, bundle: MakeBundle, tmp_path: Path) -> None:
        """A successful verb leaves an empty log."""
        log = tmp_path / "log.json"
        options = ("--log", log, "--log-format", "json")
        runner.ok(*options, "run", "--bundle", bundle(["true"]), "c")
        assert log.read_text() == ""

    def test_a_log_that_cannot_be_opened_is_an_error(self, runner: Runner, tmp_path: Path) -> None:
        """Better than a caller that waits for a file."""
        path = tmp_path / "missing" / "log"
        assert runner.refused("--log", path, "list").startswith(f"krun: --log {path}: cannot be opened")


class TestVersionAndHelp:
    """What clients ask once, when they start."""

    def test_the_version_is_what_clients_parse(self, runner: Runner) -> None:
        """dockerd reads the word version and the line `commit: …`; CRI-O wants nothing on stderr."""
        result = runner.ok("--version")
        first, commit, spec = result.out.splitlines()
        assert first.startswith("krun version ")
        assert commit.startswith("commit: ")
        assert spec == "spec: 1.3.0"
        assert result.err == ""

    def test_help_lists_every_verb(self, runner: Runner) -> None:
        """With its summary; and each verb has a page of its own."""
        listed = runner.ok("--help").out
        for verb in ("create", "start", "state", "kill", "delete", "run", "list", "spec", "features"):
            assert f"\n  {verb} " in listed
            assert runner.ok(verb, "--help").out.startswith(f"usage: krun [global options] {verb}")

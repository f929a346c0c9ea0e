"""`krun exec`: another process in a container, as its callers run it.

Out of scope: what clients make of it (clients/test_docker_verbs), its plan
(golden/test_exec_plans).
"""

from __future__ import annotations

import array
import fcntl
import json
import os
import pty
import select
import shutil
import signal
import socket
import struct
import subprocess
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.bundles import Bundle, MakeBundle
from support.processes import TIMEOUT_S, is_alive, wait_dead
from support.runner import Result, Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]

CPU_LIMIT, OPEN_FILES = 0, 7


class Container:
    """A running container `c` that sleeps, and exec in it."""

    def __init__(self, runner: Runner, bundle: Bundle) -> None:
        """Run it."""
        self.runner, self.bundle = runner, bundle
        runner.ok("run", "--detach", "--bundle", bundle, "c")

    def exec(self, *words: str | os.PathLike[str], **options: Any) -> Result:
        """Run `exec WORDS…`; the words are options, the id and the command."""
        return self.runner("exec", *words, **options)

    def output(self, *words: str | os.PathLike[str], **options: Any) -> str:
        """Run `exec`, assert that it succeeds, return what was printed."""
        return self.runner.ok("exec", *words, **options).out.strip()

    def refused(self, *words: str | os.PathLike[str], **options: Any) -> str:
        """Run `exec`, assert that krun itself fails with status 255 and one line, and return that."""
        result = self.exec(*words, **options)
        assert (result.status, result.err.count("\n")) == (255, 1), result
        return result.err.removeprefix("krun: ").rstrip("\n")

    @property
    def init(self) -> int:
        """The pid of its init."""
        pid = self.runner.state("c")["pid"]
        assert isinstance(pid, int)
        return pid


@pytest.fixture
def start(runner: Runner, bundle: MakeBundle) -> Iterator[Callable[..., Container]]:
    """Return what runs the container; options are make_bundle's.  It is deleted afterwards."""

    def begin(**options: Any) -> Container:
        return Container(runner, bundle(["sleep", "600"], **options))

    yield begin
    runner.ok("delete", "--force", "c")


@pytest.fixture
def container(start: Callable[..., Container]) -> Container:
    """Return a container as docker would make it."""
    return start()


def process_file(folder: Path, args: list[str], **more: Any) -> Path:
    """Write a process as clients do."""
    process = {"args": args, "cwd": "/", "user": {"uid": 0, "gid": 0}, "env": ["PATH=/bin"]} | more
    path = folder / "process.json"
    path.write_text(json.dumps(process))
    return path


class TestJoining:
    """Where the process is."""

    def test_it_runs_in_a_vm_as_the_container_does(self, runner: Runner, container: Container) -> None:
        """The monitor is the one that the container was made with, whatever exec's command line says."""
        suffix = ".kontain.KVM" if runner.monitor == "builtin" else ""
        other = Runner(runner.program, runner.root, runner.folder / "other")
        assert other.ok("exec", "c", "uname", "-r").out.strip() == os.uname().release + suffix
        assert container.bundle.rootfs.exists()

    def test_its_namespaces_are_the_containers(self, container: Container) -> None:
        """Each of them is that of the container's init."""
        for name in ("pid", "net", "ipc", "uts", "mnt", "user", "cgroup"):
            own = container.output("c", "readlink", f"/proc/self/ns/{name}")
            assert own == os.readlink(f"/proc/{container.init}/ns/{name}"), name

    def test_a_namespace_of_the_hosts_stays_the_hosts(self, start: Callable[..., Container]) -> None:
        """A container without a network namespace has the runtime's, and so has the process."""
        container = start(namespaces=("pid", "ipc", "uts", "mount"))
        assert container.output("c", "readlink", "/proc/self/ns/net") == os.readlink("/proc/self/ns/net")

    def test_a_user_namespace_is_joined(self, start: Callable[..., Container]) -> None:
        """It is root of the container's user namespace, whose other namespaces it joins as that."""

        def change(config: dict[str, Any]) -> None:
            config["linux"]["namespaces"].append({"type": "user"})
            for name in ("uidMappings", "gidMappings"):
                config["linux"][name] = [{"containerID": 0, "hostID": 0, "size": 65536}]

        container = start(change=change)
        assert container.output("c", "id", "-u") == "0"
        assert container.output("c", "cat", "/proc/self/uid_map").split() == ["0", "0", "65536"]

    def test_its_cgroup_is_the_containers(self, container: Container) -> None:
        """In every hierarchy."""
        lines = container.output("c", "cat", "/proc/self/cgroup").splitlines()
        inits = Path(f"/proc/{container.init}/cgroup").read_text().splitlines()
        assert sorted(lines) == sorted(inits)

    def test_a_cgroup_below_the_containers_can_be_asked_for(self, container: Container) -> None:
        """--cgroup: one that is there; one that is not is refused, and so is a way out."""
        path = Path("/sys/fs/cgroup/pids") / container.bundle.config["linux"]["cgroupsPath"].strip("/")
        (path / "part").mkdir()
        lines = container.output("--cgroup", "pids:part", "c", "cat", "/proc/self/cgroup").splitlines()
        assert any(line.endswith("/part") and ":pids:" in line for line in lines), lines
        assert "is not there" in container.refused("--cgroup", "pids:other", "c", "true")
        assert "must not contain '..'" in container.refused("--cgroup", "pids:../..", "c", "true")
        (path / "part").rmdir()

    def test_it_needs_nothing_of_the_bundle(self, container: Container) -> None:
        """The configuration may be gone, and its file may have become another."""
        (container.bundle.path / "config.json").write_text("{}")
        assert container.output("c", "echo", "here") == "here"

    def test_descriptors_do_not_leak(self, container: Container) -> None:
        """The process has 0 to 2 and what is preserved, whatever the caller has open (CVE-2024-21626)."""
        reading, writing = os.pipe()
        try:
            script = "ls /proc/$$/fd; exit"
            leaky = container.output("c", "sh", "-c", script, pass_fds=(reading, writing))
        finally:
            os.close(reading)
            os.close(writing)
        assert leaky.split() == ["0", "1", "2"]

    def test_descriptors_can_be_preserved(self, container: Container, tmp_path: Path) -> None:
        """--preserve-fds: they keep their numbers."""
        path = tmp_path / "file"
        path.write_text("preserved\n")
        with path.open("rb") as file:
            os.dup2(file.fileno(), 3, inheritable=True) if file.fileno() != 3 else os.set_inheritable(3, True)
            out = container.output("--preserve-fds", "1", "c", "sh", "-c", "cat <&3", pass_fds=(3,))
        assert out == "preserved"


class TestTheProcess:
    """What the process is: the container's own, changed by options, or one from a file."""

    def test_it_begins_as_the_containers_process(self, start: Callable[..., Container]) -> None:
        """Environment, directory, user, groups, umask and limits of the configuration."""

        def change(config: dict[str, Any]) -> None:
            process = config["process"]
            process["user"].update(uid=1234, gid=567, umask=0o077, additionalGids=[8, 9])
            process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}]
            process["env"].append("FRUIT=quince")
            process["cwd"] = "/tmp"

        container = start(change=change)
        script = "id -u; id -G; umask; ulimit -n; echo $FRUIT; pwd"
        assert container.output("c", "sh", "-c", script).splitlines() == [
            "1234",
            "567 8 9",
            "0077",
            "100",
            "quince",
            "/tmp",
        ]

    def test_options_change_it(self, container: Container) -> None:
        """--cwd, --env, --user and --additional-gids."""
        words = ["--cwd", "/bin", "--env", "A=1", "-e", "B=two words", "--user", "12:34"]
        script = "pwd; echo $A $B; id -u; id -G"
        out = container.output(*words, "--additional-gids", "56", "c", "sh", "-c", script)
        assert out.splitlines() == ["/bin", "1 two words", "12", "34 56"]

    def test_the_words_behind_the_id_are_the_commands(self, container: Container) -> None:
        """Options of the command are not krun's; `--` may stand before it."""
        assert container.output("c", "echo", "--cwd", "-t") == "--cwd -t"
        assert container.output("c", "--", "echo", "--") == "--"

    def test_capabilities_are_the_containers_and_those_asked_for(self, container: Container) -> None:
        """--cap adds to the bounding, effective and permitted sets, never to the inheritable one."""

        def sets(*options: str) -> dict[str, int]:
            lines = container.output(*options, "c", "grep", "Cap", "/proc/self/status").splitlines()
            return {name: int(value, 16) for name, value in (line.split(":\t") for line in lines)}

        own, more = sets(), sets("--cap", "CAP_SYS_PTRACE")
        inits = Path(f"/proc/{container.init}/status").read_text()
        assert f"CapEff:\t{own['CapEff']:016x}" in inits
        ptrace = 1 << 19
        for name in ("CapBnd", "CapEff", "CapPrm"):
            assert more[name] == own[name] | ptrace, name
        assert more["CapInh"] == own["CapInh"] == 0

    def test_new_privileges_can_be_forbidden(self, start: Callable[..., Container]) -> None:
        """--no-new-privs adds to what the container has."""
        container = start(change=lambda config: config["process"].update(noNewPrivileges=False))
        words = ("c", "grep", "NoNewPrivs", "/proc/self/status")
        assert container.output(*words) == "NoNewPrivs:\t0"
        assert container.output("--no-new-privs", *words) == "NoNewPrivs:\t1"

    def test_the_seccomp_profile_is_the_containers(self, start: Callable[..., Container]) -> None:
        """What the container may not call, the process may not either."""

        def change(config: dict[str, Any]) -> None:
            rule = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95}
            config["linux"]["seccomp"] = {
                "defaultAction": "SCMP_ACT_ALLOW",
                "architectures": ["SCMP_ARCH_X86_64"],
                "syscalls": [rule],
            }

        container = start(change=change)
        result = container.exec("c", "mkdir", "/tmp/made")
        assert result.status == 1, result
        assert "Operation not supported" in result.err, result

    def test_a_file_describes_the_whole_process(self, container: Container, tmp_path: Path) -> None:
        """--process: what dockerd, conmon and CRI-O send."""
        path = process_file(
            tmp_path, ["sh", "-c", "pwd; id -u; echo $FRUIT"], env=["PATH=/bin", "FRUIT=plum"]
        )
        document = json.loads(path.read_text())
        document.update(cwd="/tmp", user={"uid": 77, "gid": 0})
        path.write_text(json.dumps(document))
        assert container.output("--process", path, "c").splitlines() == ["/tmp", "77", "plum"]

    def test_home_comes_from_the_containers_passwd(self, container: Container, tmp_path: Path) -> None:
        """An environment without HOME gets the user's."""
        (container.bundle.rootfs / "etc").mkdir(exist_ok=True)
        (container.bundle.rootfs / "etc/passwd").write_text("somebody:x:77:77::/tmp:/bin/sh\n")
        path = process_file(tmp_path, ["sh", "-c", "echo $HOME"], user={"uid": 77, "gid": 77})
        assert container.output("--process", path, "c") == "/tmp"

    @pytest.mark.parametrize(
        "user", ["root", "0:root", "1:2:3", "-1", "+1", " 1", "1:", ":1", "0x10", "4294967295"]
    )
    def test_a_user_is_one_or_two_numbers(self, container: Container, user: str) -> None:
        """Strictly: what parses loosely runs as somebody else (CVE-2026-30892)."""
        assert container.refused("--user", user, "c", "true").startswith("--user: ")

    def test_a_working_directory_is_not_made(self, container: Container) -> None:
        """What is missing is an error, and stays missing."""
        assert "change the directory to /missing: ENOENT" in container.refused(
            "--cwd", "/missing", "c", "true"
        )
        assert not (container.bundle.rootfs / "missing").exists()

    @pytest.mark.parametrize("number", range(3, 12))
    def test_a_working_directory_outside_is_refused(self, container: Container, number: int) -> None:
        """No descriptor of krun's leads out of the container (CVE-2024-21626)."""
        line = container.refused("--cwd", f"/proc/self/fd/{number}", "c", "pwd")
        assert "change the directory" in line or "outside the container" in line


class TestTheEnd:
    """Statuses, and when exec returns."""

    @pytest.mark.parametrize(("script", "status"), [("exit 0", 0), ("exit 42", 42), ("kill -9 $$", 137)])
    def test_the_status_is_the_processs(self, container: Container, script: str, status: int) -> None:
        """128 + N for a death by signal N."""
        assert container.exec("c", "sh", "-c", script).status == status

    @pytest.mark.parametrize(
        ("command", "line"),
        [
            ("nothing", 'exec: "nothing": executable file not found in $PATH'),
            ("/nothing", 'exec: "/nothing": stat /nothing: no such file or directory'),
            ("/etc", 'exec: "/etc": permission denied'),
        ],
    )
    def test_what_cannot_be_executed_is_krun_s_failure(
        self, container: Container, tmp_path: Path, command: str, line: str
    ) -> None:
        """With status 255, the words that clients look for, and no pid file."""
        (container.bundle.rootfs / "etc").mkdir(exist_ok=True)
        assert container.refused("--pid-file", tmp_path / "pid", "c", command) == line
        assert not (tmp_path / "pid").exists()

    def test_a_program_without_its_interpreter_is_not_found(self, container: Container) -> None:
        """In the words of which clients make status 127, and `run` has the same."""
        root = container.bundle.rootfs
        (root / "script").write_text("#!/nowhere/sh\n")
        (root / "script").chmod(0o755)
        shutil.copy("/bin/true", root / "dynamic")
        config = container.bundle.config
        config["linux"]["cgroupsPath"] += "-other"
        for name in ("script", "dynamic"):
            line = container.refused("c", f"/{name}")
            assert f"/{name}" in line
            assert "no such file or directory" in line
            config["process"]["args"] = [f"/{name}"]
            container.bundle.write()
            assert container.runner.refused("run", "--bundle", container.bundle, "other") == f"krun: {line}"

    def test_what_is_no_program_is_refused(self, container: Container) -> None:
        """Also where only the kernel finds that out, behind the barrier."""
        path = container.bundle.rootfs / "text"
        path.write_bytes(b"\x00not a program")
        path.chmod(0o755)
        assert "text" in container.refused("c", "/text")

    def test_signals_are_passed_on(self, container: Container) -> None:
        """krun in the foreground stands for the process."""
        script = "trap 'exit 9' TERM; echo ready; while :; do sleep 0.1; done"
        command = container.runner.command("exec", "c", "sh", "-c", script)
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as krun:
            assert krun.stdout is not None
            assert krun.stdout.readline() == b"ready\n"
            krun.send_signal(signal.SIGTERM)
            assert krun.wait(TIMEOUT_S) == 9

    def test_detached_returns_while_the_process_runs(self, container: Container, tmp_path: Path) -> None:
        """Its pid is in the file, decimal without newline."""
        container.runner.ok("exec", "--detach", "--pid-file", tmp_path / "pid", "c", "sleep", "601")
        pid = int((tmp_path / "pid").read_text())
        assert is_alive(pid)
        assert Path(f"/proc/{pid}/cmdline").read_bytes() == b"sleep\x00601\x00"
        assert (tmp_path / "pid").read_text() == str(pid)

    def test_a_pid_file_that_cannot_be_written_leaves_no_process(
        self, container: Container, tmp_path: Path
    ) -> None:
        """The last step fails, and what was done is undone."""
        line = container.refused("-d", "--pid-file", tmp_path / "no/pid", "c", "sleep", "601")
        assert line == f"pid file {tmp_path}/no/pid: cannot be written: ENOENT"
        pids = json.loads(container.runner.ok("ps", "--format", "json", "c").out)
        assert pids == [container.init]

    def test_it_ends_with_the_container(self, container: Container, tmp_path: Path) -> None:
        """The pid namespace's end is its end."""
        container.runner.ok("exec", "--detach", "--pid-file", tmp_path / "pid", "c", "sleep", "601")
        container.runner.ok("kill", "c", "KILL")
        wait_dead(int((tmp_path / "pid").read_text()))


class TestTheTerminal:
    """--tty and terminals of a process file."""

    def test_krun_relays_a_terminal_in_the_foreground(self, container: Container) -> None:
        """What is typed arrives, what is printed comes back, and the window has the caller's size."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
        script = "tty; stty size; read word; echo got $word; exit 5"
        command = container.runner.command("exec", "--tty", "c", "sh", "-c", script)
        krun = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        os.write(master, b"quince\n")
        seen = b""
        while b"got quince" not in seen:
            try:
                seen += os.read(master, 4096)
            except OSError:
                pytest.fail(f"the terminal ended: {seen!r}")
        assert krun.wait(TIMEOUT_S) == 5
        os.close(master)
        assert b"/dev/pts/0" in seen
        assert b"33 77" in seen

    def test_a_console_socket_gets_the_master(self, container: Container, tmp_path: Path) -> None:
        """One message with the descriptor; /dev/console of the container is not touched."""
        path = process_file(tmp_path, ["sh", "-c", "tty; exec sleep 601"], terminal=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(str(tmp_path / "s"))
            listener.listen()
            words = ["--process", path, "--console-socket", tmp_path / "s", "--detach"]
            container.runner.ok("exec", *words, "c")
            connection, _ = listener.accept()
            with connection:
                _, ancillary, _, _ = connection.recvmsg(100, socket.CMSG_SPACE(4))
        (master,) = array.array("i", ancillary[0][2])
        poll = select.poll()
        poll.register(master, select.POLLIN)
        assert poll.poll(TIMEOUT_S * 1000)
        assert os.read(master, 100) == b"/dev/pts/0\r\n"
        os.close(master)
        mounts = container.output("c", "cat", "/proc/mounts")
        assert "/dev/console" not in mounts

    def test_a_terminal_and_a_socket_come_together(self, container: Container, tmp_path: Path) -> None:
        """Detached, a terminal wants somebody to take its master; a socket wants a terminal."""
        assert "a console socket is needed" in container.refused("-t", "-d", "c", "true")
        line = container.refused("--console-socket", tmp_path / "s", "c", "true")
        assert "asks for no terminal" in line


def test_a_caller_without_descriptors_gets_one_line_and_255(
    start: Callable[..., Container], krun: Path, krun_root: Path, tmp_path: Path
) -> None:
    """Wherever exec runs out of them: it is krun's own failure, and no process's status 1."""
    container = start()
    statuses = set()
    for most in range(5, 31):
        few = Runner(krun, krun_root, tmp_path / "few", through=["prlimit", f"--nofile={most}:{most}"])
        result = few("exec", "c", "sh", "-c", "exit 3")
        statuses.add(result.status)
        assert (result.status, result.err.count("\n")) in ((255, 1), (3, 0)), result
    assert statuses == {255, 3}
    assert container.output("c", "echo", "whole") == "whole"


class TestRefusals:
    """What exec does not do, in one line and with status 255."""

    def test_a_stopped_container(self, container: Container) -> None:
        """There is nothing to join."""
        container.runner.ok("kill", "c", "KILL")
        container.runner.wait("c")
        line = container.refused("c", "true")
        assert line == 'cannot exec in container "c": container not running: stopped'

    def test_no_container(self, container: Container) -> None:
        """In the words that clients look for."""
        assert container.refused("other", "true") == 'container "other" does not exist'

    def test_a_paused_container(self, container: Container) -> None:
        """It would wait for the end of the pause; --ignore-paused does."""
        container.runner.ok("pause", "c")
        assert "it is paused" in container.refused("c", "true")
        with container.runner.start("exec", "--ignore-paused", "c", "sh", "-c", "exit 7") as waiting:
            container.runner.ok("resume", "c")
            assert waiting.wait(TIMEOUT_S) == 7

    @pytest.mark.parametrize(
        ("words", "line"),
        [
            (["c"], "exec: needs a command or --process"),
            (["--env", "A", "c", "true"], "--env: 'A' is not NAME=VALUE"),
            (["--cwd", "tmp", "c", "true"], "--cwd: must be absolute, got 'tmp'"),
            (["--process", "/dev/null/p", "c"], "process file /dev/null/p: cannot be read: ENOTDIR"),
            (
                ["--process-label", "l", "c", "true"],
                "$.process.selinuxLabel: SELinux is not enabled",
            ),
            (["--apparmor", "p", "c", "true"], "$.process.apparmorProfile: AppArmor is not enabled"),
            (["--preserve-fds", "5", "c", "true"], "--preserve-fds: descriptor 3 is not open"),
            (["--nonsense", "c", "true"], "--nonsense: unknown option"),
        ],
    )
    def test_the_command_line(self, container: Container, words: list[str], line: str) -> None:
        """Each mistake has its line."""
        assert container.refused(*words).startswith(line)

    def test_a_damaged_process_file(self, container: Container, tmp_path: Path) -> None:
        """Every fault by its JSON path."""
        path = process_file(tmp_path, [], cwd="relative")
        line = container.refused("--process", path, "c")
        assert "$.args" in line
        assert "$.cwd" in line


def test_a_created_container_can_be_joined(runner: Runner, bundle: MakeBundle) -> None:
    """Its namespaces are there before its process runs."""
    runner.ok("create", "--bundle", bundle(["true"]), "c")
    assert runner.ok("exec", "c", "uname", "-n").out == "krun-test\n"
    assert runner.state("c")["status"] == "created"
    runner.ok("delete", "c")


def test_a_terminal_of_a_process_file_is_relayed_in_the_foreground(
    container: Container, tmp_path: Path
) -> None:
    """As CRI-O calls it: --process FILE, no console socket, and krun's own streams for the terminal's."""
    script = "tty; read word; echo got $word; exit 6"
    path = process_file(tmp_path, ["sh", "-c", script], terminal=True)
    # Its standard input need not be a terminal: an attached client's is a pipe.
    result = container.exec("--process", path, "c", stdin=b"quince\n")
    assert result.status == 6, result
    assert "/dev/pts/0" in result.out
    assert "got quince" in result.out

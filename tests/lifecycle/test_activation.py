"""systemd's protocols with the payload: NOTIFY_SOCKET (sd_notify(3)) and LISTEN_FDS (sd_listen_fds(3))."""

from __future__ import annotations

import array
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.bundles import Bundle, MakeBundle
from support.processes import TIMEOUT_S
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox", "gcc"), pytest.mark.usefixtures("nothing_left")]


class Manager:
    """A service manager's notification socket."""

    def __init__(self, address: str) -> None:
        """Listen at a path, or at an abstract name that begins with `@`."""
        self.address = address
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self.socket.settimeout(TIMEOUT_S)

    def receive(self) -> list[str]:
        """Return the lines of the next message; a descriptor with it is closed, as systemd does."""
        data, ancillary, _, _ = self.socket.recvmsg(4096, socket.CMSG_SPACE(4))
        for _, _, rights in ancillary:
            for fd in array.array("i", rights):
                os.close(fd)
        return data.decode().split("\n")


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    """Return a service manager, at either kind of address."""
    address = str(tmp_path / "manager") if request.param == "path" else f"@krun-test-{os.getpid()}"
    made = Manager(address)
    yield made
    made.socket.close()


@pytest.fixture
def telling(bundle: MakeBundle, say: Path) -> MakeBundle:
    """Return what makes a bundle whose payload sends messages."""

    def make(*messages: str, **options: Any) -> Bundle:
        made = bundle(["/say", *messages], **options)
        made.add_program("say", say)
        return made

    return make


def environment(manager: Manager) -> dict[str, str]:
    """Return the environment of a unit of Type=notify."""
    return {**os.environ, "NOTIFY_SOCKET": manager.address}


class TestNotify:
    """NOTIFY_SOCKET."""

    def test_start_stays_until_the_payload_is_ready(
        self, runner: Runner, telling: MakeBundle, manager: Manager
    ) -> None:
        """What comes before is passed on, and with READY=1 the host's pid of the container's init."""
        made = telling("STATUS=nearly", "MAINPID=1\nREADY=1\nSTATUS=there")
        reading, writing = os.pipe()
        env = environment(manager)
        with subprocess.Popen(
            runner.command("create", "--bundle", made, "c"), stdin=reading, env=env
        ) as krun:
            assert krun.wait(TIMEOUT_S) == 0
        pid = runner.state("c")["pid"]
        with runner.start("start", "c", env=env) as start:
            assert manager.receive() == ["STATUS=nearly"]
            assert manager.receive() == ["READY=1", "STATUS=there", f"MAINPID={pid}"]
            assert manager.receive() == ["BARRIER=1"]
            assert start.wait(TIMEOUT_S) == 0
        assert runner.state("c")["status"] == "running"
        os.close(reading)
        os.close(writing)
        runner.ok("delete", "--force", "c")

    def test_start_does_not_wait_for_one_that_ends(
        self, runner: Runner, telling: MakeBundle, manager: Manager
    ) -> None:
        """Its end is not readiness: nothing is passed on."""
        runner.ok("create", "--bundle", telling(), "c", env=environment(manager))
        runner.ok("start", "c", env=environment(manager))
        runner.wait("c")
        runner.ok("delete", "c")
        manager.socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            manager.receive()

    def test_others_may_look_while_start_waits(
        self, runner: Runner, telling: MakeBundle, manager: Manager
    ) -> None:
        """The container is not locked for as long as its payload needs."""
        reading, writing = os.pipe()
        made, env = telling("STATUS=here"), environment(manager)
        with subprocess.Popen(
            runner.command("create", "--bundle", made, "c"), stdin=reading, env=env
        ) as krun:
            assert krun.wait(TIMEOUT_S) == 0
        with runner.start("start", "c", env=env) as start:
            assert manager.receive() == ["STATUS=here"]
            runner.ok("update", "--pids-limit", "50", "c")
            os.close(writing)
            assert start.wait(TIMEOUT_S) == 0
        os.close(reading)
        runner.ok("delete", "--force", "c")

    def test_run_in_the_foreground_passes_everything_on(
        self, runner: Runner, telling: MakeBundle, manager: Manager
    ) -> None:
        """The manager knows krun as the main process; it stays, and so does the way to the manager."""
        made = telling("READY=1", "WATCHDOG=1", "STATUS=busy")
        command = runner.command("run", "--bundle", made, "c")
        with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment(manager)) as krun:
            assert [manager.receive() for _ in range(3)] == [["READY=1"], ["WATCHDOG=1"], ["STATUS=busy"]]
            assert krun.stdin is not None
            krun.stdin.close()
            assert krun.wait(TIMEOUT_S) == 0

    def test_run_detached_returns_when_the_payload_is_ready(
        self, runner: Runner, telling: MakeBundle, manager: Manager
    ) -> None:
        """As start does, and no krun stays."""
        command = runner.command("run", "--detach", "--bundle", telling("READY=1"), "c")
        with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment(manager)) as krun:
            (ready, main_pid) = manager.receive()
            assert ready == "READY=1"
            assert manager.receive() == ["BARRIER=1"]
            assert krun.wait(TIMEOUT_S) == 0
        assert main_pid.startswith("MAINPID=")
        runner.ok("delete", "--force", "c")

    def test_a_socket_of_the_clients_own_is_left_alone(
        self, runner: Runner, bundle: MakeBundle, manager: Manager
    ) -> None:
        """podman has a proxy of its own, and says so in the configuration."""
        script = "echo $NOTIFY_SOCKET; [ -e /run ] || echo nothing"
        made = bundle(["sh", "-c", script], env=["NOTIFY_SOCKET=/elsewhere"])
        assert runner.ok("run", "--bundle", made, "c", env=environment(manager)).out.split() == [
            "/elsewhere",
            "nothing",
        ]

    def test_what_is_left_beside_the_socket_goes_with_the_container(
        self, runner: Runner, telling: MakeBundle, manager: Manager, tmp_path: Path
    ) -> None:
        """A payload that may mount can write there; deleting follows no link, and no depth is too deep."""
        runner.ok("create", "--bundle", telling(), "c", env=environment(manager))
        (tmp_path / "precious").mkdir()
        (tmp_path / "precious" / "file").touch()
        notify = runner.root / "c" / "notify"
        (notify / "link").symlink_to(tmp_path / "precious")
        here = os.open(notify, os.O_DIRECTORY)
        for _ in range(1500):
            os.mkdir("below", dir_fd=here)
            (above, here) = (here, os.open("below", os.O_DIRECTORY, dir_fd=here))
            os.symlink("/", "root", dir_fd=above)
            os.close(above)
        os.close(here)
        runner.ok("delete", "--force", "c")
        assert (tmp_path / "precious" / "file").exists()


class TestListen:
    """LISTEN_FDS."""

    SCRIPT = (
        "echo $LISTEN_FDS $LISTEN_FDNAMES; [ $LISTEN_PID = $$ ] && echo mine; cat <&3; ls /proc/$$/fd; exit"
    )

    def listening(self, runner: Runner, *words: str | os.PathLike[str], pid: str = "$$") -> list[str]:
        """Run krun with a file as descriptor 3, handed over as systemd does; return what the payload says."""
        setting = f"LISTEN_FDS=1 LISTEN_FDNAMES=web LISTEN_PID={pid}" if pid else "LISTEN_FDS=1"
        script = f'exec 3<<<three 4<<<four; {setting} exec "$0" "$@"'
        command = ["bash", "-c", script, *runner.command(*words)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
        return done.stdout.split()

    @pytest.mark.parametrize("namespaces", [("pid", "mount"), ("mount",)], ids=["own pids", "hosts pids"])
    @pytest.mark.parametrize("pid", ["$$", "1"], ids=["systemd", "podman"])
    def test_the_payload_of_a_container_gets_them(
        self, runner: Runner, bundle: MakeBundle, namespaces: tuple[str, ...], pid: str
    ) -> None:
        """With its own pid in LISTEN_PID, and no descriptor above them."""
        made = bundle(["sh", "-c", self.SCRIPT], namespaces=namespaces)
        said = self.listening(runner, "run", "--bundle", made, "c", pid=pid)
        assert said == ["1", "web", "mine", "three", "0", "1", "2", "3"]

    def test_the_payload_of_exec_gets_them(self, runner: Runner, bundle: MakeBundle) -> None:
        """Its pid is not 1."""
        runner.ok("run", "--detach", "--bundle", bundle(["sleep", "600"]), "c")
        said = self.listening(runner, "exec", "c", "sh", "-c", self.SCRIPT)
        assert said == ["1", "web", "mine", "three", "0", "1", "2", "3"]
        runner.ok("delete", "--force", "c")

    def test_those_for_another_process_are_not_handed_on(self, runner: Runner, bundle: MakeBundle) -> None:
        """A daemon that was activated may have left the variables to krun; descriptor 3 is anything then."""
        made = bundle(["sh", "-c", "echo $LISTEN_FDS; ls /proc/$$/fd; exit"])
        assert self.listening(runner, "run", "--bundle", made, "c", pid="2") == ["0", "1", "2"]

"""A real dockerd runs containers with krun: what `docker run` promises, seen from outside.

The commands are single programs and shell builtins, so that the container is one process.
"""

from __future__ import annotations

import os
import pty
import signal
import time
from pathlib import Path

import pytest
from support.docker import IMAGE, READY, Attached, Docker
from support.processes import TIMEOUT_S, is_alive

IN_VM = ".kontain.KVM"


# -- in the VM -------------------------------------------------------------------------------------


def test_the_payload_runs_in_the_vm(docker: Docker) -> None:
    """`docker run --rm --runtime krun IMAGE uname -r` ends in .kontain.KVM; with runc it is the host's."""
    release = docker.output(IMAGE, "uname", "-r").strip()
    assert release == os.uname().release + (IN_VM if docker.runtime == "krun" else "")


# -- standard streams ------------------------------------------------------------------------------


def test_stdin_reaches_the_payload_whole(docker: Docker) -> None:
    """-i: every byte of the client's stdin arrives, and its end does."""
    given = os.urandom(300_000).hex().encode()
    assert docker.output("-i", IMAGE, "cat", stdin=given).encode() == given


def test_stdin_is_empty_without_i(docker: Docker) -> None:
    """Without -i the payload reads end of file at once."""
    assert docker.output(IMAGE, "wc", "-c", stdin=b"not for the payload").split() == ["0"]


def test_stdout_and_stderr_stay_apart(docker: Docker) -> None:
    """What the payload writes arrives at the stream it was written to, and nothing else does."""
    answer = docker.run(IMAGE, "sh", "-c", "echo out; echo err >&2")
    assert (answer.out, answer.err) == ("out\n", "err\n")


def test_t_gives_a_terminal(docker: Docker) -> None:
    """-t: the three standard descriptors are a terminal."""
    answer = docker.run("-t", IMAGE, "sh", "-c", "[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo terminal")
    assert answer.out == "terminal\r\n", answer


def test_without_t_there_is_no_terminal(docker: Docker) -> None:
    """Without -t no standard descriptor is a terminal."""
    answer = docker.run("-i", IMAGE, "sh", "-c", "[ -t 0 ] || [ -t 1 ] || [ -t 2 ] || echo none")
    assert answer.out == "none\n", answer


def test_an_interactive_terminal_carries_a_conversation(docker: Docker) -> None:
    """-it: what is typed is echoed and read, and ^D ends the shell."""
    master, slave = pty.openpty()
    client = docker.popen(
        "--rm",
        "-it",
        IMAGE,
        "sh",
        "-c",
        "echo ready; read word; echo got $word; cat",
        stdin=slave,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    seen = b""

    def read_until(wanted: bytes) -> None:
        nonlocal seen
        while wanted not in seen:
            try:
                seen += os.read(master, 4096)
            except OSError:
                pytest.fail(f"the terminal ended before {wanted!r}: {seen!r}")

    read_until(b"ready")
    os.write(master, b"marmalade\n")
    read_until(b"got marmalade")
    os.write(master, b"\x04")
    status = client.wait(TIMEOUT_S)
    os.close(master)
    assert status == 0


# -- the options of docker run ---------------------------------------------------------------------


def test_e_sets_the_environment(docker: Docker) -> None:
    """-e: a variable arrives as it was given, spaces and all."""
    assert "COLOUR=light blue" in docker.output("-e", "COLOUR=light blue", IMAGE, "env").splitlines()


def test_w_sets_the_working_directory(docker: Docker) -> None:
    """-w: the payload begins there."""
    assert docker.output("-w", "/var/tmp", IMAGE, "pwd") == "/var/tmp\n"


@pytest.mark.parametrize(("user", "uid", "gid"), [("1234:567", "1234", "567"), ("nobody", "65534", "65534")])
def test_u_sets_the_user(docker: Docker, user: str, uid: str, gid: str) -> None:
    """-u: by number, and by name as /etc/passwd of the image has it."""
    assert docker.output("-u", user, IMAGE, "id", "-u").strip() == uid
    assert docker.output("-u", user, IMAGE, "id", "-g").strip() == gid


def test_v_shares_a_directory(docker: Docker, tmp_path: Path) -> None:
    """-v: what the payload writes there is on the host."""
    docker.output("-v", f"{tmp_path}:/shared", IMAGE, "sh", "-c", "echo hello >/shared/file")
    assert (tmp_path / "file").read_text() == "hello\n"


def test_v_ro_refuses_writing(docker: Docker, tmp_path: Path) -> None:
    """-v …:ro: the payload reads, and cannot write."""
    (tmp_path / "file").write_text("kept\n")
    script = "read word </shared/file; echo $word; echo x >/shared/file"
    answer = docker.run("-v", f"{tmp_path}:/shared:ro", IMAGE, "sh", "-c", script)
    assert answer.status != 0
    assert answer.out == "kept\n"
    assert "Read-only file system" in answer.err
    assert (tmp_path / "file").read_text() == "kept\n"


def test_read_only_makes_the_root_read_only(docker: Docker) -> None:
    """--read-only: nothing can be written to the root, but to a tmpfs that was asked for."""
    answer = docker.run("--read-only", IMAGE, "sh", "-c", "echo x >/file")
    assert answer.status != 0
    assert "Read-only file system" in answer.err
    script = "echo x >/tmp/file && read word </tmp/file && echo $word"
    assert docker.output("--read-only", "--tmpfs", "/tmp", IMAGE, "sh", "-c", script) == "x\n"


def test_hostname_is_set(docker: Docker) -> None:
    """--hostname: uname shows it."""
    assert docker.output("--hostname", "quince", IMAGE, "uname", "-n") == "quince\n"


def capabilities(docker: Docker, *options: str) -> dict[str, int]:
    """Return the capability sets of a payload."""
    lines = docker.output(*options, IMAGE, "grep", "Cap", "/proc/self/status").splitlines()
    return {name: int(value, 16) for name, value in (line.split(":\t") for line in lines)}


def test_cap_drop_takes_a_capability_away(docker: Docker) -> None:
    """--cap-drop: it is in no set, and the others are as before."""
    before = capabilities(docker)
    after = capabilities(docker, "--cap-drop", "CHOWN")
    chown = 1 << 0
    for name in ("CapPrm", "CapEff", "CapBnd"):
        assert before[name] & chown, name
        assert after[name] == before[name] & ~chown, name


def test_cap_drop_all_leaves_none(docker: Docker) -> None:
    """--cap-drop ALL: every set is empty."""
    assert set(capabilities(docker, "--cap-drop", "ALL").values()) == {0}


# -- networks --------------------------------------------------------------------------------------


def interfaces(docker: Docker, network: str) -> set[str]:
    """Return the network interfaces that a payload sees."""
    return set(docker.output("--network", network, IMAGE, "ls", "/sys/class/net").split())


def test_network_none_has_only_loopback(docker: Docker) -> None:
    """--network none: lo, and lo is up (flags 0x9: up, loopback)."""
    assert interfaces(docker, "none") == {"lo"}
    assert docker.output("--network", "none", IMAGE, "cat", "/sys/class/net/lo/flags") == "0x9\n"


def test_network_bridge_has_an_interface_that_is_up(docker: Docker) -> None:
    """--network bridge: eth0, made by docker's prestart hook, is there and up."""
    assert interfaces(docker, "bridge") == {"lo", "eth0"}
    assert docker.output("--network", "bridge", IMAGE, "cat", "/sys/class/net/eth0/operstate") == "up\n"


def test_network_host_is_the_daemons(docker: Docker) -> None:
    """--network host: the payload sees what the daemon sees, its bridge included."""
    seen = docker.bed.inside("ls", "/sys/class/net", capture_output=True, text=True).stdout.split()
    assert "docker0" in interfaces(docker, "host")
    assert "lo" in seen


# -- resources -------------------------------------------------------------------------------------


@pytest.mark.needs("cgroup_v1")
@pytest.mark.parametrize(
    ("option", "file", "value"),
    [
        ("--memory=64m", "memory/memory.limit_in_bytes", str(64 << 20)),
        ("--cpus=0.5", "cpu/cpu.cfs_quota_us", "50000"),
        ("--pids-limit=77", "pids/pids.max", "77"),
    ],
)
def test_a_limit_is_in_force(docker: Docker, option: str, file: str, value: str) -> None:
    """-m, --cpus, --pids-limit: the payload's cgroup carries the value."""
    assert docker.output(option, IMAGE, "cat", f"/sys/fs/cgroup/{file}") == f"{value}\n"


@pytest.mark.needs("cgroup_v1")
def test_memory_beyond_the_limit_ends_the_payload(docker: Docker) -> None:
    """-m: a payload that takes more is killed, and docker knows why."""
    answer = docker(
        *docker.words("--name", "greedy", "--memory=32m", "--memory-swap=32m", IMAGE),
        *("dd", "if=/dev/zero", "of=/dev/null", "bs=128M", "count=1"),
    )
    state = docker.inspect("greedy")["State"]
    docker.ok("rm", "greedy")
    assert answer.status == 137, answer
    assert state["OOMKilled"] is True


# -- exit statuses ---------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [0, 3, 255])
def test_the_payloads_status_is_dockers(docker: Docker, status: int) -> None:
    """The exit status of the payload is that of `docker run`."""
    assert docker.run(IMAGE, "sh", "-c", f"exit {status}").status == status


def test_a_typo_in_the_command_gives_127(docker: Docker) -> None:
    """127: the program is not found; docker names it."""
    answer = docker.run(IMAGE, "unmae", "-r")
    assert answer.status == 127, answer
    assert "unmae" in answer.err


def test_an_absolute_path_that_is_not_there_gives_127(docker: Docker) -> None:
    """127, as for a name that PATH does not have."""
    assert docker.run(IMAGE, "/bin/unmae").status == 127


def test_a_file_that_is_not_executable_gives_126(docker: Docker) -> None:
    """126: the file is there, and may not be executed."""
    answer = docker.run(IMAGE, "/etc/passwd")
    assert answer.status == 126, answer


def test_death_by_sigkill_gives_137(docker: Docker) -> None:
    """137: 128 and the number of SIGKILL."""
    container = Attached(docker, IMAGE, "sh", "-c", READY + "read word", name="killed")
    docker.ok("kill", "killed")
    assert container.status() == 137
    container.remove()


def test_death_by_sigterm_gives_143(docker: Docker) -> None:
    """143: with the host's pid namespace the payload is no init, so that SIGTERM ends it."""
    container = Attached(docker, "--pid", "host", IMAGE, "sh", "-c", READY + "read word", name="terminated")
    docker.ok("kill", "--signal", "TERM", "terminated")
    assert container.status() == 143
    container.remove()


def test_a_handler_of_sigterm_decides_the_status(docker: Docker) -> None:
    """The payload's handler runs, as it does without a VM."""
    script = "trap 'exit 143' TERM; " + READY + "read word"
    container = Attached(docker, IMAGE, "sh", "-c", script, name="handled")
    docker.ok("kill", "--signal", "TERM", "handled")
    assert container.status() == 143
    container.remove()


def test_sigterm_without_a_handler_does_not_end_init(docker: Docker) -> None:
    """Process 1 of a pid namespace has no default actions: SIGTERM passes, and the payload goes on."""
    container = Attached(docker, IMAGE, "sh", "-c", READY + "read word; echo $word; exit 5", name="init")
    docker.ok("kill", "--signal", "TERM", "init")
    container.say("on")
    assert container.status() == 5
    container.remove()


# -- the other verbs -------------------------------------------------------------------------------


def test_stop_lets_the_payload_end_itself(docker: Docker) -> None:
    """`docker stop` sends SIGTERM first: a payload that handles it ends with its own status, promptly."""
    script = "trap 'exit 9' TERM; " + READY + "read word"
    container = Attached(docker, IMAGE, "sh", "-c", script, name="stopped")
    began = time.monotonic()
    docker.ok("stop", "--time", "30", "stopped")
    assert time.monotonic() - began < 20
    assert container.status() == 9
    container.remove()


def test_stop_kills_what_does_not_listen(docker: Docker) -> None:
    """`docker stop` ends in SIGKILL when the time is over."""
    container = Attached(docker, IMAGE, "sh", "-c", READY + "read word", name="deaf")
    docker.ok("stop", "--time", "1", "deaf")
    assert container.status() == 137
    container.remove()


def test_rm_force_removes_a_running_container(docker: Docker) -> None:
    """`docker rm -f`: the container is gone, and so is its process."""
    container = Attached(docker, IMAGE, "sh", "-c", READY + "read word", name="removed")
    pid = docker.inspect("removed")["State"]["Pid"]
    inside = docker.bed.inside("cat", f"/proc/{pid}/comm", capture_output=True, text=True)
    assert inside.returncode == 0
    docker.ok("rm", "--force", "removed")
    container.status()
    assert docker("inspect", "removed").status == 1
    assert docker.bed.inside("kill", "-0", str(pid), capture_output=True).returncode != 0


def test_logs_holds_what_was_written(docker: Docker) -> None:
    """`docker logs`: both streams of a container that has ended."""
    docker.ok(*docker.words("--name", "logged", "--detach", IMAGE, "sh", "-c", "echo out; echo err >&2"))
    assert docker.ok("wait", "logged") == "0\n"
    answer = docker("logs", "logged")
    docker.ok("rm", "logged")
    assert (answer.out, answer.err) == ("out\n", "err\n")


def test_inspect_shows_running_and_exited(docker: Docker) -> None:
    """`docker inspect`: running with a pid, then exited with its status."""
    container = Attached(docker, IMAGE, "sh", "-c", READY + "read word; exit 4", name="seen")
    state = docker.inspect("seen")["State"]
    assert (state["Status"], state["Running"]) == ("running", True)
    assert state["Pid"] > 0
    container.say("go")
    assert container.status() == 4
    state = docker.inspect("seen")["State"]
    container.remove()
    assert (state["Status"], state["ExitCode"], state["Pid"], state["Error"]) == ("exited", 4, 0, "")


def test_create_then_start_then_again(docker: Docker) -> None:
    """`docker create`, `docker start -a` twice: the same container runs again."""
    docker.ok(*docker.words("--name", "again", IMAGE, "sh", "-c", "echo run", verb="create"))
    assert docker.ok("start", "--attach", "again") == "run\n"
    assert docker.ok("start", "--attach", "again") == "run\n"
    docker.ok("rm", "again")


def test_two_containers_at_once(docker: Docker) -> None:
    """Two run beside each other, each with its own host name, and end on their own."""
    first = Attached(
        docker, "--hostname", "first", IMAGE, "sh", "-c", READY + "read word; exit 1", name="first"
    )
    second = Attached(
        docker, "--hostname", "second", IMAGE, "sh", "-c", READY + "read word; exit 2", name="second"
    )
    assert docker.inspect("first")["State"]["Pid"] != docker.inspect("second")["State"]["Pid"]
    for container in (second, first):
        container.say("go")
    statuses = (first.status(), second.status())
    first.remove()
    second.remove()
    assert statuses == (1, 2)


def test_the_clients_end_leaves_no_process(docker: Docker) -> None:
    """After the last container of a name has ended, nothing of it is alive in the daemon's namespaces."""
    container = Attached(docker, IMAGE, "sh", "-c", READY + "read word", name="ended")
    pid = docker.inspect("ended")["State"]["Pid"]
    docker.ok("kill", "--signal", str(int(signal.SIGKILL)), "ended")
    assert container.status() == 137
    container.remove()
    listed = docker.bed.inside("ps", "-A", "-o", "pid=", capture_output=True, text=True).stdout.split()
    assert str(pid) not in listed
    assert is_alive(container.client.pid) is False

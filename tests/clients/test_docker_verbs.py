"""What docker does to a container that runs: exec, top, pause, update, stats and health checks.

Each test runs with runc, too, which proves the test.
Out of scope: `docker run` and the end of a container (test_docker).
"""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.docker import IMAGE, Docker
from support.processes import TIMEOUT_S

IN_VM = ".kontain.KVM"
HEALTH_EVENT = "health_status"
SILENCE_S = 1.0


@pytest.fixture
def running(docker: Docker) -> Iterator[str]:
    """Return the name of a container that sleeps."""
    docker.ok(*docker.words("--detach", "--name", "long", IMAGE, "sleep", "600"))
    yield "long"
    docker.ok("rm", "--force", "long")


# -- exec ------------------------------------------------------------------------------------------


def test_exec_runs_in_a_vm(docker: Docker, running: str) -> None:
    """What docker exec runs is in a VM as the container's own process is."""
    release = docker.ok("exec", running, "uname", "-r").strip()
    assert release == os.uname().release + (IN_VM if docker.runtime == "krun" else "")


def test_exec_joins_the_container(docker: Docker, running: str) -> None:
    """It sees the container's processes, host name and files."""
    docker.ok("exec", running, "sh", "-c", "echo kept >/file")
    assert docker.ok("exec", running, "cat", "/file") == "kept\n"
    assert docker.ok("exec", running, "uname", "-n").strip() == docker.inspect(running)["Config"]["Hostname"]
    listed = docker.ok("exec", running, "ps", "-o", "pid,args").splitlines()
    assert any(line.split() == ["1", "sleep", "600"] for line in listed), listed


def test_exec_i_passes_stdin(docker: Docker, running: str) -> None:
    """-i: every byte of the client's stdin arrives, and its end does."""
    given = os.urandom(100_000).hex().encode()
    assert docker.ok("exec", "-i", running, "cat", stdin=given).encode() == given


def test_exec_keeps_stdout_and_stderr_apart(docker: Docker, running: str) -> None:
    """What the process writes arrives at the stream it was written to."""
    answer = docker("exec", running, "sh", "-c", "echo out; echo err >&2")
    assert (answer.out, answer.err) == ("out\n", "err\n")


def test_exec_t_gives_a_terminal(docker: Docker, running: str) -> None:
    """-t: the process has a controlling terminal of the container's, and /dev/console stays what it was."""
    answer = docker("exec", "-t", running, "sh", "-c", "tty; echo word >/dev/tty")
    assert answer.out.split() == ["/dev/pts/0", "word"], answer


def test_exec_it_carries_a_conversation(docker: Docker, running: str) -> None:
    """-it: what is typed is read, and the status comes back."""
    master, slave = pty.openpty()
    command = docker.bed.docker_command(
        "exec", "-it", running, "sh", "-c", "read word; echo got $word; exit 6"
    )
    client = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    os.write(master, b"quince\n")
    seen = b""
    while b"got quince" not in seen:
        try:
            seen += os.read(master, 4096)
        except OSError:
            pytest.fail(f"the terminal ended: {seen!r}")
    assert client.wait(TIMEOUT_S) == 6
    os.close(master)


def test_exec_options_reach_the_process(docker: Docker, running: str) -> None:
    """-e, -w and -u: environment, working directory and user."""
    words = ["-e", "FRUIT=a quince", "-w", "/var/tmp", "-u", "1234:567", running]
    out = docker.ok("exec", *words, "sh", "-c", "echo $FRUIT; pwd; id -u; id -g")
    assert out.splitlines() == ["a quince", "/var/tmp", "1234", "567"]


@pytest.mark.parametrize(
    ("command", "status"),
    [(["true"], 0), (["sh", "-c", "exit 42"], 42), (["sh", "-c", "kill -9 $$"], 137)],
    ids=["0", "42", "SIGKILL"],
)
def test_exec_returns_the_status(docker: Docker, running: str, command: list[str], status: int) -> None:
    """The process's own, 128 + signal for a death by signal."""
    answer = docker("exec", running, *command)
    assert answer.status == status, answer


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("nothing-of-that-name", "executable file not found in $PATH"),
        ("/nothing/of/that/name", "no such file or directory"),
        ("/etc", "permission denied"),
    ],
)
def test_exec_of_what_cannot_run_is_refused(docker: Docker, running: str, command: str, words: str) -> None:
    """In the words that dockerd looks for; this one makes the status 126 of each, later ones 127 of two."""
    answer = docker("exec", running, command)
    assert answer.status == 126, answer
    assert words in answer.out, answer


def test_exec_d_returns_while_the_process_runs(docker: Docker, running: str) -> None:
    """-d: the client is back, and the process is there."""
    docker.ok("exec", "-d", running, "sleep", "601")
    assert "sleep 601" in docker.ok("top", running)


def test_many_execs_leave_nothing(docker: Docker, running: str) -> None:
    """Ten processes one after the other: the container has its own one left."""
    for number in range(10):
        assert docker.ok("exec", running, "echo", str(number)) == f"{number}\n"
    assert len(docker.ok("top", running).splitlines()) == 2


def test_exec_into_a_paused_container_is_refused(docker: Docker, running: str) -> None:
    """The client says that it is paused."""
    docker.ok("pause", running)
    answer = docker("exec", running, "true")
    docker.ok("unpause", running)
    assert answer.status != 0
    assert "paused" in answer.err


# -- top, pause, update, stats ---------------------------------------------------------------------


def test_top_lists_the_processes(docker: Docker, running: str) -> None:
    """`docker top`: the container's process by its command line, also one that exec has brought."""
    docker.ok("exec", "-d", running, "sleep", "602")
    lines = docker.ok("top", running, "-o", "pid,args").splitlines()[1:]
    assert sorted(line.split(maxsplit=1)[1] for line in lines) == ["sleep 600", "sleep 602"]


def test_pause_stops_and_unpause_goes_on(docker: Docker) -> None:
    """A paused container says so and answers nothing; then it goes on where it was."""
    script = "echo ready; read word; echo got $word"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with docker.popen("-i", "--name", "paused", IMAGE, "sh", "-c", script, **pipes) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        assert client.stdout.readline() == b"ready\n"
        docker.ok("pause", "paused")
        assert docker.inspect("paused")["State"]["Status"] == "paused"
        client.stdin.write(b"word\n")
        client.stdin.flush()
        assert select.select([client.stdout], [], [], SILENCE_S)[0] == []
        docker.ok("unpause", "paused")
        assert client.stdout.readline() == b"got word\n"
    docker.ok("rm", "paused")


def test_a_paused_container_can_be_removed(docker: Docker) -> None:
    """`docker rm -f`: the pause is no hindrance."""
    docker.ok(*docker.words("--detach", "--name", "frozen", IMAGE, "sleep", "600"))
    docker.ok("pause", "frozen")
    docker.ok("rm", "--force", "frozen")
    assert docker("inspect", "frozen").status == 1


def cgroup_value(docker: Docker, container: str, controller: str, file: str) -> str:
    """Read a file of a container's cgroup, where its process says that it is."""

    def read(path: str) -> str:
        return docker.bed.inside("cat", path, capture_output=True, text=True).stdout.strip()

    pid = docker.inspect(container)["State"]["Pid"]
    lines = (line.split(":", 2) for line in read(f"/proc/{pid}/cgroup").splitlines())
    (folder,) = (path for _, names, path in lines if controller in names.split(","))
    return read(f"/sys/fs/cgroup/{controller}{folder}/{file}")


@pytest.mark.needs("cgroup_v1")
def test_update_changes_what_is_named_and_nothing_else(docker: Docker) -> None:
    """The daemon sends 0 for what the user did not name: that stays as it is."""
    options = ["--memory", "96m", "--memory-swap", "96m", "--cpu-shares", "512", "--pids-limit", "77"]
    docker.ok(*docker.words("--detach", "--name", "limited", *options, IMAGE, "sleep", "600"))
    docker.ok("update", "--memory", "64m", "--memory-swap", "128m", "limited")
    found = {
        "memory": cgroup_value(docker, "limited", "memory", "memory.limit_in_bytes"),
        "swap": cgroup_value(docker, "limited", "memory", "memory.memsw.limit_in_bytes"),
        "shares": cgroup_value(docker, "limited", "cpu", "cpu.shares"),
        "pids": cgroup_value(docker, "limited", "pids", "pids.max"),
    }
    docker.ok("rm", "--force", "limited")
    assert found == {"memory": str(64 << 20), "swap": str(128 << 20), "shares": "512", "pids": "77"}


def test_stats_counts_memory_and_processes(docker: Docker, running: str) -> None:
    """`docker stats --no-stream`: the container uses memory and has a process, which may have threads."""
    line = docker.ok("stats", "--no-stream", "--format", "{{json .}}", running)
    stats = json.loads(line)
    assert int(stats["PIDs"]) >= 1
    assert not stats["MemUsage"].startswith("0B")


# -- attach and cp ---------------------------------------------------------------------------------


def test_attach_reaches_the_payload(docker: Docker) -> None:
    """`docker start -ai`: stdin, stdout and the status of a container that was only created."""
    script = "read word; echo got $word; exit 9"
    docker.ok(*docker.words("-i", "--name", "attached", IMAGE, "sh", "-c", script, verb="create"))
    answer = docker("start", "--attach", "--interactive", "attached", stdin=b"sloe\n")
    docker.ok("rm", "--force", "attached")
    assert (answer.status, answer.out) == (9, "got sloe\n")


def test_cp_goes_both_ways(docker: Docker, running: str, tmp_path: Path) -> None:
    """`docker cp`: into a container that runs, and out of it."""
    (tmp_path / "given").write_text("medlar\n")
    docker.ok("cp", str(tmp_path / "given"), f"{running}:/tmp/taken")
    assert docker.ok("exec", running, "cat", "/tmp/taken") == "medlar\n"
    docker.ok("cp", f"{running}:/etc/passwd", str(tmp_path / "passwd"))
    assert (tmp_path / "passwd").read_text().startswith("root:x:0:0:")


# -- health checks ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("command", "health"), [("true", "healthy"), ("exit 1", "unhealthy")])
def test_a_health_check_decides_about_health(docker: Docker, command: str, health: str) -> None:
    """The daemon runs the check inside by exec, and tells what came of it."""
    check = ["--health-cmd", command, "--health-interval", "1s", "--health-retries", "1"]
    name = f"checked-{health}"
    events = docker.bed.docker_command(
        "events", "--filter", f"container={name}", "--format", "{{.Action}}", "--since", "0"
    )
    with subprocess.Popen(events, stdout=subprocess.PIPE, text=True) as stream:
        docker.ok(*docker.words("--detach", "--name", name, *check, IMAGE, "sleep", "600"))
        assert stream.stdout is not None
        told = next(line for line in stream.stdout if line.startswith(HEALTH_EVENT))
        stream.terminate()
    docker.ok("rm", "--force", name)
    assert told.strip() == f"{HEALTH_EVENT}: {health}"

"""What root's podman users do, and what they see; each test runs with crun, too, which proves the test.

Out of scope: plain users (test_podman_rootless), building images (test_buildah).
"""

from __future__ import annotations

import errno
import json
import os
import select
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from support.agent import Agent, answer
from support.podman import IMAGE, Podman
from support.terminal import Terminal

IN_VM = ".kontain.KVM"
SILENCE_S = 0.5
PATIENT = "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done"


@pytest.fixture
def running(podman: Podman) -> Iterator[str]:
    """Return the name of a container that sleeps."""
    yield podman.detach("long", IMAGE, "sleep", "600")
    podman.ok("rm", "--force", "--time", "0", "long")


# -- run -------------------------------------------------------------------------------------------


def test_the_payload_runs_in_the_vm(podman: Podman) -> None:
    """With krun the release carries the monitor's mark, with crun it is the host's."""
    release = podman.output(IMAGE, "uname", "-r").strip()
    assert release == os.uname().release + (IN_VM if podman.runtime == "krun" else "")


def test_stdin_reaches_the_payload_whole(podman: Podman) -> None:
    """-i: every byte arrives, and so does the end."""
    given = os.urandom(100_000).hex().encode()
    assert podman.output("-i", IMAGE, "cat", stdin=given).encode() == given


def test_stdout_and_stderr_stay_apart(podman: Podman) -> None:
    """What the payload writes arrives at the stream it was written to."""
    answer = podman.run(IMAGE, "sh", "-c", "echo out; echo err >&2")
    assert (answer.status, answer.out, answer.err) == (0, "out\n", "err\n")


def test_a_terminal_carries_a_conversation(podman: Podman) -> None:
    """-it: what is typed is read, a new size of the window arrives, the status comes back."""
    script = """
        echo ready; read word; echo got $word
        until [ "$(stty size)" = "33 111" ]; do sleep 0.05; done
        echo resized; exit 5
    """
    command = podman.command(*podman.words("--rm", "-it", IMAGE, "sh", "-c", script))
    with closing(Terminal(command, env=podman.bed.variables(), rows=30, columns=90)) as terminal:
        terminal.expect("ready")
        terminal.type("medlar\r")
        terminal.expect("got medlar")
        terminal.resize(33, 111)
        terminal.expect("resized")
        assert terminal.wait() == 5


def test_an_agent_is_asked_about_calls(podman: Podman, tmp_path: Path) -> None:
    """--security-opt seccomp=: a profile with a listener, whose agent refuses, pretends and lets go on."""
    agent = Agent(tmp_path / "agent")
    profile = tmp_path / "profile.json"
    rule = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_NOTIFY"}
    document = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": str(agent.path), "syscalls": [rule]}
    profile.write_text(json.dumps({**document, "architectures": ["SCMP_ARCH_X86_64"]}))
    script = "mkdir /refused; mkdir /faked && ls -d /faked; mkdir /made && ls -d /made"
    words = podman.words("--rm", f"--security-opt=seccomp={profile}", IMAGE, "sh", "-c", script)
    with (
        closing(agent),
        subprocess.Popen(
            podman.command(*words),
            env=podman.bed.variables(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process,
    ):
        state, listener = agent.take()
        for said in ({"error": errno.EDQUOT}, {}, {"go_on": True}):
            answer(listener, **said)  # type: ignore[arg-type]
        os.close(listener)
        out, _ = process.communicate(timeout=60)
    assert (out, process.returncode) == (b"/made\n", 0)
    assert state["fds"] == ["seccompFd"]
    assert state["state"]["status"] in {"creating", "created"}


def test_an_interrupt_from_the_terminal_ends_the_payload(podman: Podman) -> None:
    """-it: ^C is a SIGINT for what runs in the foreground."""
    script = "echo ready; exec sleep 600"
    command = podman.command(*podman.words("--rm", "--init", "-it", IMAGE, "sh", "-c", script))
    with closing(Terminal(command, env=podman.bed.variables())) as terminal:
        terminal.expect("ready")
        terminal.type("\x03")
        assert terminal.wait() == 130


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (["true"], 0),
        (["sh", "-c", "exit 42"], 42),
        (["nothing-of-that-name"], 127),
        (["/nothing/of/that/name"], 127),
        (["/etc"], 126),
    ],
    ids=["0", "42", "not-in-PATH", "no-such-path", "directory"],
)
def test_the_payloads_status_is_podmans(podman: Podman, command: list[str], status: int) -> None:
    """The payload's own; 127 and 126 when it cannot be found or executed."""
    answer = podman.run(IMAGE, *command)
    assert answer.status == status, answer


@pytest.mark.parametrize(
    ("options", "command", "seen"),
    [
        (["--hostname", "quince"], "hostname", "quince"),
        (["--env", "FRUIT=a medlar"], 'echo "$FRUIT"', "a medlar"),
        (["--workdir", "/var/tmp"], "pwd", "/var/tmp"),
        (["--user", "1234:567"], "echo $(id -u) $(id -g)", "1234 567"),
        (["--read-only"], "touch /file 2>/dev/null || echo refused", "refused"),
        (["--init"], "cat /proc/1/comm", "podman-init"),
        (["--cap-drop", "all"], "grep CapEff /proc/self/status", "CapEff:\t0000000000000000"),
        (["--pids-limit", "33"], "cat /sys/fs/cgroup/pids/pids.max", "33"),
        (["--memory", "64m"], "cat /sys/fs/cgroup/memory/memory.limit_in_bytes", str(64 << 20)),
        (["--cpus", "0.5"], "cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000"),
        # podman would raise nproc by itself, which wants CAP_SYS_RESOURCE.
        (["--ulimit", "nofile=111:222", "--ulimit", "nproc=99:99"], "ulimit -n; ulimit -Hn", "111\n222"),
        (["--tmpfs", "/scratch:size=1m"], "df -k /scratch | awk 'NR==2 {print $2}'", "1024"),
        (["--sysctl", "kernel.shm_rmid_forced=1"], "cat /proc/sys/kernel/shm_rmid_forced", "1"),
        (["--privileged"], "mkdir /m && mount -t tmpfs m /m && grep -c ' /m ' /proc/mounts", "1"),
        (["--ipc", "host", "--pid", "host"], "test $(cat /proc/1/comm) = tini && echo host", "host"),
    ],
    ids=lambda value: value[0].lstrip("-") if isinstance(value, list) else "",
)
def test_an_option_is_in_force(podman: Podman, options: list[str], command: str, seen: str) -> None:
    """What the option promises is what the payload meets."""
    assert podman.output(*options, IMAGE, "sh", "-c", command).strip() == seen


def test_network_host_is_the_callers(podman: Podman) -> None:
    """--network host: the same network namespace."""
    there = podman.output("--network=host", IMAGE, "readlink", "/proc/self/ns/net")
    assert there == podman.call("readlink", "/proc/self/ns/net").out


@pytest.mark.parametrize(
    ("option", "first"),
    [("--userns=auto", 2000000), ("--uidmap=0:100000:5000", 100000)],
    ids=["auto", "uidmap"],
)
def test_a_user_namespace_maps_root_away(podman: Podman, option: str, first: int) -> None:
    """--userns, --uidmap: root of the container is somebody else outside, and can use its files."""
    script = "cut -c1-21 /proc/self/uid_map; id -u; echo kept >/file; ls -n /file | awk '{print $3}'"
    lines = podman.output(option, IMAGE, "sh", "-c", script).split()
    assert lines == ["0", str(first), "0", "0"]


def test_cgroups_disabled_makes_none(podman: Podman) -> None:
    """--cgroups=disabled: the payload stays in the caller's cgroups, and works."""
    options = ("--detach", "--name", "free", "--network=none", "--cgroups=disabled")
    podman.ok("run", *options, IMAGE, "sleep", "600")
    pid = podman.inspect("free")["State"]["Pid"]
    there = podman.call("cat", f"/proc/{pid}/cgroup").out
    own = podman.call("cat", "/proc/self/cgroup").out
    podman.ok("rm", "--force", "--time", "0", "free")
    assert there == own


def test_a_volume_is_shared(podman: Podman, tmp_path: Path) -> None:
    """-v: both sides see the same files, and :ro refuses the container's writing."""
    (tmp_path / "file").write_text("from outside\n")
    script = "cat /mnt/file; echo from inside >/mnt/file"
    assert podman.output("-v", f"{tmp_path}:/mnt", IMAGE, "sh", "-c", script) == "from outside\n"
    assert (tmp_path / "file").read_text() == "from inside\n"
    assert podman.run("-v", f"{tmp_path}:/mnt:ro", IMAGE, "sh", "-c", script).status == 1


def test_a_bridge_has_an_interface_that_is_up(podman: Podman) -> None:
    """The default network of CNI's plugins: an address beside loopback."""
    said = podman.output("--network=podman", IMAGE, "ip", "-4", "addr", "show", "dev", "eth0")
    assert "inet 10.88." in said


# -- a container's life ----------------------------------------------------------------------------


def test_stop_lets_the_payload_end_itself(podman: Podman) -> None:
    """`podman stop`: the handler of SIGTERM decides the status; logs has what was said before."""
    podman.detach("patient", IMAGE, "sh", "-c", PATIENT)
    with podman.popen("logs", "--follow", "patient", stdout=subprocess.PIPE) as logs:
        assert logs.stdout is not None
        assert logs.stdout.readline() == b"ready\n"
        podman.ok("stop", "patient")
    state = podman.inspect("patient")["State"]
    podman.ok("rm", "patient")
    assert (state["Status"], state["ExitCode"]) == ("exited", 7)


def test_stop_kills_what_does_not_listen(podman: Podman) -> None:
    """`podman stop --time`: SIGKILL when the time is over."""
    podman.detach("deaf", IMAGE, "sleep", "600")
    podman.ok("stop", "--time", "1", "deaf")
    state = podman.inspect("deaf")["State"]
    podman.ok("rm", "deaf")
    assert state["ExitCode"] == 137


def test_kill_and_start_again(podman: Podman) -> None:
    """`podman kill`, `wait` and `start`: 137, and the same container runs once more."""
    podman.detach("again", IMAGE, "sleep", "600")
    podman.ok("kill", "again")
    assert podman.ok("wait", "again") == "137\n"
    podman.ok("start", "again")
    assert podman.inspect("again")["State"]["Status"] == "running"
    podman.ok("rm", "--force", "--time", "0", "again")


def test_restart_and_inspect(podman: Podman, running: str) -> None:
    """`podman restart`: another process, the same container."""
    before = podman.inspect(running)["State"]["Pid"]
    podman.ok("restart", "--time", "0", running)
    state = podman.inspect(running)["State"]
    assert state["Running"]
    assert state["Pid"] != before


def test_attach_reaches_the_payload(podman: Podman) -> None:
    """`podman attach`: stdin and stdout of a container that runs already."""
    podman.detach("attached", "-i", IMAGE, "sh", "-c", "read word; echo got $word; exit 9")
    said = podman.ok("attach", "attached", stdin=b"sloe\n")
    status = podman.ok("wait", "attached")
    podman.ok("rm", "attached")
    assert (said.strip(), status) == ("got sloe", "9\n")


def test_pause_stops_and_unpause_goes_on(podman: Podman) -> None:
    """A paused container answers nothing; then it goes on where it was."""
    script = "echo ready; read word; echo got $word"
    words = podman.words("-i", "--name", "paused", IMAGE, "sh", "-c", script)
    with podman.popen(*words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        assert client.stdout.readline() == b"ready\n"
        podman.ok("pause", "paused")
        assert podman.inspect("paused")["State"]["Status"] == "paused"
        client.stdin.write(b"word\n")
        client.stdin.flush()
        assert select.select([client.stdout], [], [], SILENCE_S)[0] == []
        podman.ok("unpause", "paused")
        assert client.stdout.readline() == b"got word\n"
    podman.ok("rm", "paused")


@pytest.mark.needs("cgroup_v1")
def test_update_changes_what_is_named_and_nothing_else(podman: Podman) -> None:
    """`podman update`: the new limits are in force, the others stay."""
    limits = ["--memory", "64m", "--pids-limit", "77"]
    podman.detach("limited", *limits, IMAGE, "sleep", "600")
    podman.ok("update", "--memory", "96m", "--cpus", "0.5", "limited")
    files = ("memory/memory.limit_in_bytes", "cpu/cpu.cfs_quota_us", "pids/pids.max")
    said = podman.ok("exec", "limited", "cat", *(f"/sys/fs/cgroup/{file}" for file in files))
    podman.ok("rm", "--force", "--time", "0", "limited")
    assert said.split() == [str(96 << 20), "50000", "77"]


def test_top_and_stats_see_the_processes(podman: Podman, running: str) -> None:
    """`podman top` names the container's processes, `stats` counts them and their memory."""
    podman.ok("exec", "--detach", running, "sleep", "601")
    listed = podman.ok("top", running, "args").splitlines()[1:]
    assert sorted(line.strip() for line in listed) == ["sleep 600", "sleep 601"]
    (stats,) = json.loads(podman.ok("stats", "--no-stream", "--format", "json", running))
    assert int(stats["pids"]) >= 2
    assert not stats["mem_usage"].startswith("0B")


def test_cp_goes_both_ways(podman: Podman, running: str, tmp_path: Path) -> None:
    """`podman cp`: into a container that runs, and out of it."""
    (tmp_path / "given").write_text("medlar\n")
    podman.ok("cp", str(tmp_path / "given"), f"{running}:/tmp/taken")
    assert podman.ok("exec", running, "cat", "/tmp/taken") == "medlar\n"
    podman.ok("cp", f"{running}:/etc/passwd", str(tmp_path / "passwd"))
    assert (tmp_path / "passwd").read_text().startswith("root:x:0:0:")


def test_a_health_check_decides_about_health(podman: Podman) -> None:
    """`podman healthcheck run`: what the check finds inside is the status."""
    options = ["--health-cmd", "test -e /well", "--health-interval", "disable"]
    podman.detach("checked", *options, IMAGE, "sleep", "600")
    assert podman("healthcheck", "run", "checked").status == 1
    podman.ok("exec", "checked", "touch", "/well")
    healthy = podman("healthcheck", "run", "checked").status
    podman.ok("rm", "--force", "--time", "0", "checked")
    assert healthy == 0


def test_a_checkpoint_is_refused(podman: Podman, running: str) -> None:
    """`podman container checkpoint` asks the runtime first; the container goes on."""
    answer = podman("container", "checkpoint", running)
    assert answer.status != 0
    assert podman.inspect(running)["State"]["Running"]


# -- exec ------------------------------------------------------------------------------------------


def test_exec_runs_in_the_container_and_in_a_vm(podman: Podman, running: str) -> None:
    """It sees the container's processes and files, through a monitor of its own."""
    script = "uname -r; cat /proc/1/cmdline | tr '\\0' ' '; exit 3"
    answer = podman("exec", running, "sh", "-c", script)
    mark = IN_VM if podman.runtime == "krun" else ""
    assert answer.status == 3, answer
    assert answer.out.split() == [os.uname().release + mark, "sleep", "600"]


def test_exec_passes_streams_and_options(podman: Podman, running: str) -> None:
    """-i, -e, -w, -u."""
    words = ["-i", "-e", "FRUIT=a medlar", "-w", "/var/tmp", "-u", "1234:567", running]
    said = podman.ok("exec", *words, "sh", "-c", 'cat; echo "$FRUIT"; pwd; id -u; id -g', stdin=b"given\n")
    assert said.splitlines() == ["given", "a medlar", "/var/tmp", "1234", "567"]


def test_exec_it_carries_a_conversation(podman: Podman, running: str) -> None:
    """-it: a terminal of the container's; what is typed is read, and the status comes back."""
    command = podman.command("exec", "-it", running, "sh", "-c", "tty; read word; echo got $word; exit 6")
    with closing(Terminal(command, env=podman.bed.variables())) as terminal:
        terminal.expect("/dev/pts/0")
        terminal.type("sloe\r")
        terminal.expect("got sloe")
        assert terminal.wait() == 6


@pytest.mark.parametrize(("command", "status"), [("nothing-of-that-name", 127), ("/etc", 126)])
def test_exec_of_what_cannot_run_is_refused(podman: Podman, running: str, command: str, status: int) -> None:
    """127 for what is not there, 126 for what cannot be executed; and the container lives on."""
    answer = podman("exec", running, command)
    assert answer.status == status, answer
    assert podman.ok("exec", running, "echo", "alive") == "alive\n"


# -- pods ------------------------------------------------------------------------------------------


def test_a_pod_shares_its_namespaces(podman: Podman) -> None:
    """Containers of a pod have one host name, one network and one IPC namespace."""
    podman.ok(*podman.words("--name", "pod", verb="pod create"))
    podman.detach("member", "--pod=pod", IMAGE, "sleep", "600")
    script = "hostname; for ns in net ipc; do readlink /proc/self/ns/$ns; done"
    one = podman.output("--pod=pod", IMAGE, "sh", "-c", script).split()
    two = podman.ok("exec", "member", "sh", "-c", script).split()
    statuses = podman.ok("pod", "inspect", "pod", "--format", "{{.State}}").strip()
    podman.ok("pod", "stop", "--time", "0", "pod")
    podman.ok("pod", "rm", "--force", "pod")
    assert one[0] == "pod"
    assert one == two
    assert statuses == "Running"

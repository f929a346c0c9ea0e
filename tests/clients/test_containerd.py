"""containerd's own client, `ctr`, with krun as the runtime's binary; each test runs with runc, too.

Out of scope: images, and what dockerd makes of containerd (test_docker).
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import closing

import pytest
from support.ctr import Ctr
from support.terminal import Terminal

IN_VM = ".kontain.KVM"


@pytest.fixture
def running(ctr: Ctr) -> Iterator[str]:
    """Return the name of a container that sleeps."""
    yield ctr.detach("long", "sleep", "600")
    ctr.remove("long")


def test_run_executes_in_the_vm(ctr: Ctr) -> None:
    """`ctr run`: with krun the release carries the monitor's mark."""
    answer = ctr.run("uname", "-r", name="release")
    assert answer.status == 0, answer
    assert answer.out.strip() == os.uname().release + (IN_VM if ctr.runtime == "krun" else "")


@pytest.mark.parametrize("status", [0, 42])
def test_the_payloads_status_is_ctrs(ctr: Ctr, status: int) -> None:
    """The payload's own, and its streams."""
    answer = ctr.run("sh", "-c", f"echo out; echo err >&2; exit {status}", name="status")
    assert (answer.status, answer.out) == (status, "out\n")
    assert "err\n" in answer.err


def test_what_is_not_there_is_refused(ctr: Ctr) -> None:
    """The runtime's words come out, and nothing is left."""
    answer = ctr.run("nothing-of-that-name", name="nothing")
    assert answer.status != 0
    assert "executable file not found in $PATH" in answer.err


def test_a_terminal_carries_a_conversation(ctr: Ctr) -> None:
    """`ctr run -t`: what is typed is read."""
    words = ctr.words(
        "--rm", "-t", name="talk", command=("sh", "-c", "tty; read word; echo got $word; exit 5")
    )
    with closing(Terminal(ctr.bed.ctr_command(*words))) as terminal:
        terminal.expect("/dev/pts/0")
        terminal.type("sloe\r")
        terminal.expect("got sloe")
        assert terminal.wait() == 5


def test_exec_joins_the_container(ctr: Ctr, running: str) -> None:
    """`ctr tasks exec`: the container's processes are seen, the status comes back."""
    answer = ctr("tasks", "exec", "--exec-id", "one", running, "sh", "-c", "cat /proc/1/comm; exit 3")
    assert (answer.status, answer.out) == (3, "sleep\n")


def test_pause_and_resume(ctr: Ctr, running: str) -> None:
    """`ctr tasks pause`, `resume`: the status is told; exec works again afterwards."""
    ctr.ok("tasks", "pause", running)
    assert ctr.tasks() == {running: "PAUSED"}
    ctr.ok("tasks", "resume", running)
    assert ctr.tasks() == {running: "RUNNING"}
    assert ctr.ok("tasks", "exec", "--exec-id", "two", running, "echo", "alive") == "alive\n"


def test_ps_and_metrics_see_the_process(ctr: Ctr, running: str) -> None:
    """`ctr tasks ps` names the pid that `tasks list` has; `metrics` reads the cgroup."""
    listed = ctr.ok("tasks", "list").splitlines()[1].split()
    assert listed[1] in ctr.ok("tasks", "ps", running).split()
    metrics = dict(
        line.split(maxsplit=1) for line in ctr.ok("tasks", "metrics", running).splitlines() if line
    )
    assert int(metrics["memory.usage_in_bytes"]) > 0


def test_kill_ends_the_container(ctr: Ctr) -> None:
    """`ctr tasks kill -s SIGKILL`: a waiting client gets 137; then the container can be removed."""
    words = ctr.words(name="killed", command=("sh", "-c", "echo ready; read word"))
    with closing(Terminal(ctr.bed.ctr_command(*words))) as terminal:
        terminal.expect("ready")
        ctr.ok("tasks", "kill", "--signal", str(int(signal.SIGKILL)), "killed")
        assert terminal.wait() == 128 + signal.SIGKILL
    ctr("tasks", "delete", "killed")
    ctr.ok("containers", "delete", "killed")


def test_kill_all_reaches_every_process(ctr: Ctr) -> None:
    """`ctr tasks kill --all`: with one call the container and what exec has brought are gone."""
    ctr.detach("whole", "sleep", "600")
    ctr.ok("tasks", "exec", "--detach", "--exec-id", "three", "whole", "sleep", "601")
    ctr.ok("tasks", "kill", "--all", "--signal", "SIGKILL", "whole")
    ctr.remove("whole")
    left = ctr.bed.inside("pgrep", "-f", "sleep 60[01]", capture_output=True, text=True)
    assert left.stdout == ""

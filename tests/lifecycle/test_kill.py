"""`krun kill`."""

from __future__ import annotations

import pytest
from support.bundles import MakeBundle
from support.gate import Gate
from support.processes import wait_dead
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]


@pytest.mark.parametrize(
    ("name", "received"),
    [
        *((name, "TERM") for name in ("15", "TERM", "SIGTERM", "sigterm", None)),
        ("1", "HUP"),
        ("SIGUSR1", "USR1"),
        ("WINCH", "WINCH"),
        ("40", "40"),
        ("RTMIN+6", "40"),
    ],
)
def test_a_signal_has_a_number_and_names(
    runner: Runner, bundle: MakeBundle, gate: Gate, name: str | None, received: str
) -> None:
    """Docker sends numbers, CRI-O names; without either it is SIGTERM."""
    signals = ("TERM", "HUP", "USR1", "WINCH", "40")
    traps = "; ".join(f"trap 'echo {signal} >/gate; exit' {signal}" for signal in signals)
    script = f"{traps}; echo ready >/gate; while :; do sleep 0.1; done"
    runner.ok("create", "--bundle", bundle(["sh", "-c", script], mounts=[gate.mount]), "c")
    pid = runner.state("c")["pid"]
    runner.ok("start", "c")
    assert gate.read() == "ready"
    runner.ok("kill", "c", *([name] if name else []))
    assert gate.read() == received
    wait_dead(pid)
    runner.ok("delete", "c")


def test_the_stopped_is_refused_in_words_that_clients_look_for(runner: Runner, created: str) -> None:
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
def test_what_is_no_signal_is_refused(runner: Runner, created: str, word: str) -> None:
    """And nothing is sent."""
    assert runner.refused("kill", created, word) == f"krun: kill: {word!r} is not a signal"
    assert runner.state(created)["status"] == "created"
    runner.ok("delete", created)


def test_all_reaches_every_process(runner: Runner, bundle: MakeBundle, gate: Gate) -> None:
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

"""podman for a plain user, who calls krun inside a user namespace of their own, as its root.

Each test runs with crun, too, which proves the test.
Out of scope: what is the same for root (test_podman); networks, which want /dev/net/tun.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing

import pytest
from support.podman import IMAGE, Podman
from support.terminal import Terminal

IN_VM = ".kontain.KVM"
UID_MAP = "awk '{print $1, $2, $3}' /proc/self/uid_map"


@pytest.fixture
def running(rootless: Podman) -> Iterator[str]:
    """Return the name of a container that sleeps."""
    yield rootless.detach("long", IMAGE, "sleep", "600")
    rootless.ok("rm", "--force", "--time", "0", "long")


def test_the_payload_runs_in_the_vm_as_root_of_the_users_ids(rootless: Podman) -> None:
    """Root of the container is the user outside, the other ids are subordinate ones."""
    lines = rootless.output(IMAGE, "sh", "-c", f"uname -r; id -u; {UID_MAP}").splitlines()
    assert lines[0] == os.uname().release + (IN_VM if rootless.runtime == "krun" else "")
    user = rootless.bed.user
    assert user is not None
    assert lines[1:] == ["0", f"0 {user.uid} 1", f"1 {user.first_sub_id} {user.sub_ids}"]


@pytest.mark.parametrize(
    ("option", "script", "seen"),
    [
        ("--userns=auto", f"id -u; {UID_MAP}", ["0", "0 1 1024"]),
        (
            "--userns=keep-id",
            f"id -u; {UID_MAP}",
            ["54321", "0 1 54321", "54321 0 1", "54322 54322 11215"],
        ),
        ("--userns=nomap", UID_MAP, ["0 1 65536"]),
        ("--uidmap=0:1:5000", UID_MAP, ["0 1 5000"]),
        ("--user=1000:1000", "id -u; id -g", ["1000", "1000"]),
        ("--network=host", "echo up", ["up"]),
        ("--read-only", "touch /file 2>/dev/null || echo refused", ["refused"]),
        ("--init", "cat /proc/1/comm", ["podman-init"]),
        ("--privileged", "test -c /dev/null && echo node", ["node"]),
        ("--cgroups=disabled", "echo free", ["free"]),
    ],
    ids=lambda value: value.lstrip("-") if isinstance(value, str) and value.startswith("--") else "",
)
def test_an_option_is_in_force(rootless: Podman, option: str, script: str, seen: list[str]) -> None:
    """What the option promises is what the payload meets."""
    assert rootless.output(option, IMAGE, "sh", "-c", script).splitlines() == seen


def test_files_belong_to_the_mapped_users(rootless: Podman) -> None:
    """A file of a container's plain user belongs to a subordinate id outside, one of its root to the user."""
    home = rootless.bed.home
    rootless.call("mkdir", "-m", "777", f"{home}/shared")
    rootless.output("-v", f"{home}/shared:/mnt", IMAGE, "touch", "/mnt/roots")
    rootless.output("-v", f"{home}/shared:/mnt", "--user", "1000", IMAGE, "touch", "/mnt/users")
    owners = rootless.call("stat", "-c", "%u", f"{home}/shared/roots", f"{home}/shared/users").out.split()
    rootless.ok("unshare", "rm", "-r", f"{home}/shared")
    assert owners == ["54321", str(600000 + 999)]


def test_exec_and_its_status(rootless: Podman, running: str) -> None:
    """`podman exec`: in the container, in a VM, as the user that was asked for."""
    answer = rootless("exec", "--user", "33", running, "sh", "-c", "id -u; cat /proc/1/comm; exit 3")
    assert (answer.status, answer.out.split()) == (3, ["33", "sleep"])


def test_a_terminal_carries_a_conversation(rootless: Podman) -> None:
    """-it: what is typed is read, and the status comes back."""
    words = rootless.words("--rm", "-it", IMAGE, "sh", "-c", "tty; read word; echo got $word; exit 5")
    with closing(Terminal(rootless.command(*words), env=rootless.bed.variables())) as terminal:
        terminal.expect("/dev/pts/0")
        terminal.type("sloe\r")
        terminal.expect("got sloe")
        assert terminal.wait() == 5


def test_stop_lets_the_payload_end_itself(rootless: Podman) -> None:
    """`podman stop`: the handler of SIGTERM decides the status."""
    script = "trap 'exit 7' TERM; touch /ready; while :; do sleep 0.05; done"
    rootless.detach("patient", IMAGE, "sh", "-c", script)
    rootless.ok("exec", "patient", "sh", "-c", "until [ -e /ready ]; do sleep 0.05; done")
    rootless.ok("stop", "patient")
    state = rootless.inspect("patient")["State"]
    rootless.ok("rm", "patient")
    assert (state["Status"], state["ExitCode"]) == ("exited", 7)


def test_a_pod_shares_its_namespaces(rootless: Podman) -> None:
    """Members of a pod join the user namespace of its first container, and the namespaces that it owns."""
    rootless.ok(*rootless.words("--name", "pod", verb="pod create"))
    script = "hostname; for ns in user net ipc; do readlink /proc/self/ns/$ns; done"
    rootless.detach("member", "--pod=pod", IMAGE, "sleep", "600")
    one = rootless.output("--pod=pod", IMAGE, "sh", "-c", script)
    two = rootless.ok("exec", "member", "sh", "-c", script)
    rootless.ok("pod", "stop", "--time", "0", "pod")
    rootless.ok("pod", "rm", "--force", "pod")
    assert one.splitlines()[0] == "pod"
    assert one == two

"""Seccomp listeners: an agent outside the container answers some of its system calls."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.agent import Agent, answer
from support.bundles import Bundle, MakeBundle
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]

MKDIR = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_NOTIFY"}


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    """Return an agent that listens."""
    agent = Agent(tmp_path / "agent")
    yield agent
    agent.close()


def notified(made: Bundle, path: Path, *, no_new_privileges: bool, **changes: Any) -> Bundle:
    """Ask for an agent's answers to mkdir."""
    made.config["process"]["noNewPrivileges"] = no_new_privileges
    made.config["linux"]["seccomp"] = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": ["SCMP_ARCH_X86_64"],
        "listenerPath": str(path),
        "listenerMetadata": "for the agent",
        "syscalls": [MKDIR],
        **changes,
    }
    made.config["annotations"] = {"key": "value"}
    made.write()
    return made


@pytest.mark.parametrize(
    "flags", [[], ["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]]
)
@pytest.mark.parametrize(
    ("no_new_privileges", "status"), [(False, "creating"), (True, "created")], ids=["early", "late"]
)
def test_an_agent_answers_calls(
    runner: Runner,
    bundle: MakeBundle,
    agent: Agent,
    no_new_privileges: bool,
    status: str,
    flags: list[str],
) -> None:
    """Exactly one container process state comes, with the listener, and the connection is closed."""
    made = bundle(["sh", "-c", "mkdir /refused; mkdir /faked && ls -d /faked; mkdir /made && ls -d /made"])
    notified(made, agent.path, no_new_privileges=no_new_privileges, flags=flags)
    runner.ok("create", "--bundle", made, "c")
    pid = runner.state("c")["pid"]
    if runner.monitor == "builtin":
        # The monitor evaluates the profile: what the kernel has for it is always there in time.
        status = "creating"
    # Loaded behind the barrier, the filter comes with `start`, which ends when the payload runs.
    runner.ok("start", "c")
    state, listener = agent.take()
    assert state == {
        "ociVersion": "1.3.0",
        "fds": ["seccompFd"],
        "pid": pid,
        "metadata": "for the agent",
        "state": {
            "ociVersion": "1.3.0",
            "id": "c",
            "status": status,
            "pid": pid,
            "bundle": str(made),
            "annotations": {"key": "value"},
        },
    }
    answer(listener, errno.EDQUOT)
    answer(listener)
    answer(listener, go_on=True)
    runner.wait("c")
    os.close(listener)
    assert [place.name for place in made.rootfs.iterdir() if place.name in ("refused", "faked", "made")] == [
        "made"
    ]
    runner.ok("delete", "c")


def test_exec_has_a_listener_of_its_own(runner: Runner, bundle: MakeBundle, agent: Agent) -> None:
    """One state for each process, with its own pid and the container's state."""
    made = notified(bundle(["sleep", "100"]), agent.path, no_new_privileges=True)
    runner.ok("create", "--bundle", made, "c")
    runner.ok("start", "c")
    os.close(agent.take()[1])
    init = runner.state("c")["pid"]
    process = runner.start("exec", "c", "mkdir", "/x")
    state, listener = agent.take()
    pid, _number = answer(listener, errno.EDQUOT)
    os.close(listener)
    assert process.wait() == 1
    assert state["pid"] == pid != init
    assert (state["state"]["status"], state["state"]["pid"]) == ("running", init)
    runner.ok("delete", "--force", "c")


def test_an_agent_that_is_not_there_leaves_no_container(
    runner: Runner, bundle: MakeBundle, tmp_path: Path
) -> None:
    """If sending to this socket fails, the runtime MUST generate an error: here already connecting does."""
    made = notified(bundle(["true"]), tmp_path / "nobody", no_new_privileges=True)
    message = runner.refused("create", "--bundle", made, "c")
    assert message.endswith(f"seccomp listener {tmp_path}/nobody: it is not there")
    assert runner.ok("list", "--quiet").out == ""


@pytest.mark.parametrize(("no_new_privileges", "verb"), [(False, "create"), (True, "start")])
def test_a_listener_that_cannot_be_sent_is_an_error(
    plain_runtime: Runner, bundle: MakeBundle, agent: Agent, no_new_privileges: bool, verb: str
) -> None:
    """Whoever loads the filter says so."""
    made = bundle(["true"])
    denied = {"names": ["sendmsg"], "action": "SCMP_ACT_ERRNO"}
    notified(made, agent.path, no_new_privileges=no_new_privileges, syscalls=[MKDIR, denied])
    if verb == "start":
        plain_runtime.ok("create", "--bundle", made, "c")
        assert "send the seccomp listener" in plain_runtime.refused("start", "c")
        plain_runtime.ok("delete", "c")
    else:
        assert "send the seccomp listener: EPERM" in plain_runtime.refused("create", "--bundle", made, "c")


def test_a_profile_may_forbid_the_calls_that_krun_talks_with(
    plain_runtime: Runner, bundle: MakeBundle
) -> None:
    """Loaded early, the filter is in force while init still speaks to the runtime."""
    made = bundle(["echo", "here"])
    made.config["process"]["noNewPrivileges"] = False
    denied = {"names": ["sendmsg", "sendto", "recvmsg"], "action": "SCMP_ACT_ERRNO"}
    made.config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [denied]}
    made.write()
    assert plain_runtime.ok("run", "--bundle", made, "c").out == "here\n"


@pytest.mark.needs("kvm")
def test_calls_that_could_not_go_on_in_a_vm_are_refused_by_name(
    runtime: Runner, bundle: MakeBundle, agent: Agent
) -> None:
    """specs/decisions/0012: never silently without the agent."""
    rule = {"names": ["mkdir", "openat"], "action": "SCMP_ACT_NOTIFY"}
    made = notified(bundle(["true"]), agent.path, no_new_privileges=True, syscalls=[MKDIR, rule])
    message = runtime.refused("create", "--bundle", made, "c")
    assert "$.linux.seccomp.syscalls[1].names[1]: openat cannot be notified in a VM" in message


@pytest.mark.needs("kvm")
def test_in_a_vm_the_profile_is_not_in_the_way_of_the_listener(
    runtime: Runner, bundle: MakeBundle, agent: Agent
) -> None:
    """The kernel has another filter, which meets no call of krun's."""
    made = bundle(["mkdir", "/x"])
    denied = {"names": ["sendmsg"], "action": "SCMP_ACT_ERRNO"}
    notified(made, agent.path, no_new_privileges=True, syscalls=[MKDIR, denied])
    with runtime.start("run", "--bundle", made, "c") as process:
        listener = agent.take()[1]
        answer(listener, errno.EDQUOT)
        os.close(listener)
        assert process.wait() == 1


def test_hooks_in_the_container_are_asked_about_too(runner: Runner, bundle: MakeBundle, agent: Agent) -> None:
    """The programs of startContainer hooks are the image's, and under its profile."""
    made = bundle(["true"])
    made.config["hooks"] = {"startContainer": [{"path": "/bin/mkdir", "args": ["mkdir", "/hook"]}]}
    notified(made, agent.path, no_new_privileges=False)
    with runner.start("run", "--bundle", made, "c") as process:
        listener = agent.take()[1]
        answer(listener)
        os.close(listener)
        assert process.wait() == 0
    assert not (made.rootfs / "hook").exists()

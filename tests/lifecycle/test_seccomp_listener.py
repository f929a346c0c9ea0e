"""Seccomp listeners: an agent outside the container answers some of its system calls."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.agent import Agent, answer
from support.bundles import Bundle
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]

MakeBundle = Callable[..., Bundle]
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
    plain_runtime: Runner,
    bundle: MakeBundle,
    agent: Agent,
    no_new_privileges: bool,
    status: str,
    flags: list[str],
) -> None:
    """Exactly one container process state comes, with the listener, and the connection is closed."""
    made = bundle(["sh", "-c", "mkdir /refused; mkdir /faked && ls -d /faked; mkdir /made && ls -d /made"])
    notified(made, agent.path, no_new_privileges=no_new_privileges, flags=flags)
    plain_runtime.ok("create", "--bundle", made, "c")
    pid = plain_runtime.state("c")["pid"]
    # Loaded behind the barrier, the filter comes with `start`, which ends when the payload runs.
    plain_runtime.ok("start", "c")
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
    plain_runtime.wait("c")
    os.close(listener)
    assert [place.name for place in made.rootfs.iterdir() if place.name in ("refused", "faked", "made")] == [
        "made"
    ]
    plain_runtime.ok("delete", "c")


def test_exec_has_a_listener_of_its_own(plain_runtime: Runner, bundle: MakeBundle, agent: Agent) -> None:
    """One state for each process, with its own pid and the container's state."""
    made = notified(bundle(["sleep", "100"]), agent.path, no_new_privileges=True)
    plain_runtime.ok("create", "--bundle", made, "c")
    plain_runtime.ok("start", "c")
    os.close(agent.take()[1])
    init = plain_runtime.state("c")["pid"]
    process = plain_runtime.start("exec", "c", "mkdir", "/x")
    state, listener = agent.take()
    pid, _number = answer(listener, errno.EDQUOT)
    os.close(listener)
    assert process.wait() == 1
    assert state["pid"] == pid != init
    assert (state["state"]["status"], state["state"]["pid"]) == ("running", init)
    plain_runtime.ok("delete", "--force", "c")


def test_an_agent_that_is_not_there_leaves_no_container(
    plain_runtime: Runner, bundle: MakeBundle, tmp_path: Path
) -> None:
    """If sending to this socket fails, the runtime MUST generate an error: here already connecting does."""
    made = notified(bundle(["true"]), tmp_path / "nobody", no_new_privileges=True)
    message = plain_runtime.refused("create", "--bundle", made, "c")
    assert message.endswith(f"seccomp listener {tmp_path}/nobody: it is not there")
    assert plain_runtime.ok("list", "--quiet").out == ""


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
def test_in_a_vm_it_is_refused_by_name(runtime: Runner, bundle: MakeBundle, agent: Agent) -> None:
    """specs/decisions/0012: never silently without the agent."""
    made = notified(bundle(["true"]), agent.path, no_new_privileges=True)
    message = runtime.refused("create", "--bundle", made, "c")
    assert "$.linux.seccomp.syscalls[0].action: SCMP_ACT_NOTIFY needs --monitor none" in message

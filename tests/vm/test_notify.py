"""Asking an agent about a call is the kernel's: to payload and agent a scene has to look the same on both."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.agent import SEND, SETFD, Agent, Asked, receive
from support.bundles import Bundle, MakeBundle
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "kvm", "gcc", "busybox"), pytest.mark.usefixtures("nothing_left")]

NAMES = ("mkdir", "mkdirat", "sysinfo", "socket", "connect")
WAIT_KILLABLE = "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"
Play = Callable[[int], list[object]]


def get(listener: int) -> Asked:
    """Return the next call."""
    asked = receive(listener)
    assert asked is not None, "the payload has ended"
    return asked


def go_on(listener: int) -> list[object]:
    """Let every call go on; return what was asked about."""
    seen: list[object] = []
    while asked := receive(listener):
        seen.append((asked.number, asked.text(0)))
        asked.answer(go_on=True)
    return seen


def play_answers(listener: int) -> list[object]:
    """Refuse, pretend, go on, go on to an error, and answer a value."""
    seen: list[object] = []
    for answer in ({"error": errno.EDQUOT}, {}, {"go_on": True}, {"go_on": True}, {"value": 1 << 40}):
        asked = get(listener)
        seen.append((asked.number, asked.text(0), asked.args[1], asked.is_valid()))
        seen.append(asked.answer(**answer))  # type: ignore[arg-type]
    return seen


def play_memory(listener: int) -> list[object]:
    """Answer by writing to the payload's memory."""
    asked = get(listener)
    asked.write(0, struct.pack("<q", 4711))
    asked.answer()
    return [asked.number]


def play_addresses(listener: int) -> list[object]:
    """See what the kernel would see, and let it find out."""
    seen: list[object] = []
    while asked := receive(listener):
        index = 1 if asked.number == 258 else 0
        low = asked.args[0] & 0xFFFFFFFF if index else None
        seen.append((asked.number, low, asked.text(index)[-12:], asked.args[index] < 4096))
        asked.answer(go_on=True)
    return seen


def play_descriptors(listener: int) -> list[object]:
    """Add descriptors: by themselves, as the answer, in the place of one."""
    reading, writing = os.pipe()
    os.write(writing, b"from the agent")
    asked = get(listener)
    seen: list[object] = [asked.args[:3], asked.add(reading, cloexec=True)]
    asked.answer(value=3)
    asked = get(listener)
    os.write(writing, b"again")
    seen.append(asked.add(reading, SEND))
    get(listener).answer(go_on=True)
    asked = get(listener)
    os.write(writing, b"in its place")
    seen += [asked.number, asked.args[0], asked.add(reading, SETFD, asked.args[0])]
    asked.answer()
    os.close(reading)
    os.close(writing)
    return seen


def play_signal(listener: int) -> list[object]:
    """Send a signal to a payload that waits, then answer the last call that there is."""
    asked = get(listener)
    os.kill(asked.pid, signal.SIGUSR1)
    seen: list[object] = []
    while asked is not None:
        waiting = still_waits(asked)
        seen.append(waiting)
        if waiting:
            seen.append(asked.answer(errno.ENOANO))
        following = receive(listener)
        if following is None:
            break
        asked = following
    return seen


def still_waits(asked: Asked) -> bool:
    """Tell whether the caller still waits when what its signal does has come to an end."""
    place = Path(f"/proc/{asked.pid}/stat")
    with contextlib.suppress(OSError):  # the payload may end
        while asked.is_valid() and place.read_text().rpartition(")")[2].split()[0] == "R":
            os.sched_yield()
    return asked.is_valid()


def play_kill(listener: int) -> list[object]:
    """Kill who waits."""
    asked = get(listener)
    os.kill(asked.pid, signal.SIGKILL)
    return [receive(listener) is None, asked.is_valid(), asked.answer()]


def play_threads(listener: int) -> list[object]:
    """Hear all before answering any, the last first: each gets its own answer."""
    asked = [get(listener) for _ in range(8)]
    paths = [call.text(0) for call in asked]
    for call, path in zip(reversed(asked), reversed(paths), strict=True):
        call.answer(errno.EXDEV if int(path.removeprefix("/t")) % 2 else 0)
    return [len({call.pid for call in asked}), sorted(paths)]


def play_death(listener: int) -> list[object]:
    """Go away while a call waits."""
    asked = get(listener)
    os.close(listener)
    return [asked.number]


SCENES: dict[str, tuple[list[str], Play, list[str]]] = {
    "answers": (["answers"], play_answers, []),
    "a string where memory ends": (["top", "/at-the-top"], go_on, []),
    "memory": (["memory"], play_memory, []),
    "addresses": (["addresses"], play_addresses, []),
    "descriptors": (["descriptors"], play_descriptors, []),
    "a signal interrupts": (["interrupted"], play_signal, []),
    "a signal restarts": (["restarted"], play_signal, []),
    "a signal waits": (["interrupted"], play_signal, [WAIT_KILLABLE]),
    "an ignored signal": (["ignored"], play_signal, []),
    "a deadly signal": (["abandoned"], play_kill, [WAIT_KILLABLE]),
    "threads": (["threads"], play_threads, []),
    "processes": (["processes"], go_on, []),
    "the agent dies": (["abandoned"], play_death, []),
    "filters of its own": (["own-filters"], go_on, []),
}


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    """Return an agent that listens."""
    agent = Agent(tmp_path / "agent")
    yield agent
    agent.close()


def notify(made: Bundle, agent: Agent, names: list[str], **changes: Any) -> None:
    """Have the agent asked about calls."""
    made.config["process"]["noNewPrivileges"] = False
    made.config["linux"]["seccomp"] = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": ["SCMP_ARCH_X86_64"],
        "listenerPath": str(agent.path),
        "syscalls": [{"names": names, "action": "SCMP_ACT_NOTIFY"}],
        **changes,
    }


def play(runtime: Runner, made: Bundle, agent: Agent, part: Play, id: str) -> tuple[object, ...]:
    """Run the payload and the agent's part; return what both saw."""
    with runtime.start("run", "--bundle", made, id, stdout=subprocess.PIPE) as process:
        listener = agent.take()[1]
        seen = part(listener)
        if part is not play_death:
            os.close(listener)
        out, _ = process.communicate(timeout=60)
    return seen, out.decode().splitlines(), process.returncode


@pytest.mark.parametrize("scene", SCENES)
def test_an_agent_is_asked_as_by_a_kernel(
    runtime: Runner,
    plain_runtime: Runner,
    bundle: MakeBundle,
    static: Callable[[str], Path],
    agent: Agent,
    scene: str,
) -> None:
    """seccomp_unotify(2): what the agent sees is the payload's, and its answers are the calls' results."""
    args, part, flags = SCENES[scene]
    results = []
    for name, monitor in (("native", plain_runtime), ("vm", runtime)):
        made = bundle(["/notified", *args], name=name)
        made.add_program("notified", static("notified"))
        notify(made, agent, list(NAMES), flags=flags)
        made.write()
        results.append(play(monitor, made, agent, part, name))
    native, in_vm = results
    assert in_vm == native
    assert native[1] or native[2] == 128 + signal.SIGKILL
    assert native[2] != 99, "the scene is unknown"

"""A guest that attacks its monitor through calls that an agent is asked about, and lets go on."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import hypercalls
from support.agent import Agent, Asked, receive
from support.attacks import ARENA_END, KERNEL_HALF, run_with_addresses
from support.bundles import Bundle, MakeBundle
from support.runner import Runner

from krun.plan._hypercalls import UNNOTIFIED

pytestmark = [pytest.mark.needs("root", "kvm", "gcc", "busybox"), pytest.mark.usefixtures("nothing_left")]

ARENA_START = 0x10000
FSYNC = 74


class LenientAgent(threading.Thread):
    """Lets every call go on, and notes pointers to what is not the guest's."""

    def __init__(self, path: Path) -> None:
        """Listen at a path."""
        super().__init__()
        self.agent = Agent(path)
        self.calls = 0
        self.pointers: list[tuple[str, int]] = []
        self._table = {call["nr"]: (name, call) for name, call in hypercalls.read_table()["calls"].items()}

    def run(self) -> None:
        """Serve one listener until nobody is left who could ask."""
        listener = self.agent.take()[1]
        while asked := receive(listener):
            self.calls += 1
            self._look(asked)
            asked.answer(go_on=True)
        os.close(listener)

    def _look(self, asked: Asked) -> None:
        name, call = self._table[asked.number]
        for value, kind in zip(asked.args, call["args"].values(), strict=False):
            is_good = value < ARENA_END or value >= KERNEL_HALF or is_far(value)
            if hypercalls.kind(kind) in "pv" and not is_good:
                self.pointers.append((name, value))


def is_far(address: int) -> bool:
    """Tell whether an address lies in the parts of the guest's memory that csrc/vm/layout.h calls far."""
    return 0x500000000000 <= address < 0x540000000000 or 0x600000000000 <= address < 0x680000000000


@pytest.fixture
def lenient(tmp_path: Path) -> Iterator[LenientAgent]:
    """Return an agent that is not started."""
    agent = LenientAgent(tmp_path / "agent")
    yield agent
    agent.agent.close()


def prepared(made: Bundle, program: Path, name: str, agent: Path, names: list[str], **changes: Any) -> Bundle:
    """Put the payload into the bundle, and have an agent asked about calls."""
    made.add_program(name, program)
    made.config["process"].update(changes)
    made.config["linux"]["seccomp"] = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X32"],
        "listenerPath": str(agent),
        "syscalls": [{"names": names, "action": "SCMP_ACT_NOTIFY"}],
    }
    made.write()
    return made


def test_no_call_that_goes_on_reaches_the_monitor(
    runtime: Runner, bundle: MakeBundle, hostile: Path, lenient: LenientAgent
) -> None:
    """What the kernel goes on with has been checked, and the agent sees no address of the monitor either."""
    made = bundle(["/hostile"])
    (made.rootfs / "tmp").mkdir(exist_ok=True)
    names = [name for name in hypercalls.read_table()["calls"] if name not in UNNOTIFIED]
    prepared(made, hostile, "hostile", lenient.agent.path, names)
    lenient.start()
    status, out = run_with_addresses(runtime, made)
    lenient.join()
    assert status == 0, out
    assert lenient.pointers == []
    assert lenient.calls > 5000


def test_descriptors_that_the_monitor_takes_meanwhile_are_not_reached(
    runtime: Runner, bundle: MakeBundle, static: Callable[[str], Path], tmp_path: Path
) -> None:
    """A number that was nobody's when the call began does not become the monitor's before it is made."""
    agent = Agent(tmp_path / "agent")
    made = bundle(["/hostile", "descriptors"])
    limits = [{"type": "RLIMIT_NOFILE", "soft": 64, "hard": 4096}]
    prepared(made, static("hostile_notified"), "hostile", agent.path, ["mkdir", "fsync"], rlimits=limits)
    out = tmp_path / "out"
    with out.open("wb") as file, runtime.start("run", "--bundle", made, "c", stdout=file) as process:
        listener = agent.take()[1]
        waiting: list[Asked] = []
        taken: set[int] = set()
        while asked := receive(listener):
            if asked.number == FSYNC:
                waiting.append(asked)
                continue
            if asked.text(0) == "/waiting":
                # Every thread's call has come, or comes before this one is answered.
                while len(waiting) < 24 and (other := receive(listener)):
                    waiting.append(other)
            else:
                taken = {int(name) for name in os.listdir(f"/proc/{asked.pid}/fd")}
                for call in waiting:
                    call.answer(go_on=True)
            asked.answer(go_on=True)
        os.close(listener)
        assert process.wait(timeout=60) == 0
    agent.close()
    assert out.read_text() == "24 calls\n"
    assert taken & {call.args[0] for call in waiting} == set()
    assert sorted(call.args[0] for call in waiting) == list(range(89, 113))


def test_the_place_of_notified_calls_is_not_the_guests(
    runtime: Runner, bundle: MakeBundle, static: Callable[[str], Path], lenient: LenientAgent
) -> None:
    """It is no memory of the guest's: neither read nor jumped to, mapped over nor taken away."""
    made = bundle(["/hostile", "place"])
    prepared(made, static("hostile_notified"), "hostile", lenient.agent.path, ["mkdir"])
    lenient.start()
    result = runtime("run", "--bundle", made, "c")
    lenient.join()
    assert (result.out, result.status) == ("mkdir: success, reached 0\n", 0)
    assert lenient.calls == 1

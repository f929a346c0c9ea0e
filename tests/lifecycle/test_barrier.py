"""No order of `create` and `start`, and no death of either, loses a start, hangs or runs the payload twice.

Each pair draws its moments from a generator with a fixed seed per pair; the message of a failure names it.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.bundles import Bundle, MakeBundle, bind, make_config
from support.processes import Hang, wait_dead
from support.runner import Runner

HANG_S = 60.0
AT_ONCE = 3

# What a `start` may answer that comes before `create` has made the container, or after the end of it.
TOO_EARLY = ("does not exist", "creating")
TOO_LATE = ("already running", "stopped")


class Pair:
    """One container whose `start` comes at a random moment of its `create`, one of them perhaps killed."""

    def __init__(self, runner: Runner, folder: Path, rootfs: Path, cgroup: str, number: int) -> None:
        """Prepare pair `number` in `folder`; its payload appends a line to its own file."""
        self.runner, self.id = runner, f"pair-{number}"
        self.random = random.Random(number)
        self.path = folder / self.id
        self.path.mkdir()
        self.lines = self.path / "lines"
        self.lines.touch()
        config = make_config(
            ["sh", "-c", "echo run >>/lines"],
            mounts=[bind(self.lines, "/lines")],
            cgroups_path=f"/{cgroup}{self.id}",
        )
        config["root"]["path"] = str(rootfs)
        self.bundle = Bundle(self.path, config)

    def spawn(self, *args: str) -> subprocess.Popen[bytes]:
        """Start krun with its errors in a file that is named after the verb."""
        with (self.path / f"{args[0]}.err").open("ab") as err:
            return self.runner.start(*args, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err)

    def errors(self, verb: str) -> str:
        """Return what the calls of a verb have said."""
        return (self.path / f"{verb}.err").read_text()

    def run(self, create_s: float, victim: str) -> str:
        """Run the pair and return what went wrong, "" for nothing.

        create_s: how long a `create` takes here.  victim: the verb whose process is killed, "" for none.
        """
        began = time.monotonic()

        def until(moment_s: float) -> None:
            time.sleep(max(0.0, began + moment_s - time.monotonic()))

        start_at = self.random.uniform(0.0, 1.4 * create_s)
        kill_at = self.random.uniform(0.0, 1.2 * create_s) + (start_at if victim == "start" else 0.0)
        create = self.spawn("create", "--bundle", str(self.bundle), self.id)
        processes = {"create": create}
        for moment, deed in sorted([(start_at, "start"), (kill_at, "kill")]):
            until(moment)
            if deed == "start":
                processes["start"] = self.spawn("start", self.id)
            elif victim:
                processes[victim].send_signal(signal.SIGKILL)
        statuses = {verb: process.wait(HANG_S) for verb, process in processes.items()}
        again = self.spawn("start", self.id).wait(HANG_S)
        self.wait_for_the_end()
        return self.judge(statuses, again, victim)

    def wait_for_the_end(self) -> None:
        """Wait until a payload that was started has ended."""
        answer = self.runner("state", self.id)
        if answer.status != 0:
            return
        state = json.loads(answer.out)
        if state["status"] == "running":
            wait_dead(state["pid"], HANG_S)

    def judge(self, statuses: dict[str, int], again: int, victim: str) -> str:
        """Compare what happened with what may happen."""
        runs = self.lines.read_text().count("run\n")
        said = f"create said {self.errors('create')!r}, start said {self.errors('start')!r}"
        told = f"{self.id}: {statuses}, again {again}, {runs} runs, {said}"
        create, start = statuses["create"], statuses["start"]
        if create != 0 and not (victim == "create" and create == -signal.SIGKILL):
            return f"create failed: {told}"
        if start == 0 and again == 0:
            return f"two starts succeeded: {told}"
        if create == 0:
            if runs != 1:
                return f"not exactly one run: {told}"
            if start == 1 and again != 0:
                return f"a refused start is lost for good: {told}"
            if start not in {0, 1} and not (victim == "start" and start == -signal.SIGKILL):
                return f"start ended oddly: {told}"
            words = TOO_LATE if start == 0 or (victim == "start" and again != 0) else TOO_EARLY
            if start != -signal.SIGKILL and not any(word in self.errors("start") for word in words):
                return f"unexpected words: {told}"
            return ""
        if runs != int(start == 0 or again == 0):
            return f"the payload of a killed create ran without a start, or not with one: {told}"
        return ""

    def delete(self) -> str:
        """Delete the container by force and return what went wrong, "" for nothing."""
        status = self.spawn("delete", "--force", self.id).wait(HANG_S)
        return "" if status == 0 else f"{self.id}: delete --force: {status}, {self.errors('delete')!r}"


def victims(pairs: int, kills: int) -> Iterator[str]:
    """Spread `kills` deaths, of `create` and of `start` by turns, evenly over the pairs."""
    for number in range(pairs):
        killed_before, killed_now = number * kills // pairs, (number + 1) * kills // pairs
        yield ("create", "start")[killed_before % 2] if killed_now > killed_before else ""


def duration_of_create(runner: Runner, bundle: Bundle) -> float:
    """Return how long `create` takes here: the middle of five."""
    taken = []
    for _ in range(5):
        began = time.monotonic()
        runner.ok("create", "--bundle", bundle, "probe")
        taken.append(time.monotonic() - began)
        runner.ok("delete", "--force", "probe")
    return sorted(taken)[2]


@pytest.mark.needs("root", "busybox")
@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize(
    ("monitor", "pairs", "kills"),
    [("none", 900, 180), pytest.param("builtin", 100, 20, marks=pytest.mark.needs("kvm"))],
)
def test_start_at_any_moment_runs_the_payload_exactly_once(
    krun: Path,
    krun_root: Path,
    tmp_path: Path,
    cgroup_name: str,
    bundle: MakeBundle,
    monitor: str,
    pairs: int,
    kills: int,
) -> None:
    """Never a hang, never a lost start, never a second run, nothing left after `delete --force`."""
    runner = Runner(krun, krun_root, tmp_path / "streams", monitor=monitor)
    model = bundle(["true"])
    create_s = duration_of_create(runner, model) * AT_ONCE / 2

    def one(number: int, victim: str) -> str:
        pair = Pair(runner, tmp_path, model.rootfs, cgroup_name, number)
        try:
            return pair.run(create_s, victim) or pair.delete()
        except (Hang, subprocess.TimeoutExpired) as hang:
            return f"{pair.id}: hang: {hang}"

    chosen = list(victims(pairs, kills))
    assert sum(map(bool, chosen)) == kills
    with ThreadPoolExecutor(AT_ONCE) as pool:
        wrong = [problem for problem in pool.map(one, range(pairs), chosen) if problem]
    assert not wrong, "\n".join([f"{len(wrong)} of {pairs}:", *wrong[:20]])

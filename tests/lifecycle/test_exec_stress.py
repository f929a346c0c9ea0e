"""`krun exec` again and again, several at once, with the caller killed now and then.

KRUN_EXEC_STRESS sets how often, for a long run by hand.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.bundles import MakeBundle
from support.leftovers import cgroups_named, processes_of
from support.processes import Hang, is_alive, wait_dead
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]

TIMES = int(os.environ.get("KRUN_EXEC_STRESS", "200"))
AT_ONCE = 8
ONE_KILL_IN = 5
HANG_S = 60.0


class Bombardment:
    """Many calls of exec in the container `c`."""

    def __init__(self, runner: Runner, folder: Path) -> None:
        """Keep what krun says in `folder`."""
        self.runner, self.folder = runner, folder
        folder.mkdir()
        self.typical_s = 0.0

    def one(self, number: int) -> str:
        """Call exec once, kill it at a random moment every so often; return what is wrong, "" for nothing."""
        chance = random.Random(number)
        is_victim = number % ONE_KILL_IN == 0
        said = self.folder / f"{number}.err"
        script = f"echo {number} >>/lines"
        command = self.runner.command(
            "exec", "--pid-file", self.folder / f"{number}.pid", "c", "sh", "-c", script
        )
        with said.open("wb") as err:
            krun = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=err, stderr=err)
        if is_victim:
            time.sleep(chance.uniform(0.0, 1.2 * self.typical_s))
            krun.send_signal(signal.SIGKILL)
        try:
            status = krun.wait(HANG_S)
        except subprocess.TimeoutExpired:
            krun.kill()
            krun.wait()
            return f"{number}: hangs"
        if status == 0 or (is_victim and status == -signal.SIGKILL):
            return ""
        return f"{number}: status {status}: {said.read_text()}"

    def measure(self) -> None:
        """Find out how long a call takes while others are made."""
        began = time.monotonic()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            problems = [problem for problem in pool.map(self.one, [1] * AT_ONCE) if problem]
        assert not problems
        self.typical_s = time.monotonic() - began


def descriptors(pid: int) -> list[str]:
    """Return what a process has open."""
    return sorted(os.readlink(entry.path) for entry in os.scandir(f"/proc/{pid}/fd"))


def test_a_container_outlives_a_thousand_execs(
    runner: Runner, bundle: MakeBundle, tmp_path: Path, cgroup_name: str
) -> None:
    """No process, descriptor, state file or cgroup is left, and the container lives on."""
    made = bundle(["sleep", "600"])
    runner.ok("run", "--detach", "--bundle", made, "c")
    init = runner.state("c")["pid"]
    bombardment = Bombardment(runner, tmp_path / "calls")
    bombardment.measure()
    files, cgroups = sorted(os.listdir(runner.root / "c")), cgroups_named(cgroup_name)
    held, own = descriptors(init), descriptors(os.getpid())
    with ThreadPoolExecutor(AT_ONCE) as pool:
        wrong = [problem for problem in pool.map(bombardment.one, range(2, TIMES + 2)) if problem]
    assert not wrong, "\n".join([f"{len(wrong)} of {TIMES}:", *wrong[:20]])
    for pid in processes_of(tmp_path, cgroup_name):
        if pid != init:
            try:
                wait_dead(pid)  # one whose krun was killed ends by itself
            except Hang:
                pytest.fail(f"process {pid} is left")
    assert json.loads(runner.ok("ps", "--format", "json", "c").out) == [init]
    assert sorted(os.listdir(runner.root / "c")) == files
    assert cgroups_named(cgroup_name) == cgroups
    assert (descriptors(init), descriptors(os.getpid())) == (held, own)
    lines = [int(line) for line in (made.rootfs / "lines").read_text().split()]
    whole = {number for number in range(2, TIMES + 2) if number % ONE_KILL_IN}
    assert whole <= set(lines)
    assert sorted(set(lines) - {1}) == sorted(number for number in lines if number != 1), "one ran twice"
    assert is_alive(init)
    assert runner.ok("exec", "c", "echo", "alive").out == "alive\n"
    runner.ok("delete", "--force", "c")

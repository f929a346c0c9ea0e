"""A test run that is killed leaves nothing: no test bed, no machine, no cgroup, no process.

Out of scope: what a run leaves that ends by itself; each test looks after that (`nothing_left`).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.leftovers import cgroup_mounts, cgroups_named
from support.processes import TIMEOUT_S, children, wait_dead

BED = """
import os, subprocess, sys
from pathlib import Path
from namespaces import Namespaces
from support import aftermath

held = aftermath.begin(f"krun-test-{os.getpid()}-")
with Namespaces(Path(sys.argv[1])) as bed:
    inside = subprocess.Popen(bed._inside(["sleep", "600"]), env={"PATH": os.defpath})
    cgroup = Path(sys.argv[2], bed.cgroup, "below")
    cgroup.mkdir(parents=True)
    outside = subprocess.Popen(["sleep", "600"], start_new_session=True)
    (cgroup / "cgroup.procs").write_text(str(outside.pid))
    print(bed.holder_file.read_text(), outside.pid, flush=True)
    sys.stdin.read()
"""
MACHINE = """
import sys
from booting import boot

boot(["sh", "-c", f"setsid sleep 600 & echo up >{sys.argv[1]}; wait"], 600)
"""


def start(script: str, *words: str) -> subprocess.Popen[str]:
    """Start a script that knows what this run knows."""
    env = {**os.environ, "PYTHONPATH": ":".join(sys.path)}
    command = [sys.executable, "-c", script, *words]
    return subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.needs("root", "iproute2")
def test_a_bed_and_its_cgroups_end_with_a_run_that_is_killed(tmp_path: Path) -> None:
    """What is in the bed's namespaces, and what is in its cgroups outside."""
    with start(BED, str(tmp_path), str(cgroup_mounts()[0])) as run:
        assert run.stdout is not None
        pids = [int(word) for word in run.stdout.readline().split()]
        family = children(run.pid)
        run.kill()
        run.wait(TIMEOUT_S)
        for pid in (*pids, *family):
            wait_dead(pid)
    assert cgroups_named(f"krun-test-{run.pid}-") == []


@pytest.mark.needs("root")
def test_a_machine_ends_with_a_run_that_is_killed(tmp_path: Path) -> None:
    """The program that is the machine, and what it has started."""
    told = tmp_path / "told"
    os.mkfifo(told)
    with start(MACHINE, str(told)) as run:
        assert told.read_text() == "up\n"
        family = [run.pid]
        for pid in family:
            family += children(pid)
        assert len(family) == 4
        run.kill()
        run.wait(TIMEOUT_S)
        for pid in family:
            wait_dead(pid)

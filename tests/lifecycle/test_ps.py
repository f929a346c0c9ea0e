"""`krun ps`: a container's processes by the host's pids."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.bundles import MakeBundle
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]


def pids(runner: Runner) -> list[int]:
    """Return what `ps --format json` prints."""
    found: list[int] = json.loads(runner.ok("ps", "--format", "json", "c").out)
    return found


def test_json_is_the_list_of_the_hosts_pids(runner: Runner, bundle: MakeBundle, tmp_path: Path) -> None:
    """Init, what it forked, and what exec has brought."""
    script = "sleep 601 & echo up >/up; exec sleep 600"
    made = bundle(["sh", "-c", script])
    runner.ok("create", "--bundle", made, "c")
    init = runner.state("c")["pid"]
    assert pids(runner) == [init]
    runner.ok("start", "c")
    runner.ok("exec", "--detach", "--pid-file", tmp_path / "pid", "c", "sh", "-c", "exec sleep 602")
    runner.ok("exec", "c", "sh", "-c", "until [ -e /up ]; do sleep 0.05; done")
    found = pids(runner)
    assert len(found) == 3
    assert {init, int((tmp_path / "pid").read_text())} < set(found)
    runner.ok("delete", "--force", "c")


def test_without_a_cgroup_the_pid_namespace_is_looked_at(
    runner: Runner, bundle: MakeBundle, tmp_path: Path
) -> None:
    """The same pids, found another way."""
    made = bundle(["sleep", "600"])
    runner.ok("--cgroup-manager", "disabled", "run", "--detach", "--bundle", made, "c")
    runner.ok("exec", "--detach", "--pid-file", tmp_path / "pid", "c", "sleep", "601")
    assert pids(runner) == sorted([runner.state("c")["pid"], int((tmp_path / "pid").read_text())])
    runner.ok("delete", "--force", "c")


def test_without_cgroup_and_pid_namespace_it_is_refused(runner: Runner, bundle: MakeBundle) -> None:
    """Nothing tells its processes from others."""
    made = bundle(["sleep", "600"], namespaces=("network", "ipc", "uts", "mount"))
    runner.ok("--cgroup-manager", "disabled", "run", "--detach", "--bundle", made, "c")
    assert "neither a cgroup nor a pid namespace" in runner.refused("ps", "c")
    runner.ok("delete", "--force", "c")


def test_the_table_is_that_of_the_hosts_ps(runner: Runner, bundle: MakeBundle) -> None:
    """Its heading and the lines of the container; words behind the id are for ps."""
    runner.ok("run", "--detach", "--bundle", bundle(["sleep", "600"]), "c")
    heading, line = runner.ok("ps", "c").out.splitlines()
    assert heading.split()[:2] == ["UID", "PID"]
    assert line.split()[1] == str(runner.state("c")["pid"])
    heading, line = runner.ok("ps", "c", "-eo", "pid,args").out.splitlines()
    assert line.split() == [str(runner.state("c")["pid"]), "sleep", "600"]
    assert "no column PID" in runner.refused("ps", "c", "-eo", "args")
    assert "--format: 'xml' is neither table nor json" in runner.refused("ps", "--format", "xml", "c")
    runner.ok("delete", "--force", "c")


def test_a_stopped_container_has_no_processes(runner: Runner, bundle: MakeBundle) -> None:
    """An empty list, which is no error."""
    runner.ok("run", "--keep", "--bundle", bundle(["true"]), "c")
    assert pids(runner) == []
    runner.ok("delete", "c")

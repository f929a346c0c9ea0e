"""Cgroups planned for this host as a configuration would have them, and processes to put into them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from krun.execute import cgroup
from krun.execute.cgroup_record import CgroupRecord
from krun.host.cgroups import probe_cgroups
from krun.plan.cgroups import CgroupPlan, plan_cgroup
from krun.plan.model import Options
from krun.spec.load import load
from support.facts import make_facts


def plan_here(path: str, linux: Mapping[str, Any] | None = None, **config: Any) -> CgroupPlan:
    """Plan the cgroup `path` on this host for a configuration with this `linux` section, as root."""
    document = {
        "ociVersion": "1.2.0",
        "process": {"args": ["true"], "cwd": "/", "user": {"uid": 0, "gid": 0}},
        "root": {"path": "rootfs"},
        **config,
        "linux": {**(linux or {}), "cgroupsPath": path},
    }
    facts = make_facts(probe_cgroups(), kernel_release=os.uname().release)
    plan = plan_cgroup(load(json.dumps(document).encode()), facts, Options(id="c1", bundle="/b"))
    assert plan is not None
    return plan


@contextmanager
def made(plan: CgroupPlan) -> Iterator[CgroupRecord]:
    """Make and limit a cgroup, and remove it with all that runs in it."""
    prepared = cgroup.prepare(plan)
    try:
        record = cgroup.create(plan, prepared)
        cgroup.apply(plan, record)
        yield record
    finally:
        cgroup.remove(prepared)


@contextmanager
def inside(record: CgroupRecord, command: str = "exec sleep 60") -> Iterator[subprocess.Popen[str]]:
    """Run a shell command that begins when it is in the cgroup; it is dead and waited for at the end."""
    with subprocess.Popen(
        ["/bin/sh", "-c", f"read go; {command}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            for directory in record.directories():
                (Path(directory) / "cgroup.procs").write_text(str(process.pid))
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
            yield process
        finally:
            process.kill()


def output_inside(record: CgroupRecord, command: str) -> str:
    """Return what a shell command says that runs in the cgroup."""
    with inside(record, command) as process:
        return process.communicate(timeout=30)[0]


def read(record: CgroupRecord, controller: str, file: str) -> str:
    """Return what a file of the cgroup says."""
    directory = record.paths.get(controller) or record.paths[""]
    return (Path(directory) / file).read_text().strip()


def left(record: CgroupRecord) -> list[str]:
    """Return the directories of the cgroup that still exist."""
    return [directory for directory in record.directories() if Path(directory).exists()]

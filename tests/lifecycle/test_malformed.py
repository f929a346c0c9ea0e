"""Configurations broken in one field, given to `create`: a container, or one line and nothing left.

Nothing is broken that says which of the host's files a container has: a wrong path there may be a right one.
Out of scope: what is said (tests/unit/spec/test_every_field.py).
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from support.bundles import MakeBundle
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]

ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    7,
    1 << 40,
    "",
    "x",
    "/",
    "a/../..",
    "0-3",
    [],
    [0],
    ["x"],
    {},
    {"x": 1},
)
EXAMPLES = 60
SEEDS = range(4)


def full(config: dict[str, Any]) -> None:
    """Add something of every kind that a broken value can do no harm with."""
    config["process"].update(
        scheduler={"policy": "SCHED_BATCH", "nice": 3, "flags": ["SCHED_FLAG_RESET_ON_FORK"]},
        ioPriority={"class": "IOPRIO_CLASS_BE", "priority": 4},
        rlimits=[{"type": "RLIMIT_NOFILE", "soft": 512, "hard": 512}],
        oomScoreAdj=500,
    )
    config["linux"].update(
        memoryPolicy={"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]},
        personality={"domain": "LINUX32", "flags": []},
        sysctl={"kernel.msgmax": "8192"},
        devices=[{"type": "c", "path": "/dev/fuse", "major": 10, "minor": 229, "fileMode": 438}],
        seccomp={
            "defaultAction": "SCMP_ACT_ALLOW",
            "architectures": ["SCMP_ARCH_X86_64"],
            "flags": ["SECCOMP_FILTER_FLAG_LOG"],
            "syscalls": [{"names": ["kexec_load"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}],
        },
        resources={
            "memory": {"limit": 64 << 20},
            "cpu": {"shares": 512, "quota": 50000, "period": 100000},
            "pids": {"limit": 100},
            "devices": [{"allow": False, "access": "rwm"}],
        },
    )


def places(node: Any, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return every property and element below a node."""
    found: list[tuple[str | int, ...]] = []
    for key, inner in (
        node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    ):
        found += [(*at, key), *places(inner, (*at, key))]
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_a_broken_field_gives_a_container_or_one_line(
    krun: Path, krun_root: Path, tmp_path: Path, bundle: MakeBundle, seed: int
) -> None:
    """Never a traceback, never a container that is there in part.  The same cases in every run."""
    through = ("unshare", "--mount", "--propagation", "private")
    runner = Runner(krun, krun_root, tmp_path / "streams", monitor="none", through=through)
    made = bundle(["true"], change=full)
    whole = made.config
    fixed = (("linux", "namespaces"), ("linux", "cgroupsPath"), ("linux", "rootfsPropagation"))
    candidates = [
        place
        for section in ("process", "linux", "hostname", "annotations")
        for place in ((section,), *places(whole.get(section), (section,)))
        if len(place) > 1 and not any(place[: len(other)] == other for other in fixed)
    ]
    random = Random(seed)
    outcomes = set()
    for place in random.sample(candidates, EXAMPLES):
        made.config = copy.deepcopy(whole)
        node: Any = made.config
        for step in place[:-1]:
            node = node[step]
        node[place[-1]] = random.choice(ODD)
        made.write()
        case = f"{place} = {json.dumps(node[place[-1]])}"
        result = runner("create", "--bundle", made, "c")
        outcomes.add(result.status)
        assert result.status in (0, 1), (case, result)
        if result.status == 0:
            assert runner.state("c")["status"] == "created", case
            runner.ok("delete", "--force", "c")
        else:
            assert result.err.startswith("krun: "), (case, result)
            assert result.err.count("\n") == 1, (case, result)
            assert "Traceback" not in result.err, (case, result)
        assert list(krun_root.iterdir()) == [], case
    assert outcomes == {0, 1}

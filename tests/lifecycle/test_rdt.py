"""Intel RDT through the verbs, in a tree of the test's own: few machines have the hardware."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.bundles import MakeBundle
from support.runner import Runner

from krun.commands import creation
from krun.commands.options import Arguments, Context
from krun.log import Log
from krun.plan.rdt import RdtPlan

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]


def test_container_and_its_processes_enter_their_class(
    krun_root: Path, plain_runtime: Runner, bundle: MakeBundle, tmp_path: Path
) -> None:
    """Init before the payload runs, a process of exec as well; what krun has not made stays."""
    tree = tmp_path / "resctrl"
    tree.mkdir()
    (tree / "tasks").touch()
    context = Context(root=str(krun_root), log=Log(), out=lambda _text: None, monitor="none")
    words = {"container-id": ("c",), "bundle": (str(bundle(["sleep", "100"])),), "config": ("config.json",)}
    request = creation.read_request(Arguments(words), context)
    plan = request.plan.replace(rdt=RdtPlan(str(tree), False, True, (), (), ""))
    made: list[int] = []
    reading, writing = os.pipe()
    creation.make_container(
        request.replace(plan=plan),
        context,
        -1,
        reading,
        lambda created, _: made.append(created.container.pid),
    )
    assert (tree / "tasks").read_text() == f"{made[0]}\n"
    plain_runtime.ok("start", "c")
    plain_runtime.ok("exec", "--detach", "--pid-file", tmp_path / "pid", "c", "sleep", "100")
    assert (tree / "tasks").read_text() == f"{(tmp_path / 'pid').read_text()}\n"
    plain_runtime.ok("delete", "--force", "c")
    os.waitpid(made[0], 0)
    assert (tree / "tasks").exists()
    for end in (reading, writing):
        os.close(end)

"""Served calls in a container: a scene that runs on a kernel and in the VM has to look the same on both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.bundles import TMP, MakeBundle
from support.runner import Runner

SCENES = (
    "files", "locks", "descriptors", "sockets", "waits", "interrupted", "ipc", "futexes", "process",
    "extended",
)  # fmt: skip


@pytest.mark.needs("root", "kvm", "gcc", "busybox")
@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("scene", SCENES)
def test_calls_answer_as_on_a_kernel(
    runtime: Runner,
    plain_runtime: Runner,
    bundle: MakeBundle,
    static: Callable[[str], Path],
    scene: str,
) -> None:
    """Calls with commands, pointers in structures and signals give the kernel's results and errnos."""
    seen = []
    for name, runner in (("native", plain_runtime), ("vm", runtime)):
        made = bundle(["/calls", scene], name=name, mounts=[TMP])
        made.add_program("calls", static("calls"))
        result = runner("run", "--bundle", str(made), name)
        seen.append((result.status, result.out, result.err))
    assert seen[1] == seen[0]
    assert seen[0][0] == 0

"""A container of each kind ends by SIGTERM as its program wants, by SIGKILL at once, and leaves nothing."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.bundles import Bundle
from support.processes import TIMEOUT_S
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "kvm"), pytest.mark.usefixtures("nothing_left")]

KINDS = [
    pytest.param("/bin/busybox sh /corpus/waits.sh", 7, marks=pytest.mark.needs("busybox"), id="busybox"),
    pytest.param("bash /corpus/waits.sh", 7, id="bash"),
    pytest.param("python3 /corpus/waits.py", 7, id="python"),
    pytest.param("sh /corpus/waits_nginx.sh", 0, marks=pytest.mark.needs("nginx", "curl"), id="nginx"),
    pytest.param("node /corpus/waits.js", 7, marks=pytest.mark.needs("node"), id="node"),
    pytest.param("java /corpus/Waits.java", 143, marks=pytest.mark.needs("java"), id="java"),
]


@pytest.mark.parametrize(("command", "by_term"), KINDS)
@pytest.mark.parametrize("signal_name", ["TERM", "KILL"])
def test_container_is_stopped(
    command: str,
    by_term: int,
    signal_name: str,
    program: Callable[..., Bundle],
    runtime: Runner,
    tmp_path: Path,
) -> None:
    """The status is the program's own after SIGTERM and 137 after SIGKILL; the fixture finds no remains."""
    made = program(*command.split(), name="stopped")
    with (tmp_path / "errors").open("wb") as errors:
        process = runtime.start(
            "run",
            "--bundle",
            os.fspath(made),
            "stopped",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n", (tmp_path / "errors").read_text()
        runtime.ok("kill", "stopped", signal_name)
        status = process.wait(TIMEOUT_S)
    assert status == (by_term if signal_name == "TERM" else 137), (tmp_path / "errors").read_text()

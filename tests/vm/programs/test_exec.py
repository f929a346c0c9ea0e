"""`krun exec` into containers of real programs: a second program in a VM of its own finds the first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.processes import is_alive, wait_dead

pytestmark = [pytest.mark.needs("root", "kvm"), pytest.mark.usefixtures("nothing_left")]

CASES = [
    pytest.param(
        "bash /corpus/waits.sh",
        ["bash", "-c", "tr '\\0' ' ' < /proc/1/cmdline; echo in | cat; exit 5"],
        ("bash /corpus/waits.sh in\n", 5),
        id="bash",
    ),
    pytest.param(
        "python3 /corpus/waits.py",
        ["python3", "-c", "import os; os.kill(1, 0); print(os.getppid())"],
        ("0\n", 0),
        id="python",
    ),
    pytest.param(
        "sh /corpus/waits_nginx.sh",
        ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "http://127.0.0.1:8080/missing"],
        ("404", 0),
        marks=pytest.mark.needs("nginx", "curl"),
        id="nginx",
    ),
    pytest.param(
        "sh /corpus/waits_redis.sh",
        ["redis-cli", "incrby", "number", "41"],
        ("41\n", 0),
        marks=pytest.mark.needs("redis"),
        id="redis",
    ),
    pytest.param(
        "node /corpus/waits.js",
        ["node", "-p", "require('fs').readFileSync('/proc/1/cmdline').toString().split('\\0')[1]"],
        ("/corpus/waits.js\n", 0),
        marks=pytest.mark.needs("node"),
        id="node",
    ),
]


@pytest.mark.parametrize(("command", "words", "answer"), CASES)
def test_second_program_works_with_the_first(
    command: str, words: list[str], answer: tuple[str, int], waiting: Callable[..., Any]
) -> None:
    """The executed program's output and status come back, and it shares the container's namespaces."""
    container = waiting(command)
    result = container.runtime("exec", container.name, *words)
    assert (result.out, result.status) == answer, result


def test_detached_program_ends_with_its_container(waiting: Callable[..., Any], tmp_path: Path) -> None:
    """It goes on after `krun exec`, and nothing of its VM outlives the container's first process."""
    container = waiting("python3 /corpus/waits.py")
    pid_file = tmp_path / "pid"
    words = ["python3", "/corpus/waits.py"]
    container.runtime.ok("exec", "--detach", "--pid-file", pid_file, container.name, *words)
    pid = int(pid_file.read_text())
    assert is_alive(pid)
    container.runtime.ok("kill", container.name, "TERM")
    assert container.status() == 7
    wait_dead(pid)

"""A container of each kind ends by SIGTERM as its program wants, by SIGKILL at once, and leaves nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [pytest.mark.needs("root", "kvm"), pytest.mark.usefixtures("nothing_left")]

KINDS = [
    pytest.param("/bin/busybox sh /corpus/waits.sh", 7, marks=pytest.mark.needs("busybox"), id="busybox"),
    pytest.param("bash /corpus/waits.sh", 7, id="bash"),
    pytest.param("python3 /corpus/waits.py", 7, id="python"),
    pytest.param("perl /corpus/waits.pl", 7, marks=pytest.mark.needs("perl"), id="perl"),
    pytest.param("sh /corpus/waits_nginx.sh", 0, marks=pytest.mark.needs("nginx", "curl"), id="nginx"),
    pytest.param("sh /corpus/waits_redis.sh", 0, marks=pytest.mark.needs("redis"), id="redis"),
    pytest.param("node /corpus/waits.js", 7, marks=pytest.mark.needs("node"), id="node"),
    pytest.param("java /corpus/Waits.java", 143, marks=pytest.mark.needs("java"), id="java"),
]
BUILT = [
    pytest.param("go_server", marks=pytest.mark.needs("go"), id="go"),
    pytest.param("rust_server", marks=pytest.mark.needs("rust"), id="rust"),
]
both_signals = pytest.mark.parametrize("signal_name", ["TERM", "KILL"])


@both_signals
@pytest.mark.parametrize(("command", "by_term"), KINDS)
def test_container_is_stopped(
    command: str, by_term: int, signal_name: str, waiting: Callable[..., Any]
) -> None:
    """The status is the program's own after SIGTERM and 137 after SIGKILL; the fixture finds no remains."""
    container = waiting(command)
    container.runtime.ok("kill", container.name, signal_name)
    assert container.status() == (by_term if signal_name == "TERM" else 137), container.errors.read_text()


@both_signals
@pytest.mark.parametrize("server", BUILT)
def test_static_program_is_stopped(
    server: str, signal_name: str, waiting: Callable[..., Any], request: pytest.FixtureRequest
) -> None:
    """The same of a program without an interpreter and libraries, whose runtime has threads of its own."""
    container = waiting("/made/server waits", made=request.getfixturevalue(server))
    container.runtime.ok("kill", container.name, signal_name)
    assert container.status() == (7 if signal_name == "TERM" else 137), container.errors.read_text()

"""Programs that people have in images do in a VM what they do without: same output, same status.

Each line of the tables is a program of corpus/; what it does stands in its first line.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.runner import Result

pytestmark = [pytest.mark.needs("root", "kvm"), pytest.mark.usefixtures("nothing_left")]

Run = Callable[..., Result]


@pytest.mark.needs("busybox")
@pytest.mark.parametrize("script", ["shell.sh", "jobs.sh"])
@pytest.mark.parametrize("shell", ["/bin/busybox sh", "dash", "bash"])
def test_shell(shell: str, script: str, same_as_native: Run) -> None:
    """Pipelines, jobs, traps, here-documents and job control work in every shell."""
    result = same_as_native(*shell.split(), f"/corpus/{script}")
    assert result.status == {"shell.sh": 17, "jobs.sh": 0}[script], result


def test_script_names_a_script_as_interpreter(same_as_native: Run) -> None:
    """#! lines are followed, and each gives its words to the next."""
    result = same_as_native("/corpus/script", "last")
    assert result.out == "nested /corpus/nested one argument /corpus/script last\n"


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("bash /corpus/bash.sh", 0),
        ("bash /corpus/files.sh", 0),
        ("bash /corpus/running.sh", 0),
        ("python3 /corpus/text.py", 0),
        ("python3 /corpus/fibers.py", 0),
        ("python3 /corpus/processes.py", 0),
        ("python3 /corpus/tree.py", 0),
        ("python3 /corpus/sockets.py", 0),
        ("python3 /corpus/memory.py", 0),
        ("python3 /corpus/signals.py", 0),
        pytest.param("perl /corpus/perl.pl", 0, marks=pytest.mark.needs("perl")),
        pytest.param("sh /corpus/compile.sh", 0, marks=pytest.mark.needs("gcc")),
        pytest.param("sh /corpus/database.sh", 0, marks=pytest.mark.needs("sqlite3", "git")),
        pytest.param("sh /corpus/secrets.sh", 0, marks=pytest.mark.needs("openssl", "curl")),
        pytest.param("bash /corpus/web.sh", 1, marks=pytest.mark.needs("nginx", "curl")),
        pytest.param("sh /corpus/cache.sh", 0, marks=pytest.mark.needs("redis")),
        pytest.param("node /corpus/node.js", 0, marks=pytest.mark.needs("node")),
        pytest.param("java /corpus/Threads.java", 5, marks=pytest.mark.needs("java")),
    ],
    ids=lambda value: value.rpartition("/")[2] if isinstance(value, str) else "",
)
def test_program(command: str, status: int, same_as_native: Run) -> None:
    """The program's output and status are those of a run without a VM."""
    result = same_as_native(*command.split())
    assert result.status == status, result
    assert result.out, result


@pytest.mark.needs("go")
def test_static_go_program(go_server: Path, same_as_native: Run) -> None:
    """A static Go program serves HTTP to its own goroutines."""
    result = same_as_native("/made/server", made=go_server)
    assert result.out.startswith("1000 answers\n"), result


@pytest.mark.needs("rust")
def test_static_rust_program(rust_server: Path, same_as_native: Run) -> None:
    """A static Rust program serves HTTP to its own threads."""
    result = same_as_native("/made/server", made=rust_server)
    assert (result.out.split("\n")[0], result.status) == ("300 answers", 9), result

"""Where a container may have no more tasks, whoever makes one is told so, as natively.

Out of scope: RLIMIT_NPROC, see tests/lifecycle/test_limits.py.
"""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import cases
from support.cgroups import inside, made, plan_here

pytestmark = pytest.mark.needs("root", "kvm")

LIMIT = 20
KVM = {"allow": True, "type": "c", "major": 10, "minor": 232, "access": "rw"}
# A shell that makes others until it cannot, which ends it; each of the others ends with 0 when it is told to.
BOMB = """
trap 'for child in $children; do echo >&3; done
    for child in $children; do wait "$child" || echo "lost: $?"; done
    echo alive' EXIT
while :; do
    (read -r line <&3) &
    children="$children $!"
done
"""
WITHOUT_CROWD = "fork_with_all_descriptors"
_numbers = itertools.count()

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def crowded(tmp_path: Path) -> Iterator[Run]:
    """Return a runner of programs in a cgroup with few tasks: all that they say, to any end of theirs."""
    path = f"/krun-test-crowded-{os.getpid()}-{next(_numbers)}"
    said = tmp_path / "said"

    with made(plan_here(path, {"resources": {"pids": {"limit": LIMIT}, "devices": [KVM]}})) as record:

        def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
            command = " ".join(map(str, words[:-1])) + f" '{words[-1]}'"
            with inside(record, f"exec {command} </dev/null >{said} 2>&1") as process:
                status = process.wait(timeout=60)
            return subprocess.CompletedProcess(command, status, said.read_text(), "")

        yield run


@pytest.mark.parametrize("case", cases.names("crowded", without=(WITHOUT_CROWD,)))
def test_one_too_many_is_refused(
    case: str, static: Callable[[str], Path], krun_vm: Path, crowded: Run
) -> None:
    """fork(2), clone(2), pthread_create(3) and posix_spawn(3): EAGAIN, and nobody who was made is killed."""
    payload = static("crowded")
    cases.check_same(crowded(payload, case), crowded(krun_vm, payload, case))


def test_a_shell_is_alive_when_it_cannot_fork(krun_vm: Path, crowded: Run, tmp_path: Path) -> None:
    """It says so, and those that it has made are alive."""
    os.mkfifo(tmp_path / "fifo")
    script = f"exec 3<>{tmp_path}/fifo; {BOMB}"
    (tmp_path / "script").write_text(script)
    natively = crowded("/bin/dash", tmp_path / "script")
    assert "Cannot fork" in natively.stdout
    assert natively.stdout.endswith("\nalive\n"), natively
    assert crowded(krun_vm, "/bin/dash", tmp_path / "script").stdout == natively.stdout


def test_a_fork_needs_no_descriptor(static: Callable[[str], Path], krun_vm: Path) -> None:
    """A process forks with all its descriptors in use, where the monitor can have no more either."""
    command = ["/bin/sh", "-c", 'ulimit -n 40; exec "$@"', "sh", krun_vm, static("crowded"), WITHOUT_CROWD]
    result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 0, result

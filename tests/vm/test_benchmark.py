"""conformance/bench measures krun-vm beside native programs.  Out of scope: how fast anything is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).resolve().parents[2] / "conformance" / "bench"

pytestmark = pytest.mark.needs("root", "kvm", "gcc", "musl-gcc")


def bench(*options: str) -> subprocess.CompletedProcess[str]:
    """Run the benchmark for at most two minutes."""
    return subprocess.run(
        [sys.executable, BENCHMARK, "--rounds", "1", *options],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_each_row_has_a_figure_for_each_way(krun_vm: Path, tmp_path: Path) -> None:
    """One round gives every row a positive number, natively and in krun-vm, and a line of the table."""
    numbers = tmp_path / "numbers.json"
    done = bench("--monitor-program", f"vm={krun_vm}", "--json", str(numbers))
    assert done.returncode == 0, done.stderr
    measured = json.loads(numbers.read_text())["monitor"]
    assert len(measured) > 15
    for row, ways in measured.items():
        assert sorted(ways) == ["native", "vm"], row
        assert all(value > 0 for values in ways.values() for value in values), row
        assert all(len(values) == 1 for values in ways.values()), row
        assert f"\n{row}  " in done.stdout


def test_a_monitor_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    """What cannot be measured is named, without a traceback."""
    missing = tmp_path / "krun-vm"
    done = bench("--monitor-program", str(missing))
    assert done.returncode == 1
    assert done.stderr == f"bench: {missing}: not an executable file\n"


def test_a_monitor_that_fails_is_one_line() -> None:
    """So is a program that does not run in the monitor."""
    done = bench("--monitor-program", "/bin/false")
    assert done.returncode == 1
    assert done.stderr.startswith("bench: /bin/false ")
    assert done.stderr.endswith(": status 1\n")
    assert len(done.stderr.splitlines()) == 1

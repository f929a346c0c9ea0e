"""The systemd cgroup driver with a real systemd, the first process of a kernel of its own with cgroup v2.

The kernel is booted once, runs all of systemd_cases.py, and each case is a test here.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.small_kernel_cases import names_of, run_cases

CASES = Path(__file__).resolve().parent / "systemd_cases.py"

pytestmark = pytest.mark.needs("uml", "gcc", "systemd", "dbus")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Run the cases under systemd; returns the faults of each, by its name without parameters."""
    return run_cases(CASES, tmp_path_factory.mktemp("share"), systemd=True)


@pytest.mark.parametrize("name", names_of(CASES))
def test_under_systemd(name: str, results: dict[str, list[str]]) -> None:
    """The case of that name in systemd_cases.py holds."""
    assert name in results, "the case was not run"
    assert not results[name], "\n".join(results[name])

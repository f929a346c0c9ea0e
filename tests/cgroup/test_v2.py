"""Cgroups made for real on a pure cgroup v2, in a kernel of their own.

The kernel is booted once, runs all of v2_cases.py, and each case is a test here.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.small_kernel_cases import names_of, run_cases

CASES = Path(__file__).resolve().parent / "v2_cases.py"

pytestmark = pytest.mark.needs("uml", "gcc")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Run the cases in the small kernel; returns the faults of each, by its name without parameters."""
    return run_cases(CASES, tmp_path_factory.mktemp("share"))


@pytest.mark.parametrize("name", names_of(CASES))
def test_in_the_small_kernel(name: str, results: dict[str, list[str]]) -> None:
    """The case of that name in v2_cases.py holds."""
    assert name in results, "the case was not run"
    assert not results[name], "\n".join(results[name])

"""Cgroups made for real on a pure cgroup v2, in a kernel of their own.

The kernel is booted once, runs all of v2_cases.py, and each case is a test here.
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from small_kernel import run

HERE = Path(__file__).resolve().parent
CASES = HERE / "v2_cases.py"
NAMES = [
    line[4:].partition("(")[0] for line in CASES.read_text().splitlines() if line.startswith("def test_")
]

pytestmark = pytest.mark.needs("uml", "gcc")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Run the cases in the small kernel; returns the faults of each, by its name without parameters."""
    share = tmp_path_factory.mktemp("share")
    command = ["env", f"PYTHONPATH={':'.join(sys.path)}", sys.executable, "-m", "pytest", str(CASES)]
    options = ["-q", "-c", str(HERE.parent.parent / "pyproject.toml"), "-p", "no:cacheprovider", "--tb=short"]
    ended = run([*command, *options, "--junitxml=/mnt/results.xml"], share=share, timeout_s=120)
    report = share / "results.xml"
    assert report.exists(), ended.output
    found: dict[str, list[str]] = {}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314  # written by the pytest that ran there
        faults = found.setdefault(case.attrib["name"].partition("[")[0], [])
        faults += [child.text or child.tag for child in case if child.tag in ("failure", "error", "skipped")]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_in_the_small_kernel(name: str, results: dict[str, list[str]]) -> None:
    """The case of that name in v2_cases.py holds."""
    assert name in results, "the case was not run"
    assert not results[name], "\n".join(results[name])

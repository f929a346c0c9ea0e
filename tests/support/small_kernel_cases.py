"""Test cases that run in the small kernel: it is booted once for a file of them, and each is a test outside.

Out of scope: the kernel itself (conformance/machines).
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from pathlib import Path

from small_kernel import run

from support.sources import REPOSITORY


def names_of(cases: Path) -> list[str]:
    """Return the names of the cases in a file."""
    lines = cases.read_text().splitlines()
    return [line[4:].partition("(")[0] for line in lines if line.startswith("def test_")]


def run_cases(
    cases: Path, share: Path, *, systemd: bool = False, memory: str = "512M", timeout_s: float = 120
) -> dict[str, list[str]]:
    """Run a file of cases in the small kernel; returns the faults of each, by its name without parameters.

    share: the directory that the kernel sees as /mnt.
    """
    command = ["env", f"PYTHONPATH={':'.join(sys.path)}", sys.executable, "-m", "pytest", str(cases)]
    options = ["-q", "-c", str(REPOSITORY / "pyproject.toml"), "-p", "no:cacheprovider", "--tb=short"]
    ended = run(
        [*command, *options, "--junitxml=/mnt/results.xml"],
        share=share,
        memory=memory,
        timeout_s=timeout_s,
        systemd=systemd,
    )
    report = share / "results.xml"
    assert report.exists(), ended.output
    found: dict[str, list[str]] = {}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314  # written by the pytest that ran there
        faults = found.setdefault(case.attrib["name"].partition("[")[0], [])
        faults += [child.text or child.tag for child in case if child.tag in ("failure", "error", "skipped")]
    return found

"""Test cases that run in a machine: it is booted once for a file of them, and each is a test outside.

Out of scope: the machine itself (conformance/machines).
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import small_kernel
from booting import Ended

from support.sources import REPOSITORY


def names_of(cases: Path) -> list[str]:
    """Return the names of the cases in a file."""
    lines = cases.read_text().splitlines()
    return [line[4:].partition("(")[0] for line in lines if line.startswith("def test_")]


def run_cases(
    cases: Path, share: Path, run: Callable[..., Ended] = small_kernel.run, **options: Any
) -> dict[str, list[str]]:
    """Run a file of cases in a machine; returns the faults of each, by its name without parameters.

    share: the directory that the machine sees as /mnt; run, options: the machine's and what it takes.
    """
    command = ["env", f"PYTHONPATH={':'.join(sys.path)}", sys.executable, "-m", "pytest", str(cases)]
    words = ["-q", "-c", str(REPOSITORY / "pyproject.toml"), "-p", "no:cacheprovider", "--tb=short"]
    ended = run(
        [*command, *words, "--junitxml=/mnt/results.xml"],
        share=share,
        **options,
    )
    report = share / "results.xml"
    assert report.exists(), ended.output
    found: dict[str, list[str]] = {}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314  # written by the pytest that ran there
        faults = found.setdefault(case.attrib["name"].partition("[")[0], [])
        faults += [child.text or child.tag for child in case if child.tag in ("failure", "error", "skipped")]
    return found

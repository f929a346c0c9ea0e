"""Test cases that run in a machine: it is booted once for a file of them, and each is a test outside.

The machines take minutes, most of it alone with one processor, so a process of their own boots one after the
other while the other tests run.  Run as a program, this file is that process.  Out of scope: the machines
themselves (conformance/machines).
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from booting import BootError

from support.sources import REPOSITORY

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet

Faults = dict[str, list[str]]
"""What is wrong with each case, by its name without parameters."""


class Boot:
    """A file of cases and the machine that they run in."""

    def __init__(self, cases: Path, machine: str = "small_kernel", **options: Any) -> None:
        """Have `cases` run in a machine of conformance/machines; `options` are its, of what JSON can say."""
        self.cases, self.machine, self.options = cases, machine, options


def cases_of(boot: Boot, *marks: pytest.MarkDecorator) -> list[ParameterSet]:
    """Return the parameters `boot` and `name` of the test of each case, with `marks`."""
    lines = boot.cases.read_text().splitlines()
    names = [line[4:].partition("(")[0] for line in lines if line.startswith("def test_")]
    return [
        pytest.param(boot, name, id=f"{boot.cases.stem}-{name}", marks=(pytest.mark.machine(boot), *marks))
        for name in names
    ]


class Boots:
    """Machines that run beside the tests, and what became of their cases."""

    def __init__(self, boots: Iterable[Boot]) -> None:
        """Boot them, in this order."""
        jobs = [[os.fspath(boot.cases), boot.machine, boot.options] for boot in boots]
        self._found: dict[str, Faults | str] = {}
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", sys.executable, __file__, json.dumps(jobs)],
            env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )

    def faults(self, boot: Boot, name: str) -> list[str]:
        """Wait for a machine and return what is wrong with a case of it."""
        assert self._process.stdout is not None
        path = os.fspath(boot.cases)
        while path not in self._found:
            line = self._process.stdout.readline()
            assert line, f"the process that boots machines has ended with {self._process.wait()}"
            self._found |= json.loads(line)
        found = self._found[path]
        return [found] if isinstance(found, str) else found.get(name, ["the case was not run"])

    def end(self) -> None:
        """Have no machine run any more."""
        self._process.kill()
        self._process.communicate()


def _run(cases: str, machine: str, options: dict[str, Any]) -> Faults:
    """Run a file of cases; raises BootError, and AssertionError where pytest did not get to an end."""
    command = ["env", f"PYTHONPATH={':'.join(sys.path)}", sys.executable, "-m", "pytest", cases]
    words = ["-v", "-c", str(REPOSITORY / "pyproject.toml"), "-p", "no:cacheprovider", "--tb=short"]
    with tempfile.TemporaryDirectory(prefix="krun-machine-") as folder:
        share = Path(folder)
        ended = importlib.import_module(machine).run(
            [*command, *words, "--junitxml=/mnt/results.xml"], share=share, **options
        )
        report = share / "results.xml"
        assert report.exists(), ended.output
        tree = ET.parse(report)  # noqa: S314  # written by the pytest that ran there
    found: Faults = {}
    for case in tree.iter("testcase"):
        faults = found.setdefault(case.attrib["name"].partition("[")[0], [])
        faults += [child.text or child.tag for child in case if child.tag in ("failure", "error", "skipped")]
    return found


def main(jobs: str) -> None:
    """Boot each machine, and say in a line of JSON for each what was found, or why nothing was."""
    for cases, machine, options in json.loads(jobs):
        found: Faults | str
        try:
            found = _run(cases, machine, options)
        except (BootError, AssertionError, OSError, subprocess.SubprocessError, ET.ParseError) as error:
            found = f"{type(error).__name__}: {error}"
        sys.stdout.write(json.dumps({cases: found}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])

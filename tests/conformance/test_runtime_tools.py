"""opencontainers/runtime-tools: every validation program, natively and with the payload in the VM.

conformance/runtime_tools says what they are, and known_failures.yaml which of their lines krun fails and why.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import programs
import pytest
import small_kernel
import tap
import verdict
from inside import TIMED_OUT
from support.sources import REPOSITORY
from trial import Trial

DRIVER = REPOSITORY / "conformance/runtime_tools"
TIMEOUT_S = 900  # of which building the programs for the first time takes a part


def trial(output: str, *, status: int = 0, left: tuple[str, ...] = ()) -> Trial:
    """Return a trial of a program that said this."""
    lines, errors = tap.parse(output)
    return Trial("program", status, tuple(lines), tuple(errors), output, "", left, 0.1)


def known(*patterns: str, racy: bool = False, machine: dict[str, str] | None = None) -> verdict.Known:
    """Return an entry of the known failures."""
    return verdict.Known("program", ("none",), patterns, racy, "because", machine or {}, ())


@pytest.mark.needs("root", "kvm", "go", "go-modules", "cgroup_v1")
def test_every_validation_program_ends_as_the_known_failures_say(krun: Path, tmp_path: Path) -> None:
    """No failure is unexplained, and no explained one passes unnoticed; with and without a VM alike."""
    report = tmp_path / "report.json"
    done = subprocess.run(
        [
            *[sys.executable, str(DRIVER), "--json", str(report)],
            *["--runtime", f"none={krun} --monitor none", "--strict", "none=none"],
            *["--runtime", f"vm={krun} --monitor builtin", "--strict", "vm=vm"],
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, f"{done.stderr}\n{done.stdout}"
    results: dict[str, dict[str, Any]] = json.loads(report.read_text())
    assert {name: len(outcomes) for name, outcomes in results.items()} == {"none": 58, "vm": 58}
    for outcomes in results.values():
        assert sum(len(outcome["lines"]) for outcome in outcomes.values()) > 4000


@pytest.mark.needs("root", "uml", "go", "go-modules")
def test_what_this_machine_may_lack_passes_where_it_is_there(krun: Path, tmp_path: Path) -> None:
    """A kernel with every capability: no failure is expected of these two, and strictness knows it."""
    cache = programs.default_cache()
    programs.obtain(cache)
    share = tmp_path / "share"
    share.mkdir()
    ended = small_kernel.run(
        [
            *["env", "TMPDIR=/run", sys.executable, str(DRIVER), "--cache", str(cache)],
            *["--runtime", f"none={krun} --monitor none", "--strict", "none=none"],
            *["process_capabilities", "linux_rootfs_propagation"],
        ],
        share=share,
    )
    assert ended.status == 0, ended.output
    assert "2 ok\n" in ended.output


def test_lines_and_diagnostics_are_read() -> None:
    """Results, skips, errors of programs that say nothing else, and what runtimetest said in a container."""
    output = (
        "TAP version 13\n"
        "ok 1 - first\n"
        'not ok 2 - second\n  ---\n  {\n    "error": "why\\nRefer to: x"\n  }\n  ...\n'
        "ok 3 # SKIP third\n"
        '  ---\n  {\n    "stdout": "ok 1 - a\\nnot ok 2 - b\\n"\n  }\n  ...\nnot ok 4 - fourth\n1..4\n'
    )
    lines, errors = tap.parse(output)
    assert lines == [
        ("ok", "first"),
        ("not ok", "second"),
        ("skip", "third"),
        ("not ok", "fourth"),
        ("not ok", "in the container: b"),
    ]
    assert errors == ["why\nRefer to: x"]


def test_a_program_fails_by_its_lines_its_status_its_time_or_its_only_error() -> None:
    """Silence alone is no failure: some programs speak only of what is wrong."""
    error = '  ---\n  {\n    "error": "order\\nRefer to: x"\n  }\n  ...\n1..0\n'
    assert verdict.failures(trial("not ok 1 - x\nok 2 - y\nnot ok 3 - x\n")) == ["x"]
    assert verdict.failures(trial("ok 1 - x\n", status=1)) == ["(exit status 1)"]
    assert verdict.failures(trial("", status=TIMED_OUT)) == ["(time is up)"]
    assert verdict.failures(trial(error)) == ["(error) order"]
    assert verdict.failures(trial("ok 1 - x\n" + error)) == []
    assert [verdict.verdict(trial(text)) for text in ("1..0\n", "ok 1 - x\n", "ok 1 # SKIP x\n", error)] == [
        "silent",
        "ok",
        "skipped",
        "not ok",
    ]


def test_known_failures_are_strict_in_both_directions() -> None:
    """An unexpected failure, an unexpected pass and a container left behind are each a line."""
    failing, passing = trial("not ok 1 - a b\n"), trial("ok 1 - a b\n")
    assert verdict.surprises([failing], [known("a *")], "none") == []
    assert verdict.surprises([failing], [], "none") == ["program: unexpected failure: a b"]
    assert verdict.surprises([failing], [known("a *")], "vm") == ["program: unexpected failure: a b"]
    assert verdict.surprises([failing], [known("a *", "c")], "none") == [
        "program: unexpected pass: c (because)"
    ]
    assert verdict.surprises([passing], [known("a *")], "none") == ["program: unexpected pass: a * (because)"]
    assert verdict.surprises([passing], [known("a *", racy=True)], "none") == []
    assert verdict.surprises([trial("ok 1 - x\n", left=("c1",))], [], "none") == [
        "program: left the container c1"
    ]
    assert verdict.surprises([trial("not ok 1 - a\n", left=("c1",))], [known("a")], "none") == []


def test_a_failure_of_the_machine_is_expected_only_there(tmp_path: Path) -> None:
    """Where the machine has what was missing, the program has to pass."""
    failing = trial("not ok 1 - a\n")
    missing = known("a", machine={"path": str(tmp_path / "missing")})
    present = known("a", machine={"path": str(tmp_path)})
    assert verdict.surprises([failing], [missing], "none") == []
    assert verdict.surprises([failing], [present], "none") == ["program: unexpected failure: a"]
    assert verdict.surprises([trial("ok 1 - a\n")], [present], "none") == []


def test_every_known_failure_has_a_reason_and_a_test_of_ours() -> None:
    """Nothing is excused without showing that krun does what the program meant."""
    entries = verdict.load_known()
    assert entries
    for entry in entries:
        assert entry.reason, entry.program
        assert entry.shown_by, entry.program
        assert set(entry.profiles) <= {"none", "vm"}
        for node in entry.shown_by:
            file, _, name = node.partition("::")
            assert f"def {name.rpartition('::')[2]}(" in (REPOSITORY / file).read_text(), node


def test_the_machine_is_looked_at_for_capabilities() -> None:
    """CAP_SYS_RESOURCE is what a test machine may lack; what a process has lost is no property of it."""
    bounding = int(Path("/proc/self/status").read_text().partition("CapBnd:")[2].split()[0], 16)
    entry = known("a", machine={"capability": "CAP_SYS_RESOURCE"})
    assert entry.applies() is not bool(bounding >> 24 & 1)

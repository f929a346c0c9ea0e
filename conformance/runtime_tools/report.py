"""The trials as tables: one row a program, one column a runtime; and where the first one differs.

Out of scope: judging (verdict.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import verdict
from trial import Trial

Results = Mapping[str, Sequence[Trial]]


def table(results: Results) -> str:
    """Return verdicts and the numbers of lines (ok/not ok/skipped) by program and runtime."""
    rows = [["program", *results]]
    programs = [trial.program for trial in next(iter(results.values()))]
    for number, program in enumerate(programs):
        rows.append([program, *(_cell(trials[number]) for trials in results.values())])
    rows.append(["", *(_total(trials) for trials in results.values())])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n"
        for row in rows
    )


def failing(results: Results) -> str:
    """Return every failure, by program and runtime."""
    return "".join(
        f"{name}: {trial.program}: {failure}\n"
        for name, trials in results.items()
        for trial in trials
        for failure in verdict.failures(trial)
    )


def differences(results: Results) -> str:
    """Return where the first runtime fails what another passes, and passes what another fails."""
    first, *others = results
    lines = []
    for other in others:
        for own, theirs in zip(results[first], results[other], strict=True):
            ours_failed, theirs_failed = set(verdict.failures(own)), set(verdict.failures(theirs))
            lines += [
                f"{own.program}: {first} fails, {other} does not: {f}"
                for f in sorted(ours_failed - theirs_failed)
            ]
            lines += [
                f"{own.program}: {other} fails, {first} does not: {f}"
                for f in sorted(theirs_failed - ours_failed)
            ]
    return "".join(f"{line}\n" for line in lines)


def as_json(results: Results) -> dict[str, object]:
    """Return everything, for a file."""
    return {
        name: {
            trial.program: {
                "verdict": verdict.verdict(trial),
                "failures": verdict.failures(trial),
                "status": trial.status,
                "lines": [list(line) for line in trial.lines],
                "stderr": trial.stderr,
                "left": list(trial.left),
                "seconds": round(trial.seconds, 2),
            }
            for trial in trials
        }
        for name, trials in results.items()
    }


def _cell(trial: Trial) -> str:
    counts = Counter(line.outcome for line in trial.lines)
    numbers = f" {counts['ok']}/{counts['not ok']}/{counts['skip']}" if trial.lines else ""
    return f"{verdict.verdict(trial)}{numbers}"


def _total(trials: Sequence[Trial]) -> str:
    counts = Counter(verdict.verdict(trial) for trial in trials)
    return ", ".join(f"{number} {name}" for name, number in counts.most_common())

"""Judges trials: ok or not, as known or not.

A program fails when one of its lines is `not ok`, when it exits with a status other than 0, when its time was
up, or when it says nothing but an error in a diagnostic.  Each of these is a *failure*, a line of text.
The known failures (known_failures.yaml) name for a program and a profile which failures are expected, and
why; the judgement is strict in both directions.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import yaml
from inside import TIMED_OUT
from trial import Trial

Verdict = Literal["ok", "not ok", "skipped", "silent"]
KNOWN = Path(__file__).resolve().parent / "known_failures.yaml"
_KEYS = frozenset(("program", "profiles", "failures", "racy", "machine", "cause", "reason", "shown_by"))
_CAPABILITIES = {"CAP_SYS_RESOURCE": 24}  # capability.h; those that known_failures.yaml names


class Known(NamedTuple):
    """One known failure of known_failures.yaml."""

    program: str
    profiles: tuple[str, ...]
    """Where it is expected: names of the configurations of krun that the file is about."""
    failures: tuple[str, ...]
    """Shell patterns: each matches at least one failure, and every failure is matched by one."""
    racy: bool
    """The failures may be absent: the program itself depends on who is first."""
    reason: str
    machine: Mapping[str, str]
    """What the machine lacks, if the failure is to be expected; empty: whatever the machine."""
    shown_by: tuple[str, ...]
    """Node ids of the project's own tests of what the program meant."""

    def applies(self) -> bool:
        """Tell whether the failure is to be expected on this machine."""
        if "capability" in self.machine:
            status = Path("/proc/self/status").read_text()
            bounding = int(status.partition("CapBnd:")[2].split()[0], 16)
            return not bounding >> _CAPABILITIES[self.machine["capability"]] & 1
        return "path" not in self.machine or not Path(self.machine["path"]).exists()


def failures(trial: Trial) -> list[str]:
    """Return what failed, without repetition, in order; empty for a program that passes or says nothing."""
    found = [line.text for line in trial.lines if line.outcome == "not ok"]
    if trial.status == TIMED_OUT:
        found.append("(time is up)")
    elif trial.status != 0:
        found.append(f"(exit status {trial.status})")
    if not trial.lines:
        found += [f"(error) {error.splitlines()[0]}" for error in trial.errors]
    return list(dict.fromkeys(found))


def verdict(trial: Trial) -> Verdict:
    """Return the outcome of a whole program; `silent`: it ended well and has not a single line."""
    if failures(trial):
        return "not ok"
    if not trial.lines:
        return "silent"
    return "ok" if any(line.outcome == "ok" for line in trial.lines) else "skipped"


def load_known(path: Path = KNOWN) -> list[Known]:
    """Read the known failures.  Raises ValueError for an entry that is not one, naming it."""
    known = []
    for number, entry in enumerate(yaml.safe_load(path.read_text()) or []):
        unknown = set(entry) - _KEYS
        if unknown or not all(entry.get(key) for key in ("program", "profiles", "failures", "reason")):
            raise ValueError(f"{path}: entry {number} ({entry.get('program')}): {sorted(unknown)}")
        known.append(
            Known(
                entry["program"],
                tuple(entry["profiles"]),
                tuple(entry["failures"]),
                bool(entry.get("racy", False)),
                entry["reason"],
                entry.get("machine", {}),
                tuple(entry.get("shown_by", ())),
            )
        )
    return known


def surprises(trials: Sequence[Trial], known: Sequence[Known], profile: str) -> list[str]:
    """Say where the trials of one runtime are not as the known failures of `profile` have it: a line each."""
    expected: Mapping[str, list[Known]] = {
        trial.program: [
            k for k in known if k.program == trial.program and profile in k.profiles and k.applies()
        ]
        for trial in trials
    }
    found = []
    for trial in trials:
        failed = failures(trial)
        patterns = [pattern for entry in expected[trial.program] for pattern in entry.failures]
        found += [
            f"{trial.program}: unexpected failure: {failure}"
            for failure in failed
            if not any(fnmatch.fnmatchcase(failure, pattern) for pattern in patterns)
        ]
        found += [
            f"{trial.program}: unexpected pass: {pattern} ({entry.reason.strip().splitlines()[0]})"
            for entry in expected[trial.program]
            if not entry.racy
            for pattern in entry.failures
            if not fnmatch.filter(failed, pattern)
        ]
        if not expected[trial.program]:  # one that fails may not get to its own cleaning up
            found += [f"{trial.program}: left the container {name}" for name in trial.left]
    return found

"""Reads what a validation program says: the Test Anything Protocol, as runtime-tools writes it.

Out of scope: what the lines mean for a runtime; that is verdict.py's.
"""

from __future__ import annotations

import json
import re
from typing import Literal, NamedTuple

Outcome = Literal["ok", "not ok", "skip"]

_LINE = re.compile(r"(?P<ok>ok|not ok)\b ?(?P<number>\d+)?(?: - | )?(?P<text>.*)")
_SKIP = re.compile(r"# skip\b:?\s*", re.IGNORECASE)
# Diagnostics are YAML blocks whose content is a JSON object.
_BLOCK = re.compile(r"^  ---\n(?P<text>.*?)^  \.\.\.$", re.MULTILINE | re.DOTALL)


class Line(NamedTuple):
    """One test line."""

    outcome: Outcome
    text: str
    """The description, without its number; of a skipped one with what stands behind the directive."""


def parse(output: str) -> tuple[list[Line], list[str]]:
    """Return the test lines, and the errors that stand in diagnostics.

    Some programs report a failure in no other way than by the `error` of a diagnostic.  Some run runtimetest
    in several containers and put its whole output into a diagnostic: what failed there is a line, too, which
    begins with `in the container: `.
    """
    lines: list[Line] = []
    errors: list[str] = []
    for raw in _BLOCK.sub("", output).splitlines():
        found = _LINE.fullmatch(raw)
        if found is None:
            continue
        text = found["text"]
        outcome: Outcome = "ok" if found["ok"] == "ok" else "not ok"
        if _SKIP.search(text) is not None:
            outcome, text = "skip", _SKIP.sub("", text)
        lines.append(Line(outcome, text.strip()))
    for block in _BLOCK.finditer(output):
        diagnostic = json.loads(block["text"])
        if diagnostic.get("error"):
            errors.append(diagnostic["error"])
        inner, _ = parse(diagnostic.get("stdout", ""))
        lines += [
            Line("not ok", f"in the container: {line.text}") for line in inner if line.outcome == "not ok"
        ]
    return lines, errors

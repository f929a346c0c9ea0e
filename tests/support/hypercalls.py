"""specs/hypercalls.yaml for programs of the tests that walk through all of its calls.

Out of scope: what the monitor makes of the table; that is csrc/vm/generate_hypercalls.py's business.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

PATH = Path(__file__).resolve().parents[2] / "specs" / "hypercalls.yaml"
NUMBERS = {"int", "uint", "long", "size", "flags", "mode", "address"}


def read_table() -> dict[str, Any]:
    """Return the table as it stands."""
    table: dict[str, Any] = yaml.safe_load(PATH.read_text())
    return table


def kind(text: str) -> str:
    """Return the letter of an argument's type: n number, d descriptor, p pointer, v vectors."""
    if text == "fd":
        return "d"
    if text in NUMBERS:
        return "n"
    return "v" if "iovec*" in text else "p"


def write_pointer_calls(target: Path) -> None:
    """Write a C initializer a line for each served call that has a pointer: number, name, letters."""
    lines = []
    for name, call in read_table()["calls"].items():
        kinds = "".join(kind(text) for text in call["args"].values())
        if call["serve"] != "refuse" and set(kinds) & {"p", "v"}:
            lines.append(f'{{ {call["nr"]}, "{name}", "{kinds}" }},\n')
    target.write_text("".join(lines))

"""Where a document is wrong and what is said about it: the words that the fast check and jsonschema share.

A place is a tuple of property names and array indices, counted from the document's root.

Out of scope: finding faults.
"""

from __future__ import annotations

from krun.spec.formats import FORMATS
from krun.sys.json import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    Place: TypeAlias = tuple[str | int, ...]
    Finding: TypeAlias = tuple[Place, str]

_SHOWN_CHARACTERS = 64


def json_path(place: Place) -> str:
    """Write a place as a JSON path: `$.mounts[3].options[0]`, `$.annotations["a.b"]`."""
    parts = ["$"]
    for step in place:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        elif step.isidentifier() and step.isascii():
            parts.append(f".{step}")
        else:
            parts.append(f"[{dumps(step)}]")
    return "".join(parts)


def shown(value: object) -> str:
    """Write a value into a message: on one line, whatever its size and depth."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    text = repr(value[:_SHOWN_CHARACTERS]) if isinstance(value, str) else dumps(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 3] + "..."


def complaint(keyword: str, expected: Any, value: object) -> str:
    """Say that `value` does not fulfil `keyword: expected` of the schema.

    keyword: any that the schema uses except `required`, whose complaint is MISSING at the absent property.
    """
    match keyword:
        case "type":
            article = "an" if expected[0] in "aeio" else "a"
            return f"must be {article} {expected}, got {shown(value)}"
        case "enum":
            names = ", ".join(name or '""' for name in expected)
            return f"must be one of {names}, got {shown(value)}"
        case "minimum":
            return f"must be at least {expected}, got {shown(value)}"
        case "maximum":
            return f"must be at most {expected}, got {shown(value)}"
        case "minItems" | "minLength" if expected == 1:
            return "must not be empty"
        case "maxItems" if expected == 0:
            return "must be empty: no value is supported"
        case "minItems" | "maxItems":
            return f"must have at {_bound(keyword)} {expected} entries"
        case "minLength" | "maxLength":
            return f"must have at {_bound(keyword)} {expected} characters"
        case "format":
            return f"{FORMATS[expected][1]}, got {shown(value)}"
    raise AssertionError(f"specs/config.yaml uses {keyword}, which has no words")


def _bound(keyword: str) -> str:
    return "least" if keyword.startswith("min") else "most"


MISSING = "is missing"
"""The complaint about an absent property."""

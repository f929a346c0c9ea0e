"""Check a document against specs/config.yaml with jsonschema, in the words of the fast check.

Too slow to import for a container's life; `krun validate` uses it, and the tests hold the fast check to it.

Out of scope: rules about several properties (`rules`).
"""

from __future__ import annotations

import os

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.validators import extend

from krun.spec.faults import MISSING, complaint
from krun.spec.formats import FORMATS
from krun.sys.yaml import load_yaml

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from jsonschema import TypeChecker, ValidationError

    from krun.spec.faults import Finding, Place

CONFIG = "#"
"""The whole document: config.json."""
PROCESS = "#/$defs/Process"
"""`process`, and the document of `exec --process`."""
RESOURCES = "#/$defs/Resources"
"""`linux.resources`, and the document of `update --resources`."""

_NAME = "propertyNames"
_PATH = os.path.join(os.path.dirname(os.path.dirname(__file__)), "specs", "config.yaml")


def _is_integer(_checker: TypeChecker, value: object) -> bool:
    """Take Go's view of integers: 1.0 is none, and neither is true."""
    return type(value) is int


def _format_checker() -> FormatChecker:
    checker = FormatChecker(formats=())
    for name, (predicate, _) in FORMATS.items():
        # Formats say nothing about values that are not strings; those have a fault of type.
        checker.checks(name)(lambda value, ok=predicate: not isinstance(value, str) or ok(value))
    return checker


class SchemaCheck:
    """The schema of one kind of document, ready to check."""

    def __init__(self, part: str) -> None:
        """Load the part CONFIG, PROCESS or RESOURCES of specs/config.yaml."""
        with open(_PATH, "rb") as file:
            schema = load_yaml(file.read())
        if part != CONFIG:
            schema = {"$id": schema["$id"], "$defs": schema["$defs"], "$ref": part}
        types = Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer)
        validator = extend(Draft202012Validator, type_checker=types)  # type: ignore[no-untyped-call]  # jsonschema
        validator.check_schema(schema)
        self._validator = validator(schema, format_checker=_format_checker())

    def faults(self, document: object) -> list[Finding]:
        """Return every fault of the document, each once; a value of the wrong type has no other fault."""
        faults: dict[tuple[Place, str], str] = {}
        mistyped: set[Place] = set()
        for error in self._validator.iter_errors(document):
            # What is wrong with a property's name says nothing of its value, though both have the same place.
            about = f"{_NAME} " if _NAME in error.absolute_schema_path else ""
            keyword = f"{about}{error.validator}"
            for place, message in _findings(error):
                faults.setdefault((place, keyword), message)
                if keyword == "type":
                    mistyped.add(place)
        return [
            (place, message)
            for (place, keyword), message in faults.items()
            if keyword == "type" or keyword.startswith(_NAME) or place not in mistyped
        ]


def _findings(error: ValidationError) -> Iterator[Finding]:
    """Place an error as the fast check does: on the absent property, and on the one whose name is wrong."""
    place: Place = tuple(error.absolute_path)
    value: Any = error.instance
    expected: Any = error.validator_value
    if error.validator == "required":
        yield from (((*place, name), MISSING) for name in expected if name not in value)
        return
    if _NAME in error.absolute_schema_path:
        place = (*place, value)
    yield place, complaint(str(error.validator), expected, value)

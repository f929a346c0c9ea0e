"""Check a document against the compiled schema: the fast path of `create`, without jsonschema, yaml or re.

The schema is specs/config.yaml, which the build compiles into krun/spec/_schema.py: the same dictionaries,
with every `$ref` replaced by what it refers to.  The schema uses no keyword but those interpreted here.

Out of scope: what needs more than one property to judge (`rules`), and building records (`build`).
"""

from __future__ import annotations

from krun.spec.faults import MISSING, complaint
from krun.spec.formats import FORMATS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from krun.spec.faults import Finding, Place

_PYTHON_TYPES: Mapping[str, object] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
}


def check(schema: Mapping[str, Any], document: object) -> list[Finding]:
    """Return every fault of the document, in the schema's order; empty when there is none."""
    faults: list[Finding] = []
    _check(schema, document, [], faults)
    return faults


def _check(schema: Mapping[str, Any], value: Any, trail: list[str | int], faults: list[Finding]) -> None:
    kind = schema["type"]
    if type(value) is not _PYTHON_TYPES[kind]:  # type(), because a bool is an int to isinstance()
        faults.append((tuple(trail), complaint("type", kind, value)))
    elif kind == "string":
        _check_string(schema, value, tuple(trail), faults)
    elif kind == "integer":
        if value < schema.get("minimum", value):
            faults.append((tuple(trail), complaint("minimum", schema["minimum"], value)))
        if value > schema.get("maximum", value):
            faults.append((tuple(trail), complaint("maximum", schema["maximum"], value)))
    elif kind == "object":
        _check_object(schema, value, trail, faults)
    elif kind == "array":
        _check_array(schema, value, trail, faults)


def _check_string(schema: Mapping[str, Any], value: str, place: Place, faults: list[Finding]) -> None:
    name = schema.get("format")
    if name is not None and not FORMATS[name][0](value):
        faults.append((place, complaint("format", name, value)))
    names = schema.get("enum")
    if names is not None and value not in names:
        faults.append((place, complaint("enum", names, value)))
    if len(value) < schema.get("minLength", 0):
        faults.append((place, complaint("minLength", schema["minLength"], value)))
    longest = schema.get("maxLength")
    if longest is not None and len(value) > longest:
        faults.append((place, complaint("maxLength", longest, value)))


def _check_array(
    schema: Mapping[str, Any], value: list[Any], trail: list[str | int], faults: list[Finding]
) -> None:
    if len(value) < schema.get("minItems", 0):
        faults.append((tuple(trail), complaint("minItems", schema["minItems"], value)))
    if len(value) > schema.get("maxItems", len(value)):
        faults.append((tuple(trail), complaint("maxItems", schema["maxItems"], value)))
    items = schema["items"]
    for index, item in enumerate(value):
        trail.append(index)
        _check(items, item, trail, faults)
        trail.pop()


def _check_object(
    schema: Mapping[str, Any], value: dict[str, Any], trail: list[str | int], faults: list[Finding]
) -> None:
    faults.extend(((*trail, name), MISSING) for name in schema.get("required", ()) if name not in value)
    properties = schema.get("properties", {})
    names, others = schema.get("propertyNames"), schema.get("additionalProperties")
    for name, item in value.items():
        inner = properties.get(name, others)
        trail.append(name)
        if names is not None:
            _check_string(names, name, tuple(trail), faults)
        if inner is not None:
            _check(inner, item, trail, faults)
        trail.pop()

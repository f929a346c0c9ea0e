"""The model, the schema and the property names agree on what a configuration holds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from krun.spec import model
from krun.spec._schema import CONFIG
from krun.spec.build import build, property_name
from krun.spec.load import load
from krun.types import Record

EVERYTHING = Path(__file__).parents[2] / "data" / "everything.config.json"


def objects(
    schema: Mapping[str, Any], document: Any, at: str = "$"
) -> Iterator[tuple[str, set[str], set[str]]]:
    """Yield every object with properties: its path, the schema's property names, those of the document."""
    if schema["type"] == "object":
        properties = schema.get("properties", {})
        if properties:
            yield at, set(properties), set(document)
        others = schema.get("additionalProperties")
        for name, value in document.items():
            yield from objects(properties.get(name, others), value, f"{at}.{name}")
    elif schema["type"] == "array":
        for index, value in enumerate(document):
            yield from objects(schema["items"], value, f"{at}[{index}]")


def as_document(value: Any) -> Any:
    """Write a record back as the JSON that it came from, with every field in it."""
    if isinstance(value, Record):
        return {property_name(field): as_document(getattr(value, field)) for field in value._fields}
    if isinstance(value, tuple):
        return [as_document(item) for item in value]
    if isinstance(value, Mapping):
        return {key: as_document(item) for key, item in value.items()}
    return value


def assert_contains(found: Any, expected: Any, at: str = "$") -> None:
    """Every property of `expected` stands in `found` with the same value."""
    if isinstance(expected, dict):
        for key, value in expected.items():
            assert key in found, f"{at}.{key}"
            assert_contains(found[key], value, f"{at}.{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), at
        for index, value in enumerate(expected):
            assert_contains(found[index], value, f"{at}[{index}]")
    else:
        assert found == expected, at


def test_the_test_configuration_uses_every_property_of_the_schema() -> None:
    """What the tests call everything is everything."""
    document = json.loads(EVERYTHING.read_bytes())
    seen: dict[str, tuple[set[str], set[str]]] = {}
    for at, known, used in objects(CONFIG, document):
        assert used <= known, at
        general = "".join(c for c in at if not c.isdigit())
        seen[general] = (known, seen.get(general, (known, set()))[1] | used)
    # A hook of one point stands for those of all.
    complete = {at: used == known for at, (known, used) in seen.items() if "hooks." not in at}
    assert [at for at, whole in complete.items() if not whole] == []
    assert seen["$.hooks.prestart[]"][0] == seen["$.hooks.prestart[]"][1]


def test_every_property_reaches_the_model_unchanged() -> None:
    """No property of config.md, config-linux.md and config-vm.md is lost between the JSON and the records."""
    document = json.loads(EVERYTHING.read_bytes())
    assert_contains(as_document(load(EVERYTHING.read_bytes())), document)


@pytest.mark.parametrize(
    "record",
    [r for r in vars(model).values() if isinstance(r, type) and issubclass(r, Record) and r is not Record],
    ids=lambda record: record.__name__,
)
def test_records_refuse_assignment(record: type[Record]) -> None:
    """A configuration does not change once it is loaded."""
    empty = object.__new__(record)
    with pytest.raises(AttributeError, match="read-only"):
        empty.anything = 1  # type: ignore[attr-defined]


def test_absent_objects_equal_empty_ones() -> None:
    """`{}` and an absent object are the same to everything above the model."""
    bare = {"ociVersion": "1.0.0", "root": {"path": "r"}}
    spelled_out = {**bare, "linux": {"resources": {"memory": {}}}, "hooks": {}, "mounts": []}
    assert build(model.Spec, bare) == build(model.Spec, spelled_out)


def test_a_namespace_without_path_is_new() -> None:
    """If `path` is not specified, the runtime MUST create a new container namespace of type `type`."""
    linux = build(model.Linux, {"namespaces": [{"type": "pid"}, {"type": "uts", "path": "/proc/1/ns/uts"}]})
    pid, uts = linux.namespace("pid"), linux.namespace("uts")
    assert pid is not None
    assert pid.is_new
    assert uts is not None
    assert not uts.is_new
    assert linux.namespace("ipc") is None


@pytest.mark.parametrize(("options", "expected"), [((), False), (("ro",), False), (("ro", "rbind"), True)])
def test_a_mount_is_a_bind_mount_by_its_options(options: tuple[str, ...], expected: bool) -> None:
    """A mount is a bind mount if it has either `bind` or `rbind` in the options."""
    assert model.Mount("/x", type="bind", options=options).is_bind is expected

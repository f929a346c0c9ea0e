"""Turn a checked document into records: `krun.spec.model` says what there is, this module how JSON spells it.

A record's annotations are its definition: a field is found in the document under its name in camelCase, and
built as its annotation says.  So a property of the specification is written down once, in the model.

`document_of` is the way back, for what krun keeps on disk.
Out of scope: documents that were not checked; what is wrong in them ends in a KeyError or worse.
"""

from __future__ import annotations

from krun.spec import model
from krun.types import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeVar

    R = TypeVar("R", bound=Record)

_ACRONYMS: Mapping[str, str] = {
    "block_io": "blockIO",
    "class_": "class",
    "class_id": "classID",
    "clos_id": "closID",
    "container_id": "containerID",
    "disable_oom_killer": "disableOOMKiller",
    "exec_cpu_affinity": "execCPUAffinity",
    "first_gfn": "firstGFN",
    "first_mfn": "firstMFN",
    "host_id": "hostID",
    "kernel_tcp": "kernelTCP",
    "nr_mfns": "nrMFNs",
    "throttle_read_iops_device": "throttleReadIOPSDevice",
    "throttle_write_iops_device": "throttleWriteIOPSDevice",
}
"""Fields whose property is not simply their name in camelCase."""

_SCALARS = frozenset(("str", "int", "bool"))


def build(record: type[R], document: Mapping[str, Any]) -> R:
    """Build a record of that class from an object that the schema accepts; unknown properties are ignored."""
    annotations = record.__annotations__
    values = {}
    for field in record._fields:
        name = property_name(field)
        if name in document:
            values[field] = _value(annotations[field], document[name])
    return record(**values)


def document_of(record: Record) -> dict[str, Any]:
    """Return the object from which `build` makes this record; what has its default is left out."""
    document = {}
    for field in record._fields:
        value = getattr(record, field)
        if not hasattr(type(record), field) or value != getattr(type(record), field):
            document[property_name(field)] = _plain(value)
    return document


def _plain(value: Any) -> Any:
    """Return a field's value in JSON's types."""
    if isinstance(value, Record):
        return document_of(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def property_name(field: str) -> str:
    """Return the specification's name of a field: `oom_score_adj` is `oomScoreAdj`."""
    if "_" not in field:
        return field
    acronym = _ACRONYMS.get(field)
    if acronym is not None:
        return acronym
    first, *others = field.split("_")
    return first + "".join(word.capitalize() for word in others)


def _value(annotation: str, value: Any) -> Any:
    """Build a value from what the model's annotation says, the text that `from __future__` makes of it."""
    kind = annotation.removesuffix(" | None")
    if kind in _SCALARS:
        return value
    if kind.startswith("tuple["):
        item = kind[len("tuple[") : -len(", ...]")]
        return tuple(value) if item in _SCALARS else tuple([_value(item, entry) for entry in value])
    if kind.startswith("Mapping[str, "):
        item = kind[len("Mapping[str, ") : -len("]")]
        return value if item in _SCALARS else {key: _value(item, entry) for key, entry in value.items()}
    return build(getattr(model, kind), value)

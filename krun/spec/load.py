"""Read configurations: bytes of JSON become records, or one error that names every fault by its JSON path.

Out of scope: what the host or this version of krun can do about a configuration; that is for the plan.
"""

from __future__ import annotations

import errno

from krun import os
from krun.errors import Fault, KrunError, SpecError, symbol
from krun.spec._schema import CONFIG, PROCESS, RESOURCES
from krun.spec.build import build
from krun.spec.check import check
from krun.spec.faults import json_path
from krun.spec.model import Process, Resources, Spec
from krun.spec.rules import CONFIG_RULES, PROCESS_RULES, RESOURCES_RULES, apply
from krun.sys.files import read_document
from krun.sys.json import JsonError, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, TypeVar

    from krun.spec.rules import Rule
    from krun.types import Record

    R = TypeVar("R", bound=Record)


def load_bundle(bundle: str, config: str = "config.json") -> Spec:
    """Read a bundle's configuration.

    bundle: the bundle's directory.  config: the file in it, or an absolute path.
    Raises KrunError when it cannot be read or is not JSON, SpecError with every fault when it is wrong.
    """
    path = os.path.join(bundle, config)
    return load(read_config(path), path)


def read_config(path: str) -> bytes:
    """Return the bytes of a configuration.  Raises KrunError naming the file when it cannot be read."""
    try:
        return read_document(path)
    except OSError as error:
        # Without strerror: dockerd would take "no such file" for a program that the container lacks.
        why = "is missing" if error.errno == errno.ENOENT else f"cannot be read: {symbol(error)}"
        raise KrunError(f"configuration {path} {why}") from None


def load(data: bytes, name: str = "config.json") -> Spec:
    """Turn the bytes of a config.json into a Spec.

    name: what to call it in an error.
    Raises KrunError when they are not JSON (with line and column), SpecError with every fault.
    """
    return _load(data, name, Spec, CONFIG, CONFIG_RULES)


def load_process(data: bytes) -> Process:
    """Turn a document of the form of `process` into a Process.  Raises as `load` does."""
    return _load(data, "process", Process, PROCESS, PROCESS_RULES)


def load_resources(data: bytes) -> Resources:
    """Turn a document of the form of `linux.resources` into Resources.  Raises as `load` does."""
    return _load(data, "resources", Resources, RESOURCES, RESOURCES_RULES)


def _load(data: bytes, name: str, record: type[R], schema: Mapping[str, Any], rules: Sequence[Rule]) -> R:
    document = parse(data, name)
    faults = check(schema, document)
    faults += apply(rules, document, faults)
    if faults:
        raise SpecError([Fault(json_path(place), message) for place, message in faults])
    return build(record, document)


def parse(data: bytes, name: str) -> Any:
    """Parse JSON, without the properties that are null.

    Clients written in Go spell an absent list or object as null, and every runtime takes it as absent.
    Raises KrunError `name: invalid JSON: line 3 column 5: reason`.
    """
    try:
        return _without_nulls(loads(data))
    except JsonError as error:
        raise KrunError(f"{name}: invalid JSON: {error}") from None


def _without_nulls(value: Any) -> Any:
    if type(value) is dict:
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if type(value) is list and value and type(value[0]) is dict:
        return [_without_nulls(item) for item in value]
    return value

"""The records of the operations and csrc/include/kr/ops.h say the same."""

from __future__ import annotations

from typing import Any, get_args, get_origin, get_type_hints

import pytest

from krun.plan import ops
from krun.sys import native

CLASSES = {
    value.OP: value
    for value in vars(ops).values()
    if isinstance(value, type) and issubclass(value, ops.Operation) and value is not ops.Operation
}
TYPES = {"u": int, "i": int, "s": str, "b": bytes, "S": tuple}


def test_there_is_a_record_for_every_operation() -> None:
    """Nothing that krun-init can do is missing in Python, and nothing in Python is unknown to krun-init."""
    assert set(CLASSES) == set(native.op_table())


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_fields_are_the_operands_of_the_header(name: str) -> None:
    """Fields stand in the order of the operands, under their names."""
    _, _, operands = native.op_table()[name]
    assert CLASSES[name]._fields == operands


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_fields_have_the_types_of_the_signature(name: str) -> None:
    """A field has the type that its letter encodes; a filter is a profile until it is compiled."""
    _, signature, operands = native.op_table()[name]
    hints = get_type_hints(CLASSES[name], vars(ops) | {"SeccompProfile": bytes})
    for letter, operand in zip(signature, operands, strict=True):
        assert plain_type(hints[operand]) is TYPES[letter], operand


def plain_type(hint: Any) -> Any:
    """Return the type behind `tuple[str, ...]` and `X | None`."""
    alternatives = [alternative for alternative in get_args(hint) if alternative is not type(None)]
    if get_origin(hint) is tuple:
        return tuple
    return alternatives[0] if alternatives else hint

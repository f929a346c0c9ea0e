"""JSON without the json package: the same language, stricter where bytes would be lost."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krun.sys.json import JsonError, dumps, loads

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES, st.sampled_from([None, 0, 1, 2]))
def test_it_writes_what_the_json_package_writes(value: Any, indent: int | None) -> None:
    """Clients cannot tell the two apart."""
    separators = (",", ":") if indent is None else None
    assert dumps(value, indent) == json.dumps(value, indent=indent, separators=separators)


@given(VALUES)
def test_what_was_written_is_read_back(value: Any) -> None:
    """Text and bytes give the value that was written."""
    text = dumps(value)
    assert loads(text) == value
    assert loads(text.encode()) == value


@given(st.text('{}[]",:0123456789.eE+-truefalsn \n\\ud8C', max_size=12))
def test_it_takes_and_refuses_what_the_json_package_does(text: str) -> None:
    """On any text both agree, but for what only krun refuses."""
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(JsonError):
            loads(text)
        return
    try:
        assert loads(text) == expected
    except JsonError as error:
        assert error.reason.endswith("half of a surrogate pair")  # noqa: PT017  # the other outcome is agreement


@pytest.mark.parametrize(
    ("data", "line", "column", "reason"),
    [
        (b"", 1, 1, "the document is empty"),
        (b'{"a": 1,\n "b" 2}', 2, 6, "expecting ':' delimiter"),
        (b"{}\n{}", 2, 1, "extra data"),
        (b'\n ["NaN", NaN]', 2, 10, "NaN is not a JSON value"),
        (b'{"a\\"b": -Infinity}', 1, 10, "-Infinity is not a JSON value"),
        (b'{"a":\n"\xff"}', 2, 2, "byte 0xff is not UTF-8"),
        (b"\xef\xbb\xbf{}", 1, 1, "begins with a byte order mark; save it as plain UTF-8"),
        (b'["\\ud83d\\ude00", "\\ud83d"]', 1, 19, "\\ud83d is half of a surrogate pair"),
        (b'["\\\\ud83d \\uDC00"]', 1, 11, "\\uDC00 is half of a surrogate pair"),
        (b"[" * 100_000, 1, 1, "nested too deeply"),
    ],
    ids=lambda value: "deep" if isinstance(value, bytes) and len(value) > 99 else None,
)
def test_errors_have_a_line_and_a_column(data: bytes, line: int, column: int, reason: str) -> None:
    """Where a person has to look, counted from 1."""
    with pytest.raises(JsonError) as caught:
        loads(data)
    assert (caught.value.line, caught.value.column, caught.value.reason) == (line, column, reason)
    assert str(caught.value) == f"line {line} column {column}: {reason}"


def test_an_endless_number_is_refused() -> None:
    """Python converts no integer of more than 4300 digits."""
    with pytest.raises(JsonError, match="limit"):
        loads("9" * 5000)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_lacks_are_not_written(value: float) -> None:
    """What is written can be read by anybody."""
    with pytest.raises(ValueError, match="not a JSON value"):
        dumps([value])


@pytest.mark.parametrize("value", [object(), {1: 2}, b"x"])
def test_other_types_are_not_written(value: object) -> None:
    """Only the seven kinds of JSON values are."""
    with pytest.raises(TypeError):
        dumps(value)


def test_it_does_not_import_the_json_package() -> None:
    """That is why it exists."""
    program = (
        "import sys; from krun.sys.json import dumps, loads; loads(dumps({'a': [1]}));"
        "print(sorted(set(sys.modules) & {'json', 're', 'enum'}))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:] = {sys.path!r}; {program}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"

"""JSON without the `json` package, whose import of `re` costs more than a whole `krun state`.

`loads` and `dumps` use the C parts that the package itself is made of.  To say exactly where a document is
wrong, the package is imported after all.  Stricter than the package: NaN, Infinity, lone surrogates and bytes
that are not UTF-8 are refused.

Out of scope: streams, custom types, anything but the seven kinds of JSON value.
"""

from __future__ import annotations

from krun.errors import KrunError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Never

    def _quote(text: str, /) -> str: ...
    def _make_scanner(context: object, /) -> Callable[[str, int], tuple[Any, int]]: ...
else:
    from _json import encode_basestring_ascii as _quote
    from _json import make_scanner as _make_scanner

_WHITESPACE = " \t\n\r"


class JsonError(KrunError):
    """The text is not JSON.  `line` and `column` count from 1; `reason` says what is wrong there."""

    def __init__(self, reason: str, line: int, column: int) -> None:
        """Build `line 3 column 7: reason`."""
        super().__init__(f"line {line} column {column}: {reason}")
        self.reason, self.line, self.column = reason, line, column


def loads(data: bytes | str) -> Any:
    """Parse one JSON document; the last of several equal keys wins.

    Raises JsonError for what is not JSON, not UTF-8, begins with a byte order mark, or is nested too deeply.
    """
    text = data if isinstance(data, str) else _decode(data)
    bare = text.strip(_WHITESPACE)
    scan = _make_scanner(_Strict())
    try:
        value, end = scan(bare, 0)
    except _UnknownConstant as constant:
        raise _error(text, _outside_strings(text, str(constant)), f"{constant} is not a JSON value") from None
    except RecursionError:
        raise JsonError("nested too deeply", 1, 1) from None
    except (ValueError, StopIteration, SystemError):
        # SystemError: up to Python 3.12 the C scanner raises nothing at all unless json.decoder is imported.
        raise _explain(text) from None
    if end != len(bare):
        raise _explain(text)
    if "\\ud" in text or "\\uD" in text:
        _refuse_lone_surrogates(text)
    return value


def dumps(value: object, indent: int | None = None) -> str:
    """Write a value as JSON, in ASCII.

    value: dict with string keys, list, tuple, str, int, float, bool or None, nested at will.
    indent: spaces per level, one entry a line; None writes everything on one line without spaces.
    Raises TypeError for other types and ValueError for a float that JSON does not have.
    """
    parts: list[str] = []
    _write(value, parts, indent, "\n")
    return "".join(parts)


class _UnknownConstant(Exception):
    """NaN, Infinity or -Infinity, which Python's scanner would take."""


def _refuse_constant(name: str) -> Never:
    raise _UnknownConstant(name)


class _Strict:
    """What the scanner asks of its context."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = staticmethod(_refuse_constant)


def _decode(data: bytes) -> str:
    if data.startswith(b"\xef\xbb\xbf"):
        raise JsonError("begins with a byte order mark; save it as plain UTF-8", 1, 1)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        raise _error(before, len(before), f"byte 0x{data[error.start]:02x} is not UTF-8") from None


def _error(text: str, position: int, reason: str) -> JsonError:
    line = text.count("\n", 0, position) + 1
    return JsonError(reason, line, position - text.rfind("\n", 0, position))


def _explain(text: str) -> JsonError:
    """Let the package say what is wrong, as the C scanner does not know lines."""
    import json

    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        reason = error.msg[:1].lower() + error.msg[1:]
        return JsonError("the document is empty" if text.strip() == "" else reason, error.lineno, error.colno)
    except ValueError as error:  # an integer of more digits than Python converts
        return JsonError(str(error).partition(":")[0].lower(), 1, 1)
    raise AssertionError("the two scanners disagree")


def _outside_strings(text: str, word: str) -> int:
    """Return where `word` first stands outside of a string."""
    position, in_string = 0, False
    while in_string or not text.startswith(word, position):
        if in_string and text[position] == "\\":
            position += 1
        elif text[position] == '"':
            in_string = not in_string
        position += 1
    return position


def _refuse_lone_surrogates(text: str) -> None:
    """Refuse half of a surrogate pair: no file name, argument or output could carry it."""
    position, high = text.find("\\"), -1
    while position != -1:
        code = int(text[position + 2 : position + 6], 16) if text[position + 1] == "u" else 0
        follows = high != -1 and position == high + 6
        if high != -1 and not (follows and 0xDC00 <= code < 0xE000):
            break
        if high == -1 and 0xDC00 <= code < 0xE000:
            high = position
            break
        high = position if 0xD800 <= code < 0xDC00 else -1
        position = text.find("\\", position + (6 if text[position + 1] == "u" else 2))
    if high != -1:
        raise _error(text, high, f"{text[high : high + 6]} is half of a surrogate pair")


def _write(value: object, parts: list[str], indent: int | None, line_end: str) -> None:
    if value is None:
        parts.append("null")
    elif value is True:
        parts.append("true")
    elif value is False:
        parts.append("false")
    elif isinstance(value, str):
        parts.append(_quote(value))
    elif isinstance(value, int):
        parts.append(int.__repr__(value))
    elif isinstance(value, float):
        if value - value != 0.0:  # NaN or infinite
            raise ValueError(f"{value!r} is not a JSON value")
        parts.append(float.__repr__(value))
    elif isinstance(value, dict):
        _write_object(value, parts, indent, line_end)
    elif isinstance(value, list | tuple):
        _write_array(value, parts, indent, line_end)
    else:
        raise TypeError(f"{type(value).__name__} is not a JSON value")


def _write_object(value: dict[Any, Any], parts: list[str], indent: int | None, line_end: str) -> None:
    if not value:
        parts.append("{}")
        return
    inner, colon = (line_end + " " * indent, ": ") if indent is not None else ("", ":")
    separator = "{"
    for key, item in value.items():
        if not isinstance(key, str):
            raise TypeError(f"a key is {type(key).__name__}, not a string")
        parts += (separator, inner, _quote(key), colon)
        _write(item, parts, indent, inner)
        separator = ","
    parts.append(line_end + "}" if indent is not None else "}")


def _write_array(
    value: list[Any] | tuple[Any, ...], parts: list[str], indent: int | None, line_end: str
) -> None:
    if not value:
        parts.append("[]")
        return
    inner = line_end + " " * indent if indent is not None else ""
    separator = "["
    for item in value:
        parts += (separator, inner)
        _write(item, parts, indent, inner)
        separator = ","
    parts.append(line_end + "]" if indent is not None else "]")

"""Values in GVariant's text format, as annotations give the properties of a systemd unit.

    'text'  "text"  true  -5  uint32 7  1.5  ['a', 'b']  (1, 'x')  {'key': <5>}  @as []

A number without a type is an int32, one with a point or an exponent a double.
Out of scope: bytestrings (b'...'), maybe types, and everything that D-Bus has no type for.
Source: GLib, "GVariant Text Format".
"""

from __future__ import annotations

from krun.types import Record

_NAMED = {
    "boolean": "b",
    "byte": "y",
    "int16": "n",
    "uint16": "q",
    "int32": "i",
    "uint32": "u",
    "handle": "h",
    "int64": "x",
    "uint64": "t",
    "double": "d",
    "string": "s",
    "objectpath": "o",
    "signature": "g",
}
_RANGES = {
    "y": (0, 0xFF),
    "n": (-(1 << 15), (1 << 15) - 1),
    "q": (0, 0xFFFF),
    "i": (-(1 << 31), (1 << 31) - 1),
    "u": (0, 0xFFFFFFFF),
    "x": (-(1 << 63), (1 << 63) - 1),
    "t": (0, (1 << 64) - 1),
}
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\n": ""}
_SPACE = " \t\n\r"
_DEEPEST = 16


class Variant(Record):
    """A value with its D-Bus type."""

    signature: str
    value: object
    """bool, int, float, str, a list, a tuple, a dict, or for a variant a pair (signature, value)."""


def parse_variant(text: str) -> Variant:
    """Parse one value.  Raises ValueError that says what is wrong and where."""
    reader = _Reader(text)
    found = reader.value("", 0)
    if reader.peek() != "":
        raise reader.wrong("has more than one value")
    return found


class _Reader:
    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0

    def peek(self) -> str:
        """Skip white space; return the next character, "" at the end."""
        while self._text[self._at : self._at + 1] in tuple(_SPACE):
            self._at += 1
        return self._text[self._at : self._at + 1]

    def wrong(self, what: str) -> ValueError:
        return ValueError(f"{what} at character {self._at}")

    def value(self, wanted: str, depth: int) -> Variant:
        """Parse a value of the type `wanted`, "" for what it is by itself."""
        if depth > _DEEPEST:
            raise self.wrong("is nested too deeply")
        first = self.peek()
        found: Variant
        if first == "@":
            self._at += 1
            return self.value(self._word(also="(){}"), depth)
        if first in ("'", '"'):
            found = Variant("s" if wanted not in ("o", "g") else wanted, self._string(first))
        elif first == "[":
            found = self._array(wanted, depth)
        elif first == "(":
            found = self._tuple(wanted, depth)
        elif first == "{":
            found = self._dictionary(wanted, depth)
        elif first == "<":
            self._at += 1
            inner = self.value("", depth + 1)
            self._expect(">")
            found = Variant("v", (inner.signature, inner.value))
        elif first.isalpha():
            found = self._named(depth)
        else:
            found = self._number(wanted)
        if wanted not in ("", found.signature):
            raise self.wrong(f"has type {found.signature} instead of {wanted}")
        return found

    def _expect(self, character: str) -> None:
        if self.peek() != character:
            raise self.wrong(f"lacks a {character!r}")
        self._at += 1

    def _word(self, also: str = "") -> str:
        begin = self._at
        while self._at < len(self._text) and (self._text[self._at].isalnum() or self._text[self._at] in also):
            self._at += 1
        return self._text[begin : self._at]

    def _named(self, depth: int) -> Variant:
        word = self._word()
        if word in ("true", "false"):
            return Variant("b", word == "true")
        if word not in _NAMED:
            raise self.wrong(f"has the unknown word {word!r}")
        return self.value(_NAMED[word], depth + 1)

    def _string(self, quote: str) -> str:
        self._at += 1
        parts: list[str] = []
        while (character := self._text[self._at : self._at + 1]) != quote:
            if character == "":
                raise self.wrong("has a string without an end")
            self._at += 1
            if character == "\\":
                escaped = self._text[self._at : self._at + 1]
                self._at += 1
                character = self._code(escaped) if escaped in ("u", "U") else _ESCAPES.get(escaped, escaped)
            parts.append(character)
        self._at += 1
        return "".join(parts)

    def _code(self, kind: str) -> str:
        size = 4 if kind == "u" else 8
        digits = self._text[self._at : self._at + size]
        self._at += size
        try:
            return chr(int(digits, 16))
        except (ValueError, OverflowError):
            raise self.wrong(f"has the wrong character code {digits!r}") from None

    def _number(self, wanted: str) -> Variant:
        sign = self._text[self._at : self._at + 1] if self.peek() in ("-", "+") else ""
        self._at += len(sign)
        digits = self._word(also=".+-" if wanted == "d" else ".")
        if "." in digits or wanted == "d":
            try:
                return Variant("d", float(sign + digits))
            except ValueError:
                raise self.wrong(f"has no number but {digits!r}") from None
        try:
            # A leading 0 means octal, as in C.
            octal = len(digits) > 1 and digits[0] == "0" and digits.isdecimal()
            number = int(sign + digits, 8 if octal else 0)
        except ValueError:
            raise self.wrong(f"has no value but {digits!r}") from None
        type = wanted if wanted in _RANGES else "i"
        low, high = _RANGES[type]
        if not low <= number <= high:
            raise self.wrong(f"has {number}, which is no number of type {type},")
        return Variant(type, number)

    def _items(self, end: str) -> bool:
        """Tell whether another item follows; skips the comma before it, or the end."""
        if self.peek() == end:
            self._at += 1
            return False
        return True

    def _array(self, wanted: str, depth: int) -> Variant:
        self._at += 1
        item_type = wanted[1:] if wanted.startswith("a") else ""
        items: list[object] = []
        while self._items("]"):
            if items:
                self._expect(",")
            item = self.value(item_type, depth + 1)
            item_type = item.signature
            items.append(item.value)
        if item_type == "":
            raise self.wrong("has an empty array without a type, such as @as [],")
        return Variant(f"a{item_type}", items)

    def _tuple(self, wanted: str, depth: int) -> Variant:
        self._at += 1
        types = _single_types(wanted[1:-1]) if wanted else []
        items: list[Variant] = []
        while self._items(")"):
            if items:
                self._expect(",")
                if self.peek() == ")":
                    continue
            items.append(self.value(types[len(items)] if len(items) < len(types) else "", depth + 1))
        signature = "".join(item.signature for item in items)
        return Variant(f"({signature})", tuple(item.value for item in items))

    def _dictionary(self, wanted: str, depth: int) -> Variant:
        self._at += 1
        types = _single_types(wanted[2:-1]) if wanted.startswith("a{") else []
        key_type, value_type = types if len(types) == 2 else ("", "")
        found: dict[object, object] = {}
        while self._items("}"):
            if found:
                self._expect(",")
            key = self.value(key_type, depth + 1)
            self._expect(":")
            value = self.value(value_type, depth + 1)
            key_type, value_type = key.signature, value.signature
            if key_type[0] in "a({v":
                raise self.wrong(f"has a key of type {key_type}")
            found[key.value] = value.value
        if key_type == "":
            raise self.wrong("has an empty dictionary without a type, such as @a{ss} {},")
        return Variant(f"a{{{key_type}{value_type}}}", found)


def _single_types(signature: str) -> list[str]:
    """Take a signature apart: `sa{sv}(ii)` -> `s`, `a{sv}`, `(ii)`."""
    found = []
    begin = depth = 0
    for at, letter in enumerate(signature):
        depth += (letter in "({") - (letter in ")}")
        if depth == 0 and letter != "a":
            found.append(signature[begin : at + 1])
            begin = at + 1
    return found

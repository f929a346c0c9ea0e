"""GVariant's text format, as far as D-Bus has types for it."""

from __future__ import annotations

import pytest

from krun.plan.gvariant import Variant, parse_variant


@pytest.mark.parametrize(
    ("text", "signature", "value"),
    [
        ("true", "b", True),
        ("'it'", "s", "it"),
        ('"two words"', "s", "two words"),
        (r"'\u00e9\n\\'", "s", "é\n\\"),
        ("5", "i", 5),
        ("-5", "i", -5),
        ("0x10", "i", 16),
        ("010", "i", 8),
        ("uint32 7", "u", 7),
        ("uint64 18446744073709551615", "t", (1 << 64) - 1),
        ("byte 0xff", "y", 255),
        ("1.5", "d", 1.5),
        ("double 2", "d", 2.0),
        ("objectpath '/a/b'", "o", "/a/b"),
        ("['a', 'b']", "as", ["a", "b"]),
        ("@as []", "as", []),
        ("@at [1, 2]", "at", [1, 2]),
        ("(1, 'x')", "(is)", (1, "x")),
        ("[('a', true)]", "a(sb)", [("a", True)]),
        ("{'key': <5>}", "a{sv}", {"key": ("i", 5)}),
        ("@a{ss} {}", "a{ss}", {}),
        ("<'x'>", "v", ("s", "x")),
        ("  1  ", "i", 1),
    ],
)
def test_a_value_has_its_type(text: str, signature: str, value: object) -> None:
    """A number without a type is an int32; a type before the value changes that."""
    assert parse_variant(text) == Variant(signature, value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "quince",
        "'open",
        "[1, 'x']",
        "[]",
        "{}",
        "{[1]: 2}",
        "byte 256",
        "3000000000",
        "uint32 -1",
        "uint32 'x'",
        "1 2",
        "(1",
        "<5",
        "--5",
        "1.2.3",
        r"'\uzzzz'",
        "[" * 100,
    ],
)
def test_what_is_no_value_is_refused_with_its_place(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError, match="at character"):
        parse_variant(text)

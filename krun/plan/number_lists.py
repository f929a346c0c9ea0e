"""Lists of numbers such as `0-3,7`: of CPUs, of memory nodes.

Out of scope: their form, which the schema judges, and which of them the host has, which the kernel does.
"""

from __future__ import annotations

from krun.errors import Fault, SpecError

_WORD_BYTES = 8  # the kernel reads masks in words of its own


def parse_list(text: str, limit: int, path: str) -> tuple[int, ...]:
    """Return the numbers of a list in order, each once.

    text: as the schema's `number-list` has it, not empty.  limit: what all numbers have to be below.
    Raises SpecError at `path`.
    """
    found: set[int] = set()
    for part in text.replace(" ", "").split(","):
        first, _, last = part.partition("-")
        if int(last or first) >= limit:
            raise SpecError((Fault(path, f"must be numbers below {limit}, got {text!r}"),))
        found.update(range(int(first), int(last or first) + 1))
    return tuple(sorted(found))


def mask_of(numbers: tuple[int, ...]) -> bytes:
    """Return a little-endian mask with these bits, in whole words; empty for no number."""
    if not numbers:
        return b""
    words = max(numbers) // (8 * _WORD_BYTES) + 1
    return sum(1 << number for number in numbers).to_bytes(words * _WORD_BYTES, "little")

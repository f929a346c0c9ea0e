"""Descriptors with an owner: what is added to a `Descriptors` is closed when its `with` block ends."""

from __future__ import annotations

from krun import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self


class Descriptors:
    """Owns descriptors for the length of a `with` block."""

    def __init__(self) -> None:
        """Own nothing yet."""
        self._files: list[int] = []

    def add(self, file: int) -> int:
        """Take over a descriptor and return it."""
        self._files.append(file)
        return file

    def close(self) -> None:
        """Close all."""
        while self._files:
            os.close(self._files.pop())

    def __enter__(self) -> Self:
        """Begin the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close all."""
        self.close()

"""Descriptors with an owner, and how many there may be.

What is added to a `Descriptors` is closed when its `with` block ends; within one of a `MostDescriptors` there
may be as many as the hard limit allows.
"""

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


class MostDescriptors:
    """Raises the soft limit of open descriptors to the hard one for the length of a `with` block.

    Programs that krun executes get the limit that krun was started with.
    """

    def __enter__(self) -> None:
        """Raise it, if the kernel lets it be: not even a limit as it is can be set above fs.nr_open."""
        import resource  # here: few verbs come this way

        self._former = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._set((self._former[1], self._former[1]))

    def __exit__(self, *_: object) -> None:
        """Lower it again."""
        self._set(self._former)

    @staticmethod
    def _set(limits: tuple[int, int]) -> None:
        import resource  # as above

        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        except ValueError:
            return  # what was a limit before is one still

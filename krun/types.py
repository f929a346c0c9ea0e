"""Immutable records, and the few names from `typing` that krun needs without importing it.

Out of scope: anything with a meaning of its own.  `dataclasses`, `enum` and `typing` are not imported on
purpose: together they cost more than all the rest of a `krun state`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Never, dataclass_transform
else:

    def dataclass_transform(**_options: object) -> object:
        """Stand in for `typing.dataclass_transform`, which only type checkers read."""
        return lambda cls: cls


def assert_never(value: Never) -> Never:
    """Say that a `match` has no further case; reached only by a bug."""
    raise AssertionError(f"unexpected {value!r}")


@dataclass_transform(frozen_default=True)
class Record:
    """Base of krun's data: annotated fields, an optional default each, equality by value, no assignment.

    Raises TypeError for an unknown, a missing or a surplus argument.
    """

    _fields: tuple[str, ...] = ()

    def __init_subclass__(cls) -> None:
        """Collect the annotated fields, those of the base classes first."""
        own = tuple(name for name in cls.__dict__.get("__annotations__", ()) if not name.startswith("_"))
        cls._fields = (*(f for f in cls._fields if f not in own), *own)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take fields by position, then by name."""
        fields = self._fields
        if len(args) > len(fields):
            raise TypeError(f"{type(self).__name__} takes {len(fields)} fields, got {len(args)}")
        values = self.__dict__
        for name, value in zip(fields, args, strict=False):
            values[name] = value
        for name, value in kwargs.items():
            if name not in fields or name in values:
                raise TypeError(f"{type(self).__name__}: unexpected field {name!r}")
            values[name] = value
        if len(values) != len(fields):
            for name in fields:
                if name not in values and not hasattr(type(self), name):
                    raise TypeError(f"{type(self).__name__}: missing field {name!r}")

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse: a record does not change."""
        raise AttributeError(f"{type(self).__name__}.{name} is read-only")

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self._fields)

    def __eq__(self, other: object) -> bool:
        """Compare type and every field."""
        if type(other) is not type(self):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        """Hash type and every field."""
        return hash((type(self), self._values()))

    def __repr__(self) -> str:
        """Write the fields that are set, as a call."""
        shown = ", ".join(f"{n}={self.__dict__[n]!r}" for n in self._fields if n in self.__dict__)
        return f"{type(self).__name__}({shown})"

    def replace(self, **changes: Any) -> Any:
        """Return a copy with some fields changed."""
        return type(self)(**{**self.__dict__, **changes})

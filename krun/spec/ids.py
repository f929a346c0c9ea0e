"""Container ids: `[A-Za-z0-9_+-][A-Za-z0-9_+.-]*`, at most 1024 characters.

The rule is runc's and crun's.  It keeps ids from leaving the state directory, of which each names an entry.

Out of scope: whether an id is taken.
"""

from __future__ import annotations

from krun.errors import UsageError

_FIRST = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-")
_FOLLOWING = _FIRST | {"."}
_LONGEST = 1024


def is_id(text: str) -> bool:
    """Tell whether `text` may be the id of a container."""
    return 0 < len(text) <= _LONGEST and text[0] in _FIRST and _FOLLOWING.issuperset(text)


def check_id(text: str) -> str:
    """Return `text`.  Raises UsageError when it cannot be the id of a container."""
    if not is_id(text):
        shown = repr(text) if len(text) <= _LONGEST else f"{text[:16]!r}... of {len(text)} characters"
        raise UsageError(
            f"invalid container id {shown}: it must be letters, digits, _, +, - and ., not begin with a dot, "
            f"and have at most {_LONGEST} characters"
        )
    return text

"""`krun --version`: in the form that containerd, dockerd and CRI-O read."""

from __future__ import annotations

from krun._build import COMMIT, VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.commands.options import Context

SPEC_VERSION = "1.3.0"
"""The version of the runtime specification that krun implements."""


def run(context: Context) -> int:
    """Print krun's version, the commit it was built from, and the specification's version."""
    context.out(f"krun version {VERSION}\ncommit: {COMMIT}\nspec: {SPEC_VERSION}\n")
    return 0

"""Where the package's own programs lie."""

from __future__ import annotations

from krun import os

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
"""The directory of the package `krun`."""


def libexec(name: str) -> str:
    """Return the path of one of the programs that the build put into the package (`krun-init`, `krun-vm`)."""
    return f"{PACKAGE}/libexec/{name}"


def launcher() -> str:
    """Return the path of the command `krun` of this installation: beside lib/, in bin/."""
    prefix = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(PACKAGE))))
    return f"{prefix}/bin/krun"

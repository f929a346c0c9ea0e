"""The cases of a payload: each runs natively first, which tests the test, and then in the monitor.

Out of scope: what the cases mean; a case's name in the C source says it.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

# What payloads/expect.h ends with: a promise that does not hold, a case that is not there.
FAILED = (1, 99)
PAYLOADS = Path(__file__).parent.parent / "vm" / "payloads"


def names(stem: str, *, without: tuple[str, ...] = ()) -> list[str]:
    """Return the cases that a payload's source lists."""
    source = (PAYLOADS / f"{stem}.c").read_text()
    return [name for name in re.findall(r"^\t\tCASE\((\w+)\)", source, re.MULTILINE) if name not in without]


def outcome(result: subprocess.CompletedProcess[str]) -> str:
    """Return what a failed case printed, for the assertion's message."""
    return f"status {result.returncode}\n{result.stdout}{result.stderr}"


def natively(payload: Path, case: str) -> subprocess.CompletedProcess[str]:
    """Run a case on the host's kernel, which is right by definition."""
    return subprocess.run(
        [payload, case], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False
    )


def check_same(native: subprocess.CompletedProcess[str], guest: subprocess.CompletedProcess[str]) -> None:
    """Assert that the payload ended in the monitor as it does without."""
    if native.returncode in FAILED:
        pytest.fail(f"the case fails without a VM: {outcome(native)}")
    assert guest.returncode == native.returncode, outcome(guest)

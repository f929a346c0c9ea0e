"""Labels of SELinux, in an emulated machine whose kernel enforces the policy of selinux.cil.

It is booted once, runs all of selinux_cases.py, and each case is a test here.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.machine_cases import Boot, cases_of

TIMEOUT_S = 900  # on a busy machine
BOOT = Boot(
    Path(__file__).resolve().with_name("selinux_cases.py"),
    "whole_machine",
    parameters=["security=selinux"],
    timeout_s=TIMEOUT_S,
)

pytestmark = pytest.mark.needs("root", "qemu", "busybox", "secilc")


@pytest.mark.parametrize(("boot", "name"), cases_of(BOOT))
def test_under_selinux(faults: list[str]) -> None:
    """Each case holds."""
    assert not faults, "\n".join(faults)

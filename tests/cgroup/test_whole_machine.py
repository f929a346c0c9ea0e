"""Controllers and devices that this host or its small kernels lack, in an emulated machine with all of them.

It is booted once, runs all of whole_machine_cases.py, and each case is a test here.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.machine_cases import Boot, cases_of

TIMEOUT_S = 900  # on a busy machine
BOOT = Boot(
    Path(__file__).resolve().with_name("whole_machine_cases.py"),
    "whole_machine",
    systemd=True,
    timeout_s=TIMEOUT_S,
)

pytestmark = pytest.mark.needs("root", "qemu", "busybox", "systemd", "iproute2", "apparmor")


@pytest.mark.parametrize(("boot", "name"), cases_of(BOOT))
def test_in_the_whole_machine(faults: list[str]) -> None:
    """Each case holds."""
    assert not faults, "\n".join(faults)

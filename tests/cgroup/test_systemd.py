"""The systemd cgroup driver with a real systemd, the first process of a kernel of its own with cgroup v2.

The kernel is booted once for each file of cases, and each case is a test here.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.machine_cases import Boot, cases_of

HERE = Path(__file__).resolve().parent
TIMEOUT_S = 500  # on a busy machine; the longest takes a fifth of that
NEEDS = {
    "systemd_cases": ("dbus",),
    "systemd_podman_cases": ("dbus", "busybox", "podman", "crun", "uidmap"),
    "systemd_docker_cases": ("dbus", "busybox", "dockerd", "runc"),
}
CASES = [
    case
    for file, needs in NEEDS.items()
    for case in cases_of(
        Boot(HERE / f"{file}.py", systemd=True, memory="1G", timeout_s=TIMEOUT_S), pytest.mark.needs(*needs)
    )
]

pytestmark = pytest.mark.needs("uml", "gcc", "systemd")


@pytest.mark.parametrize(("boot", "name"), CASES)
def test_under_systemd(faults: list[str]) -> None:
    """Each case holds."""
    assert not faults, "\n".join(faults)

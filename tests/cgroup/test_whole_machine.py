"""Controllers and devices that this host or its small kernels lack, in an emulated machine with all of them.

It is booted once, runs all of whole_machine_cases.py, and each case is a test here.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import whole_machine
from support.machine_cases import names_of, run_cases

CASES = Path(__file__).resolve().parent / "whole_machine_cases.py"
TIMEOUT_S = 900  # on a busy machine

pytestmark = pytest.mark.needs("root", "qemu", "busybox", "systemd", "iproute2", "apparmor")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Run the cases under systemd; returns the faults of each, by its name without parameters."""
    share = tmp_path_factory.mktemp("share")
    return run_cases(CASES, share, run=whole_machine.run, systemd=True, timeout_s=TIMEOUT_S)


@pytest.mark.parametrize("name", names_of(CASES))
def test_in_the_whole_machine(name: str, results: dict[str, list[str]]) -> None:
    """The case of that name in whole_machine_cases.py holds."""
    assert name in results, "the case was not run"
    assert not results[name], "\n".join(results[name])

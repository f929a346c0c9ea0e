"""Labels of SELinux, in an emulated machine whose kernel enforces the policy of selinux.cil.

It is booted once, runs all of selinux_cases.py, and each case is a test here.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import whole_machine
from support.machine_cases import names_of, run_cases

HERE = Path(__file__).resolve().parent
CASES = HERE / "selinux_cases.py"
POLICY_VERSION = "33"
TIMEOUT_S = 900  # on a busy machine

pytestmark = pytest.mark.needs("root", "qemu", "busybox", "secilc")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Compile the policy and run the cases; returns the faults of each, by its name without parameters."""
    share = tmp_path_factory.mktemp("share")
    words = ["secilc", "-c", POLICY_VERSION, "-o", share / "policy", "-f", "/dev/null", HERE / "selinux.cil"]
    subprocess.run(words, check=True)
    return run_cases(
        CASES, share, run=whole_machine.run, parameters=["security=selinux"], timeout_s=TIMEOUT_S
    )


@pytest.mark.parametrize("name", names_of(CASES))
def test_under_selinux(name: str, results: dict[str, list[str]]) -> None:
    """The case of that name in selinux_cases.py holds."""
    assert name in results, "the case was not run"
    assert not results[name], "\n".join(results[name])

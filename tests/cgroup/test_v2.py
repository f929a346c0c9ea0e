"""Cgroups made for real on a pure cgroup v2, in a kernel of their own.

The kernel is booted once for each file of cases, and each case is a test here.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.machine_cases import Boot, cases_of

HERE = Path(__file__).resolve().parent
TIMEOUT_S = 400  # on a busy machine; they take a tenth of that
BOOTS = [
    Boot(HERE / f"{file}.py", timeout_s=TIMEOUT_S)
    for file in ("v2_cases", "v2_verb_cases", "v2_client_cases")
]

pytestmark = pytest.mark.needs("uml", "gcc")


@pytest.mark.parametrize(("boot", "name"), [case for boot in BOOTS for case in cases_of(boot)])
def test_in_the_small_kernel(faults: list[str]) -> None:
    """Each case holds."""
    assert not faults, "\n".join(faults)

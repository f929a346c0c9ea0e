"""Namespaces are left and joined as without a VM, although KVM may have a thread in the process."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support import cases

pytestmark = pytest.mark.needs("kvm", "root")


@pytest.mark.parametrize("case", cases.names("namespaces"))
def test_namespace_case_ends_as_without_a_vm(
    case: str, static: Callable[[str], Path], in_vm: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """Each case of namespaces.c promises what its name says."""
    payload = static("namespaces")
    cases.check_same(cases.natively(payload, case), in_vm(payload, case))

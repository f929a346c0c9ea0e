"""Programs with AddressSanitizer run: it has addresses of its own, and terabytes of them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.needs("kvm", "gcc")

OPTIONS = ("-g", "-fsanitize=address,undefined", "-Wno-use-after-free", "-pthread")
# Its search for leaks at the end wants ptrace, which the monitor refuses.
WITHOUT_LEAKS = {"ASAN_OPTIONS": "detect_leaks=0"}

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_sanitized_program_runs(compiled: Callable[..., Path], in_vm: Run) -> None:
    """A program without faults does its work in the sanitizer's memory."""
    result = in_vm(compiled("sanitized.c", *OPTIONS), env=WITHOUT_LEAKS)
    assert (result.stdout, result.stderr, result.returncode) == ("x\n", "", 0)


def test_sanitizer_finds_a_use_after_free(compiled: Callable[..., Path], in_vm: Run) -> None:
    """What the sanitizer finds natively it finds in the VM."""
    result = in_vm(compiled("sanitized.c", *OPTIONS), "freed", env=WITHOUT_LEAKS)
    assert "AddressSanitizer: heap-use-after-free on address 0x6" in result.stderr
    assert result.returncode == 1

"""Python's own tests, from Debian's libpython3.11-testsuite, in a VM.

Here are those that take seconds.  By hand, `python3 -m test` in a container like these also passes
test_subprocess, test_signal, test_threading, test_socket and test_asyncio: no test of the eight modules fails
in a VM that passes without.  They take minutes, since each of the thousands of processes that they start is a
VM of its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from support.bundles import Bundle
from support.runner import Runner

pytestmark = [
    pytest.mark.needs("root", "kvm", "python-tests"),
    pytest.mark.usefixtures("nothing_left"),
]


@pytest.mark.parametrize("module", ["test_json", "test_mmap", "test_os"])
def test_pythons_own_tests_pass(module: str, program: Callable[..., Bundle], runtime: Runner) -> None:
    """Each test of the module passes in a VM."""
    made = program("/usr/bin/python3.11", "-m", "test", module, name="tests")
    result = runtime("run", "--bundle", os.fspath(made), "tests", timeout_s=200)
    assert result.status == 0, result
    assert "Tests result: SUCCESS" in result.out, result

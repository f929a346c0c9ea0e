"""Python's own tests of what a monitor can get wrong, from Debian's libpython3.11-testsuite, in a VM.

None of the eight modules has a test that fails in a VM, so there is no list of known failures.  Out of scope:
what makes no call that matters here and takes long, which LEFT_OUT names.  By hand, the modules pass whole.
"""

from __future__ import annotations

import os

import pytest
from support.bundles import MakeBundle
from support.runner import Runner

pytestmark = [
    pytest.mark.needs("root", "kvm", "python-tests"),
    pytest.mark.usefixtures("nothing_left"),
]

TOGETHER = (
    ("test_asyncio", "test_subprocess"),
    ("test_signal", "test_socket", "test_threading", "test_os", "test_mmap", "test_json"),
)
LEFT_OUT = (
    # Each asks about every descriptor up to the limit, in dozens of processes.
    "*test_pass_fds",
    "*test_close_fds*",
    "*test_leaking_fds_on_error",
    # Half of test_subprocess once more, with select instead of poll.
    "*ProcessTestCaseNoPoll*",
    # The same with other event loops and watchers of children than the usual ones.
    "*.SelectEventLoopTests.*",
    "*.PollEventLoopTests.*",
    "*.SubprocessSafeWatcherTests.*",
    "*.SubprocessFastWatcherTests.*",
    # Objects of the interpreter, and TLS in memory.
    "test.test_asyncio.test_tasks.*",
    "test.test_asyncio.test_futures.*",
    "test.test_asyncio.test_ssl*",
    "*test_env_var_debug",
    # Hangs, in a VM or not, when its one second does not suffice to make sixteen megabytes.
    "*test_sendall_interrupted*",
)


@pytest.mark.parametrize("modules", TOGETHER, ids=lambda modules: modules[0])
def test_pythons_own_tests_pass(modules: tuple[str, ...], program: MakeBundle, runtime: Runner) -> None:
    """Each test of the modules passes in a VM, with four of the modules at a time."""
    options = [word for pattern in LEFT_OUT for word in ("--ignore", pattern)]
    made = program("/usr/bin/python3.11", "-m", "test", "-j4", *options, *modules, name="tests")
    result = runtime("run", "--bundle", os.fspath(made), "tests", timeout_s=280)
    assert result.status == 0, result
    assert f"All {len(modules)} tests OK." in result.out, result

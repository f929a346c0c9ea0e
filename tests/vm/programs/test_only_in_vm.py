"""A large program that bears threads and processes in every way runs no instruction outside of a VM.

tests/lifecycle/test_only_in_vm.py has the small ones, and shows that the tracer sees a payload without a VM.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.bundles import MakeBundle
from support.life import assert_only_ours, life_of
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "kvm", "ptrace"), pytest.mark.usefixtures("nothing_left")]

PRINTED = """\
fork
thread
fork
posix_spawn
vfork
shell
subshell
pipe
nested /corpus/nested one argument /corpus/script
missing
execve by a thread
"""


def test_each_birth_is_in_a_vm(runtime: Runner, program: MakeBundle, tmp_path: Path, krun: Path) -> None:
    """Fork, vfork, posix_spawn, threads, execve by a thread, `sh -c` and scripts end in the VM."""
    output = tmp_path / "output"
    life = list(life_of(runtime, program("python3", "/corpus/births.py", name="births"), output))
    assert output.read_text() == PRINTED
    assert_only_ours(life, krun)

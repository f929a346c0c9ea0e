"""Every operation of krun-init has a test that runs it: csrc/include/kr/ops.h is the list.

That each is also in a plan that somebody has agreed to is tested with those plans (tests/golden).
"""

from __future__ import annotations

import re

import pytest
from support.sources import REPOSITORY

from krun.plan import ops

HEADER = REPOSITORY / "csrc/include/kr/ops.h"
NAMES = re.findall(r"^\tX\(\d+,\s*(\w+),", HEADER.read_text(), re.MULTILINE)
CLASSES = {getattr(value, "OP", ""): name for name, value in vars(ops).items() if isinstance(value, type)}


def test_the_list_is_found() -> None:
    """An empty list would make the rest of this module pass whatever it says."""
    assert set(NAMES) == set(CLASSES) - {""}


@pytest.mark.parametrize("name", NAMES)
def test_operation_is_run_by_a_test(name: str) -> None:
    """No C operation without a test in tests/stage, where krun-init runs with and without sanitizers."""
    used = re.compile(rf"\bops\.{CLASSES[name]}\(")
    files = [*(REPOSITORY / "tests/stage").glob("test_*.py"), REPOSITORY / "tests/support/stage.py"]
    assert [file.name for file in files if used.search(file.read_text())] != []

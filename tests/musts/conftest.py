"""What the specification asks for, in sentences: each runs without and with the VM where that can matter."""

from __future__ import annotations

import pytest
from support.runner import Runner


@pytest.fixture
def runner(either_runtime: Runner) -> Runner:
    """Run without and with a VM."""
    return either_runtime

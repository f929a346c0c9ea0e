"""What the specification asks for, in sentences: each runs without and with the VM where that can matter."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.runner import Runner


@pytest.fixture(params=["none", pytest.param("builtin", marks=pytest.mark.needs("kvm"))])
def runner(request: pytest.FixtureRequest, krun: Path, krun_root: Path, tmp_path: Path) -> Runner:
    """Return krun with --monitor none, then with the VM."""
    return Runner(krun, krun_root, tmp_path / "streams", monitor=request.param)

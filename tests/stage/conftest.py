"""What the tests of krun-init share: a runner, and a root file system."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.stage import StageRunner, make_root


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[StageRunner]:
    """Return a runner of programs."""
    folder = tmp_path / "state"
    folder.mkdir()
    runner = StageRunner(folder)
    yield runner
    runner.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a root file system of static busybox."""
    return make_root(tmp_path / "root")

"""What the cases share that run in a machine of their own."""

from __future__ import annotations

from pathlib import Path

import busybox
import pytest


@pytest.fixture(scope="session")
def shared_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a root file system for all containers."""
    return busybox.make_tree(tmp_path_factory.mktemp("shared") / "rootfs")

"""Both ways to run a payload, for what has to hold with and without a VM, and what the verbs' tests share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.bundles import Bundle
from support.gate import Gate
from support.runner import Runner


@pytest.fixture(params=["none", pytest.param("builtin", marks=pytest.mark.needs("kvm"))])
def either_runtime(request: pytest.FixtureRequest, krun: Path, krun_root: Path, tmp_path: Path) -> Runner:
    """Return krun with --monitor none, then with the VM."""
    return Runner(krun, krun_root, tmp_path / "streams", monitor=request.param)


@pytest.fixture
def runner(either_runtime: Runner) -> Runner:
    """Run with and without a VM: the verbs are the same."""
    return either_runtime


@pytest.fixture
def created(runner: Runner, bundle: Callable[..., Bundle]) -> str:
    """Return the id of a created container whose process would sleep."""
    runner.ok("create", "--bundle", bundle(["sleep", "600"]), "c")
    return "c"


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    """Return a pipe to mount into a container."""
    return Gate(tmp_path)

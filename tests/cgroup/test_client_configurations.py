"""The configurations that real clients wrote live here: created, started, deleted, and nothing is left.

On the cgroups of this machine; test_v2 runs the same on a pure cgroup v2.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.client_configurations import NAMES, live, make_client_bundle, namespaces
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox", "cgroup_v1"), pytest.mark.usefixtures("nothing_left")]


@pytest.fixture(scope="module")
def holder() -> Iterator[int]:
    """Return a process in the namespaces that some of them join."""
    with namespaces() as pid:
        yield pid


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a directory that users of a user namespace can reach; the tests' own is closed to them."""
    with tempfile.TemporaryDirectory(prefix="krun-test-") as path:
        Path(path).chmod(0o755)
        yield Path(path)


@pytest.mark.parametrize("name", NAMES)
def test_a_clients_configuration_lives(
    name: str, either_runtime: Runner, folder: Path, cgroup_name: str, holder: int
) -> None:
    """With its limits, its devices, its profile and its mounts."""
    live(either_runtime, make_client_bundle(folder, name, f"/{cgroup_name}{name}", holder), name)

"""What test_v2 runs in the small kernel beside v2_cases: the configurations that real clients wrote.

Not collected by itself: these need a root process on a cgroup v2 that nobody else uses.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.client_configurations import NAMES, live, make_client_bundle, namespaces
from support.runner import Runner


@pytest.fixture(scope="module")
def holder() -> Iterator[int]:
    """Return a process in the namespaces that some of them join."""
    with namespaces() as pid:
        yield pid


@pytest.mark.parametrize("name", NAMES)
def test_a_clients_configuration_lives(name: str, plain_runtime: Runner, holder: int, tmp_path: Path) -> None:
    """Most of them were written for v1: what they say is put into v2's words."""
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)  # for the users of a user namespace
    live(plain_runtime, make_client_bundle(tmp_path / "bundle", name, f"/krun-test/{name}", holder), name)
    assert not Path("/sys/fs/cgroup/krun-test").exists()

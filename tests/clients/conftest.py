"""A dockerd of the tests' own, and the two runtimes that every test is run with.

runc proves the test, krun is what it is for: a test that fails with runc says nothing about krun.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.docker import IMAGE, Docker
from testbed import Testbed

RUNTIMES = [
    pytest.param("krun", marks=pytest.mark.needs("root", "dockerd", "busybox", "kvm")),
    pytest.param("runc", marks=pytest.mark.needs("root", "dockerd", "busybox", "runc")),
]


@pytest.fixture(scope="session")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    """Return a dockerd with a busybox image; it ends, with its data, when the tests do."""
    folder = tmp_path_factory.mktemp("bed")
    krun = Path(sys.executable).parent / "krun"
    with Testbed(folder, runtimes={"krun": krun} if krun.exists() else {}) as up:
        up.import_busybox(IMAGE)
        yield up
    shutil.rmtree(folder / "docker-root")


@pytest.fixture(params=RUNTIMES)
def docker(request: pytest.FixtureRequest, bed: Testbed) -> Iterator[Docker]:
    """Return a docker client that runs containers with the runtime under test; each test removes its own."""
    if request.param == "krun":
        request.getfixturevalue("krun")
    client = Docker(bed, request.param)
    yield client
    left = client("ps", "--all", "--quiet").out.split()
    if left:
        client("rm", "--force", *left)
    assert not left, "the test leaves containers behind"
    assert client.state_directories() == []
    assert client.cgroups() == []

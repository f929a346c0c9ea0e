"""The clients, each in a bed of the tests' own, and the two runtimes that every test is run with.

runc or crun proves the test, krun is what it is for: a test that fails with runc says nothing about krun.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet
from containerd_bed import ContainerdBed
from podman_bed import PodmanBed, User
from support.ctr import Ctr
from support.docker import IMAGE, Docker
from support.podman import Podman
from testbed import Testbed

VENV = Path(sys.executable).parent.parent
CRUN = Path("/usr/bin/crun")
PLAIN_USER = User(name="quince", uid=54321, first_sub_id=600000)

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


def either(*needs: str, other: str) -> list[ParameterSet]:
    """Return the two runtimes of a client that needs `needs`, as parameters of a fixture."""
    return [
        pytest.param("krun", marks=pytest.mark.needs(*needs, "root", "busybox", "kvm")),
        pytest.param(other, marks=pytest.mark.needs(*needs, "root", "busybox", other)),
    ]


def _podman_bed(folder: Path, user: User | None = None) -> Iterator[PodmanBed]:
    runtimes = {"krun": Path("/run/bed/venv/bin/krun"), "crun": CRUN}
    with PodmanBed(folder, runtimes=runtimes, visible={"venv": VENV}, user=user) as up:
        up.import_busybox(IMAGE)
        yield up


@pytest.fixture(scope="session")
def podman_bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PodmanBed]:
    """Return a bed with podman for root and a busybox image."""
    yield from _podman_bed(tmp_path_factory.mktemp("podman"))


@pytest.fixture(scope="session")
def rootless_bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PodmanBed]:
    """Return a bed with podman for a plain user with subordinate ids, and a busybox image."""
    yield from _podman_bed(tmp_path_factory.mktemp("rootless"), PLAIN_USER)


def _podman(bed: PodmanBed, runtime: str) -> Iterator[Podman]:
    client = Podman(bed, runtime)
    before = set(client.cgroups())  # crun leaves those of pods in the named hierarchy
    yield client
    assert client.clean() == [], "the test leaves containers behind"
    assert client.state_directories() == []
    if runtime == "krun":
        assert set(client.cgroups()) <= before


@pytest.fixture(params=either("podman", "catatonit", other="crun"))
def podman(request: pytest.FixtureRequest, podman_bed: PodmanBed) -> Iterator[Podman]:
    """Return root's podman with the runtime under test; each test removes its own containers."""
    yield from _podman(podman_bed, request.param)


@pytest.fixture(params=either("podman", "catatonit", "uidmap", other="crun"))
def rootless(request: pytest.FixtureRequest, rootless_bed: PodmanBed) -> Iterator[Podman]:
    """Return a plain user's podman with the runtime under test; each test removes its own containers."""
    yield from _podman(rootless_bed, request.param)


@pytest.fixture(scope="session")
def containerd_bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContainerdBed]:
    """Return a containerd that ends, with its data, when the tests do."""
    with ContainerdBed(tmp_path_factory.mktemp("containerd")) as up:
        yield up


@pytest.fixture(params=either("containerd", other="runc"))
def ctr(request: pytest.FixtureRequest, containerd_bed: ContainerdBed) -> Iterator[Ctr]:
    """Return containerd's client with the runtime under test; each test removes its own containers."""
    client = Ctr(containerd_bed, request.param, {"krun": VENV / "bin/krun"}.get(request.param))
    yield client
    assert client.clean() == [], "the test leaves containers behind"
    assert client.state_directories() == []
    assert client.cgroups() == []

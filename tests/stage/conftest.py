"""What the tests of krun-init share: a runner, and a root file system."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.stage import StageRunner, make_root

from krun.sys import paths

SOURCES = Path(__file__).resolve().parents[2] / "csrc"
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g", "-O1")


@pytest.fixture(scope="session")
def sanitized_init(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a krun-init that ends at the first access out of bounds or undefined operation."""
    program = tmp_path_factory.mktemp("sanitized") / "krun-init"
    files = [file for part in ("base", "ops", "stage") for file in sorted((SOURCES / part).glob("*.c"))]
    flags = ("-std=gnu17", "-D_GNU_SOURCE", f"-I{SOURCES / 'include'}", *SANITIZERS)
    subprocess.run(["gcc", *flags, *files, "-o", program], check=True)
    return program


@pytest.fixture(params=["installed", pytest.param("sanitized", marks=pytest.mark.needs("gcc"))])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StageRunner]:
    """Return a runner of programs, in the installed krun-init and in one with sanitizers."""
    folder = tmp_path / "state"
    folder.mkdir()
    image = paths.libexec("krun-init")
    if request.param == "sanitized":
        image = str(request.getfixturevalue("sanitized_init"))
    runner = StageRunner(folder, image)
    yield runner
    runner.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a root file system of static busybox."""
    return make_root(tmp_path / "root")

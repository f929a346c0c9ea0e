"""The C of krun without a machine below it: unit tests under sanitizers, and fuzzers for some seconds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "csrc"
FUZZERS = sorted(path.stem for path in (SOURCE / "fuzz").glob("*.c"))
TESTS = sorted(path.stem for path in (SOURCE / "tests").glob("test_*.c"))
FUZZ_SECONDS = 5


def run(*command: str | Path) -> str:
    """Run a command to its end; its output is the failure's text."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}\n{done.stdout[-8000:]}"
    return done.stdout


def build(directory: Path, compiler: str) -> Path:
    """Configure and build the native tests; returns the build folder."""
    run(
        "cmake", "-G", "Ninja", "-S", SOURCE, "-B", directory, "-DKR_TESTS=ON",
        f"-DCMAKE_C_COMPILER={compiler}", f"-DPython_EXECUTABLE={sys.executable}",
    )  # fmt: skip
    run("cmake", "--build", directory)
    return directory


@pytest.fixture(scope="module")
def with_gcc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a build by gcc, the compiler of the package."""
    return build(tmp_path_factory.mktemp("gcc"), "gcc")


@pytest.fixture(scope="module")
def with_clang(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a build by clang, which has libFuzzer."""
    return build(tmp_path_factory.mktemp("clang"), "clang")


@pytest.mark.needs("gcc", "cmake")
@pytest.mark.parametrize("name", TESTS)
def test_unit_tests_hold_under_sanitizers(with_gcc: Path, name: str) -> None:
    """Every csrc/tests/test_*.c ends with 0 under ASan and UBSan, built by the package's compiler."""
    output = run("ctest", "--test-dir", with_gcc, "--output-on-failure", "-R", f"^{name}$")
    assert "100% tests passed, 0 tests failed out of 1" in output


@pytest.mark.needs("clang", "cmake")
@pytest.mark.parametrize("name", FUZZERS)
def test_fuzzers_find_nothing(with_clang: Path, tmp_path: Path, name: str) -> None:
    """No input makes a reader of untrusted bytes leave its bounds or break what it promises."""
    fuzzer = with_clang / f"fuzz_{name}"
    output = run(fuzzer, f"-max_total_time={FUZZ_SECONDS}", f"-artifact_prefix={tmp_path}/", tmp_path)
    assert "Done " in output

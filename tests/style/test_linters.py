"""The linters are tests, so that the test command is the whole gate."""

from __future__ import annotations

import subprocess
import sys

import pytest
from support.sources import REPOSITORY, shell_scripts, source_files


def lint(*command: str) -> None:
    """Run a linter in the repository and fail with what it says."""
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command[:4])}\n{done.stdout[-20000:]}{done.stderr[-4000:]}"


def test_ruff_finds_nothing() -> None:
    """Every rule of ruff is on; each exception stands in pyproject.toml with its reason."""
    lint(sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format", "concise", ".")


def test_mypy_strict_finds_nothing() -> None:
    """The package is typed under `mypy --strict`."""
    lint(sys.executable, "-m", "mypy", "--cache-dir", "/dev/null", "--no-error-summary")


@pytest.mark.needs("clang-format")
def test_c_is_formatted() -> None:
    """The C sources stand as clang-format writes them by the repository's .clang-format."""
    assert (REPOSITORY / ".clang-format").is_file()
    lint("clang-format", "--dry-run", "--Werror", *map(str, source_files(".c", ".h")))


@pytest.mark.needs("shellcheck")
def test_shell_scripts_pass_shellcheck() -> None:
    """Shell scripts, those without a suffix too, pass shellcheck."""
    scripts = shell_scripts()
    assert scripts, "the search for shell scripts found none"
    # SC2016 takes the programs of sed and awk for shell text that was meant to expand.
    lint("shellcheck", "--exclude=SC2016", *map(str, scripts))

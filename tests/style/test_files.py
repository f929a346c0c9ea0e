"""What holds for every file of the repository."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from support.sources import REPOSITORY, source_files

# Paths of one developer's machine: nobody else has them.
FOREIGN = re.compile(r"(?<![\w./])/(?:work/(?:main|shared)|tmp/(?:venv|build|clone)-\w+)\b")


def text_of(path: Path) -> str | None:
    """Return the text of a file, None for a binary one."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


@pytest.mark.parametrize("path", source_files(".yaml", ".yml"), ids=lambda path: path.name)
def test_yaml_parses(path: Path) -> None:
    """Every YAML file is one that a YAML parser reads."""
    assert yaml.safe_load(path.read_text()) is not None


@pytest.mark.parametrize("path", source_files(".toml"), ids=lambda path: path.name)
def test_toml_parses(path: Path) -> None:
    """Every TOML file is one that a TOML parser reads."""
    assert tomllib.loads(path.read_text())


def test_no_file_names_a_developers_machine() -> None:
    """No file of the project refers to a path that exists only where it was written."""
    found = []
    for path in source_files():
        for number, line in enumerate((text_of(path) or "").splitlines(), 1):
            if FOREIGN.search(line):
                found.append(f"{path.relative_to(REPOSITORY)}:{number}: {line.strip()}")
    assert not found, "\n".join(found)


def test_every_c_file_names_its_licence() -> None:
    """Each C and assembly file begins with its SPDX identifier."""
    sources = source_files(".c", ".h", ".S")
    assert sources
    unlicensed = [path for path in sources if "SPDX-License-Identifier" not in path.read_text()[:200]]
    assert not unlicensed

"""specs/musts.yaml: every sentence of the specification has a test, and the test is there."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.sources import REPOSITORY

TABLE: dict[str, list[dict[str, Any]]] = yaml.safe_load((REPOSITORY / "specs/musts.yaml").read_text())
NODES = sorted({node for section in TABLE.values() for line in section for node in line["tests"]})


@cache
def names_in(file: str) -> frozenset[str]:
    """Return the names of a file's tests."""
    tree = ast.parse((REPOSITORY / file).read_text())
    return frozenset(
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    )


def test_every_sentence_names_a_test() -> None:
    """A requirement without a test is a hope."""
    for section, lines in TABLE.items():
        assert lines, section
        for line in lines:
            assert set(line) == {"must", "tests"}, line
            assert line["must"].endswith("."), line
            assert line["tests"], line


@pytest.mark.parametrize("node", NODES)
def test_a_named_test_exists(node: str) -> None:
    """A test that is renamed takes its line along."""
    file, _, name = node.partition("::")
    assert name in names_in(file)


@pytest.mark.parametrize("path", sorted((REPOSITORY / "tests/musts").glob("test_*.py")), ids=lambda p: p.stem)
def test_every_test_of_a_sentence_is_in_the_table(path: Path) -> None:
    """What is tested for the specification's sake stands beside the sentence."""
    file = str(path.relative_to(REPOSITORY))
    assert {f"{file}::{name}" for name in names_in(file)} <= set(NODES)

"""`krun features` as clients call it, against the schema in specs/features.yaml.

Out of scope: whether each name is taken (unit/plan/test_features).
"""

from __future__ import annotations

import json
import subprocess
from typing import Any

import jsonschema
import pytest
import yaml
from support.runner import Runner
from support.sources import REPOSITORY

SCHEMA = yaml.safe_load((REPOSITORY / "specs/features.yaml").read_text())


@pytest.fixture
def document(plain_runtime: Runner) -> Any:
    """Return what is printed, standard output and error in one, as CRI-O reads it."""
    command = plain_runtime.command("features")
    printed = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True).stdout
    return json.loads(printed)


def test_it_is_what_the_specification_has(document: Any) -> None:
    """features.md: no property that is not there, and each of its type."""
    validator = jsonschema.Draft202012Validator(SCHEMA)
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert [error.message for error in validator.iter_errors(document)] == []


def test_the_schema_finds_what_is_wrong(document: Any) -> None:
    """Another property, a list that is missing, null for a list."""
    validator = jsonschema.Draft202012Validator(SCHEMA)
    for change in ({"more": 1}, {"hooks": None}, {"mountOptions": ["ro", "ro"]}, {"ociVersionMax": "2.0.0"}):
        assert list(validator.iter_errors(document | change)), change
    del document["linux"]["cgroup"]["rdma"]
    assert list(validator.iter_errors(document))

"""Cgroups made for real on a pure cgroup v2, in a kernel of their own.

The kernel is booted once for each file of cases, and each case is a test here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import pytest
from support.machine_cases import names_of, run_cases

FILES = {
    name: Path(__file__).resolve().with_name(f"{name}.py")
    for name in ("v2_cases", "v2_verb_cases", "v2_client_cases")
}
TIMEOUT_S = 400  # on a busy machine; they take a tenth of that

pytestmark = pytest.mark.needs("uml", "gcc")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, list[str]]]:
    """Return what runs a file's cases in the small kernel; it gives the faults of each, by its name."""
    return functools.cache(
        lambda file: run_cases(FILES[file], tmp_path_factory.mktemp("share"), timeout_s=TIMEOUT_S)
    )


@pytest.mark.parametrize(("file", "name"), [(file, name) for file in FILES for name in names_of(FILES[file])])
def test_in_the_small_kernel(file: str, name: str, results: Callable[[str], dict[str, list[str]]]) -> None:
    """The case of that name in that file holds."""
    faults = results(file)
    assert name in faults, "the case was not run"
    assert not faults[name], "\n".join(faults[name])

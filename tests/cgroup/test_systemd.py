"""The systemd cgroup driver with a real systemd, the first process of a kernel of its own with cgroup v2.

The kernel is booted once for each file of cases, and each case is a test here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import pytest
from support.machine_cases import names_of, run_cases

HERE = Path(__file__).resolve().parent
CASES = [
    pytest.param(HERE / f"{file}.py", name, marks=pytest.mark.needs(*needs), id=f"{file}-{name}")
    for file, needs in {
        "systemd_cases": ("dbus",),
        "systemd_podman_cases": ("dbus", "busybox", "podman", "crun", "uidmap"),
        "systemd_docker_cases": ("dbus", "busybox", "dockerd", "runc"),
    }.items()
    for name in names_of(HERE / f"{file}.py")
]
TIMEOUT_S = 500  # on a busy machine; the longest takes a fifth of that

pytestmark = pytest.mark.needs("uml", "gcc", "systemd")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], dict[str, list[str]]]:
    """Return what runs a file's cases under systemd; it gives the faults of each, by its name."""
    return functools.cache(
        lambda cases: run_cases(
            cases, tmp_path_factory.mktemp("share"), systemd=True, memory="1G", timeout_s=TIMEOUT_S
        )
    )


@pytest.mark.parametrize(("cases", "name"), CASES)
def test_under_systemd(cases: Path, name: str, results: Callable[[Path], dict[str, list[str]]]) -> None:
    """The case of that name in that file holds."""
    faults = results(cases)
    assert name in faults, "the case was not run"
    assert not faults[name], "\n".join(faults[name])

"""The test house: requirements of the machine, and the fixtures that every kind of test shares.

`@pytest.mark.needs("root", "kvm")` names what a test needs of its machine (support/requirements.py).  Where
something is missing the test is skipped and says what to install; with KRUN_TESTS_STRICT=1 it fails instead.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
# `python -m pytest` puts the working directory first, where krun/ lies without its C module: the tests are
# for the installed package.
sys.path[:] = [path for path in sys.path if Path(path).resolve() != REPOSITORY]

from support import aftermath, bundles, leftovers, requirements  # noqa: E402  # after the path is set right
from support.runner import Runner  # noqa: E402  # after the path is set right

STRICT = "KRUN_TESTS_STRICT"


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker; let property-based tests draw the same cases in each strict run.

    A shell starts what it runs in the background with SIGINT and SIGQUIT ignored, and whoever inherited that
    could not be interrupted.
    """
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGQUIT, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)
    config.addinivalue_line("markers", "needs(*names): what the test needs of its machine")
    config.addinivalue_line("markers", "machine(boot): the machine that the test is about")
    hypothesis.settings.register_profile("strict", derandomize=True)
    if os.environ.get(STRICT) == "1":
        hypothesis.settings.load_profile("strict")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Have this run's cgroups ended with it, also when it is killed."""
    held = aftermath.begin(f"krun-test-{os.getpid()}-", f"krun-test-cgroup-{os.getpid()}-")
    session.config.add_cleanup(lambda: os.close(held))


def _refuse(name: str, reason: str) -> None:
    if os.environ.get(STRICT) == "1" and name not in requirements.OPTIONAL:
        pytest.fail(f"{reason} ({STRICT}=1 allows no skip)", pytrace=False)
    pytest.skip(reason)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, or fail when that is asked for, a test whose machine lacks something."""
    for mark in item.iter_markers("needs"):
        for name in mark.args:
            if name not in requirements.REQUIREMENTS:
                raise pytest.UsageError(f"{item.nodeid}: unknown requirement {name!r}")
            reason = requirements.missing(name)
            if reason is not None:
                _refuse(name, f"needs {name}: {reason}")


@pytest.fixture(scope="session")
def krun() -> Path:
    """Return the path of the installed `krun` command, next to the interpreter that runs the tests."""
    path = Path(sys.executable).parent / "krun"
    if not path.exists():
        pytest.fail(f"krun is not installed: {path} is missing; pip install '.[test]' first", pytrace=False)
    return path


@pytest.fixture
def krun_root(tmp_path: Path) -> Path:
    """Return a private directory for --root."""
    path = tmp_path / "run"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture
def cgroup_name(tmp_path: Path) -> str:
    """Return how the names of this test's top-level cgroups begin; no other test's do."""
    return f"krun-test-{os.getpid()}-{tmp_path.name}."


@pytest.fixture
def nothing_left(tmp_path: Path, krun_root: Path, cgroup_name: str) -> Iterator[None]:
    """Assert at the end of the test that no process, cgroup, mount or state directory is left."""
    yield
    left = leftovers.find(tmp_path, krun_root, cgroup_name)
    leftovers.remove(tmp_path, cgroup_name)
    assert not left, "\n".join(["left behind:", *left])


@pytest.fixture
def bundle(tmp_path: Path, cgroup_name: str) -> bundles.MakeBundle:
    """Return a factory of bundles: the process's arguments, a name, and the options of make_bundle."""

    def make(args: list[str], *, name: str = "bundle", **options: Any) -> bundles.Bundle:
        options.setdefault("cgroups_path", f"/{cgroup_name}{name}")
        return bundles.make_bundle(tmp_path / name, args, **options)

    return make


@pytest.fixture
def runtime(krun: Path, krun_root: Path, tmp_path: Path) -> Runner:
    """Return krun with the private root and the default monitor."""
    return Runner(krun, krun_root, tmp_path / "streams")


@pytest.fixture
def plain_runtime(krun: Path, krun_root: Path, tmp_path: Path) -> Runner:
    """Return krun with the private root and --monitor none."""
    return Runner(krun, krun_root, tmp_path / "streams", monitor="none")


@pytest.fixture(params=["none", pytest.param("builtin", marks=pytest.mark.needs("kvm"))])
def either_runtime(request: pytest.FixtureRequest, krun: Path, krun_root: Path, tmp_path: Path) -> Runner:
    """Return krun with --monitor none, then with the VM."""
    return Runner(krun, krun_root, tmp_path / "streams", monitor=request.param)

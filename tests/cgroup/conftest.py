"""What the cases share that run in a machine of their own, and the machines that run beside the other tests.

`@pytest.mark.machine(boot)` says which machine a test is about.
"""

from __future__ import annotations

from pathlib import Path

import busybox
import pytest
from support import requirements
from support.machine_cases import Boot, Boots

BOOTS = pytest.StashKey[Boots]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put last what waits for a machine."""
    items.sort(key=lambda item: item.get_closest_marker("machine") is not None)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin the machines of those tests that will run."""
    boots = {
        mark.args[0]: None
        for item in session.items
        if _can_run(item)
        for mark in item.iter_markers("machine")
    }
    if boots and not session.config.option.collectonly:
        session.config.stash[BOOTS] = begun = Boots(boots)
        session.config.add_cleanup(begun.end)


def _can_run(item: pytest.Item) -> bool:
    names = (name for mark in item.iter_markers("needs") for name in mark.args)
    return all(requirements.missing(name) is None for name in names)


@pytest.fixture
def faults(request: pytest.FixtureRequest, boot: Boot, name: str) -> list[str]:
    """Wait for the machine `boot`, and return what is wrong with its case `name`."""
    return request.config.stash[BOOTS].faults(boot, name)


@pytest.fixture(scope="session")
def shared_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a root file system for all containers."""
    return busybox.make_tree(tmp_path_factory.mktemp("shared") / "rootfs")

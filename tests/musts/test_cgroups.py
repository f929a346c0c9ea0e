"""config-linux.md#cgroup-ownership and what cannot be converted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from krun.execute import cgroup_v2

pytestmark = pytest.mark.needs("root")


@pytest.mark.parametrize("listed", [True, False], ids=["listed", "not listed"])
def test_only_the_delegated_files_get_the_owner(
    listed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of /sys/kernel/cgroup/delegate, without it the specification's list; a missing one is fine."""
    names = ("cgroup.procs", "cgroup.threads", "cgroup.subtree_control", "memory.oom.group", "memory.max")
    directory = tmp_path / "cgroup"
    directory.mkdir()
    for name in names:
        (directory / name).touch()
    delegate = tmp_path / "delegate"
    if listed:
        delegate.write_text("cgroup.procs\nmemory.oom.group\nnot.there\n")
    monkeypatch.setattr(cgroup_v2, "_DELEGATE", str(delegate))
    cgroup_v2.delegate(str(directory), 12345)
    owned = {entry.name for entry in directory.iterdir() if entry.stat().st_uid == 12345}
    assert owned == (
        {"cgroup.procs", "memory.oom.group"}
        if listed
        else {"cgroup.procs", "cgroup.threads", "cgroup.subtree_control"}
    )
    assert os.stat(directory).st_uid == 12345

"""config-linux.md#cgroup-ownership and #block-io."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from support.bundles import MakeBundle
from support.runner import Runner

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


@pytest.mark.needs("busybox", "cgroup_v1")
@pytest.mark.usefixtures("nothing_left")
def test_a_block_device_is_throttled(plain_runtime: Runner, bundle: MakeBundle, cgroup_name: str) -> None:
    """blockIO.throttle*Device: limits for one device, in bytes and operations for each second."""
    device = next(path for path in sorted(Path("/sys/block").iterdir()) if not path.name.startswith("zram"))
    major, minor = (int(number) for number in (device / "dev").read_text().split(":"))
    kinds = ("ReadBps", "WriteBps", "ReadIOPS", "WriteIOPS")

    def throttle(config: dict[str, Any]) -> None:
        entries = {
            f"throttle{kind}Device": [{"major": major, "minor": minor, "rate": 102400 + number}]
            for number, kind in enumerate(kinds)
        }
        config["linux"]["resources"] = {"blockIO": entries}

    plain_runtime.ok("create", "--bundle", bundle(["true"], change=throttle), "c")
    (directory,) = Path("/sys/fs/cgroup").glob(f"*blkio*/{cgroup_name}bundle")
    for number, kind in enumerate(kinds):
        words = f"{major}:{minor} {102400 + number}\n"
        name = kind.replace("Bps", "_bps").replace("IOPS", "_iops").lower()
        assert (directory / f"blkio.throttle.{name}_device").read_text() == words
    plain_runtime.ok("delete", "c")


@pytest.mark.needs("busybox", "cgroup_v1")
@pytest.mark.usefixtures("nothing_left")
def test_a_second_container_does_not_get_into_the_cgroup_of_the_first(
    plain_runtime: Runner, bundle: MakeBundle
) -> None:
    """config-linux.md#control-groups: the same cgroupsPath is the same place, and that has processes."""
    made = bundle(["sleep", "600"])
    plain_runtime.ok("create", "--bundle", made, "c")
    line = plain_runtime.refused("create", "--bundle", made, "other")
    assert made.config["linux"]["cgroupsPath"] in line
    assert line.endswith(
        f": is not empty: 1 processes, {plain_runtime.state('c')['pid']} for one; "
        "end them, or set another $.linux.cgroupsPath"
    ), line
    assert plain_runtime.state("c")["status"] == "created"
    plain_runtime.ok("delete", "c")
    plain_runtime.ok("create", "--bundle", made, "other")
    plain_runtime.ok("delete", "other")

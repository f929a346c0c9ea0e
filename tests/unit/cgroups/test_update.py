"""What has to be written to a file of a cgroup to have its old value again, and where a process joins."""

from __future__ import annotations

import pytest

from krun.execute.cgroup_join import _below
from krun.execute.cgroup_update import old_value
from krun.plan.resources import Setting


@pytest.mark.parametrize(
    ("file", "value", "text", "old"),
    [
        ("memory.max", "4096", "max\n", "max"),
        ("cpu.max", "5000 20000", "max 100000\n", "max 100000"),
        ("io.weight", "default 50", "default 100\n8:0 30\n", "default 100"),
        ("io.weight", "8:0 50", "default 100\n8:0 30\n", "8:0 30"),
        ("io.weight", "8:16 50", "default 100\n8:0 30\n", "8:16 default"),
        (
            "io.max",
            "8:0 rbps=5",
            "8:0 rbps=7 wbps=max riops=max wiops=max\n",
            "8:0 rbps=7 wbps=max riops=max wiops=max",
        ),
        ("io.max", "8:0 rbps=5", "", "8:0 rbps=max wbps=max riops=max wiops=max"),
        ("blkio.throttle.read_bps_device", "8:0 5", "8:0 7\n", "8:0 7"),
        ("blkio.throttle.read_bps_device", "8:0 5", "", "8:0 0"),
        (
            "rdma.max",
            "mlx4_0 hca_handle=2",
            "mlx4_0 hca_handle=1 hca_object=max\n",
            "mlx4_0 hca_handle=1 hca_object=max",
        ),
    ],
)
def test_old_value(file: str, value: str, text: str, old: str) -> None:
    """One value, or the line of the device that is going to change."""
    assert old_value(Setting("c", file, value, "$.x"), text) == old


@pytest.mark.parametrize(
    ("own", "cgroups", "below"),
    [
        ("/sys/fs/cgroup/c1", "0::/c1\n", ""),
        ("/sys/fs/cgroup/c1", "0::/c1/init.scope\n", "/init.scope"),
        ("/sys/fs/cgroup/a/c1", "0::/host/a/c1/x/y\n", ""),
        ("/sys/fs/cgroup/a/c1", "4:pids:/a/c1/x\n0::/a/c1/x/y\n", "/x/y"),
        ("/sys/fs/cgroup/c1", "0::/other\n", ""),
        ("/sys/fs/cgroup/c1", "4:pids:/c1/x\n", ""),
    ],
)
def test_init_may_have_gone_below(own: str, cgroups: str, below: str) -> None:
    """What its cgroup2 adds to the container's own; nothing for a place that is not below it."""
    assert _below(own, cgroups) == below

"""What update's words mean, and what they leave as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from krun.errors import UsageError
from krun.execute.cgroup_settings import write_settings
from krun.host.cgroups import CgroupFacts, Hierarchy
from krun.plan.update import resources_document, update_settings
from krun.spec.model import Cpu, Memory, Pids, Resources
from krun.sys.cgroups import UNIFIED

V2 = CgroupFacts(
    version="v2",
    unified=Hierarchy(mount="/sys/fs/cgroup", own="/"),
    controllers=("cpu", "cpuset", "io", "memory", "pids"),
)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("4096", 4096),
        ("4096b", 4096),
        ("1k", 1024),
        ("64m", 64 << 20),
        ("64M", 64 << 20),
        ("64MB", 64 << 20),
        ("64MiB", 64 << 20),
        ("1.5g", 3 << 29),
        ("2t", 2 << 40),
        ("-1", -1),
    ],
)
def test_sizes_have_units(text: str, size: int) -> None:
    """Powers of 1024, as docker writes them; -1 is no limit."""
    assert resources_document({"memory": text}) == {"memory": {"limit": size}}


@pytest.mark.parametrize("text", ["much", "1x", "m", "-2", "1.m", ".5m", "1.5.5m", "1 m", "1mm", "1e3"])
def test_what_is_no_size_is_refused(text: str) -> None:
    """With the option's name."""
    with pytest.raises(UsageError, match="--memory: "):
        resources_document({"memory": text})


def test_options_stand_for_properties() -> None:
    """Numbers, lists and nothing for what is not given."""
    given = {"cpu-share": "512", "cpu-quota": "-1", "cpuset-cpus": "0-1", "pids-limit": "", "memory": ""}
    assert resources_document(given) == {"cpu": {"shares": 512, "quota": -1, "cpus": "0-1"}}


def files(resources: Resources) -> dict[str, str]:
    """Return what would be written on v2."""
    return {setting.file: setting.value for setting in update_settings(resources, V2)}


def test_zero_leaves_what_there_is() -> None:
    """Also for pids, where it is a limit in the configuration."""
    zeros = Resources(memory=Memory(limit=0, swap=0, reservation=0), cpu=Cpu(0, 0, 0, 0), pids=Pids(0))
    assert files(zeros) == {}


def test_a_quota_alone_keeps_the_period_on_v2() -> None:
    """The kernel keeps it when one number is written to the file of both."""
    assert files(Resources(cpu=Cpu(quota=5000))) == {"cpu.max": "5000"}
    assert files(Resources(cpu=Cpu(quota=-1))) == {"cpu.max": "max"}
    assert files(Resources(cpu=Cpu(quota=5000, period=20000))) == {"cpu.max": "5000 20000"}


def test_a_period_alone_keeps_the_quota_on_v2(tmp_path: Path) -> None:
    """The kernel wants both in one write, so the quota that there is comes first."""
    (setting,) = update_settings(Resources(cpu=Cpu(period=20000)), V2)
    for before, after in (("max 10000", "max 20000"), ("5000 10000", "5000 20000")):
        (tmp_path / "cpu.max").write_text(before)
        write_settings((setting,), {UNIFIED: str(tmp_path)})
        assert (tmp_path / "cpu.max").read_text() == after

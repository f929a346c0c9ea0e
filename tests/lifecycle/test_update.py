"""`krun update`: the limits of a container that runs, read back from the kernel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import updates
from support.bundles import Bundle, MakeBundle
from support.runner import Runner

pytestmark = [
    pytest.mark.needs("root", "busybox", "cgroup_v1"),
    pytest.mark.usefixtures("nothing_left"),
]

CONFIGS = Path(__file__).resolve().parent.parent / "data" / "configs"
MIB = 1 << 20


class Limited:
    """A running container `c` with limits, and what the kernel says of them."""

    def __init__(self, runner: Runner, bundle: Bundle) -> None:
        """Run it."""
        self.runner, self.bundle = runner, bundle
        runner.ok("run", "--detach", "--bundle", bundle, "c")

    def read(self, controller: str, file: str) -> str:
        """Return the value of a file of its cgroup."""
        path = self.bundle.config["linux"]["cgroupsPath"]
        return Path(f"/sys/fs/cgroup/{controller}{path}/{file}").read_text().strip()

    def found(self) -> dict[str, str]:
        """Return the limits that the tests change."""
        return {
            "memory": self.read("memory", "memory.limit_in_bytes"),
            "swap": self.read("memory", "memory.memsw.limit_in_bytes"),
            "shares": self.read("cpu", "cpu.shares"),
            "quota": self.read("cpu", "cpu.cfs_quota_us"),
            "period": self.read("cpu", "cpu.cfs_period_us"),
            "cpus": self.read("cpuset", "cpuset.cpus"),
            "pids": self.read("pids", "pids.max"),
        }


@pytest.fixture
def limited(plain_runtime: Runner, bundle: MakeBundle) -> Iterator[Limited]:
    """Return a container with limits; it is deleted afterwards."""

    def change(config: dict[str, Any]) -> None:
        config["linux"]["resources"] = {
            "memory": {"limit": 64 * MIB, "swap": 64 * MIB},
            "cpu": {"shares": 512, "quota": 20000, "period": 50000},
            "pids": {"limit": 50},
        }

    yield Limited(plain_runtime, bundle(["sleep", "600"], change=change))
    plain_runtime.ok("delete", "--force", "c")


def test_options_change_what_they_name(limited: Limited) -> None:
    """Sizes with units, numbers and lists; what is not named stays."""
    before = limited.found()
    words = ["--memory", "96m", "--memory-swap", "128MB", "--cpu-share", "256", "--pids-limit", "60"]
    limited.runner.ok("update", *words, "--cpuset-cpus", "0", "c")
    assert limited.found() == before | {
        "memory": str(96 * MIB),
        "swap": str(128 * MIB),
        "shares": "256",
        "pids": "60",
        "cpus": "0",
    }


@pytest.mark.parametrize("as_stdin", [True, False])
def test_resources_come_as_json(limited: Limited, tmp_path: Path, as_stdin: bool) -> None:
    """--resources FILE and -, as dockerd sends them: 0 leaves what there is."""
    before = limited.found()
    for name in ("docker-update-memory", "docker-update-cpu"):
        data = (CONFIGS / f"{name}.resources.json").read_bytes()
        (tmp_path / "file").write_bytes(data)
        words = ["--resources", "-"] if as_stdin else ["--resources", str(tmp_path / "file")]
        limited.runner.ok("update", *words, "c", stdin=data)
    changes = {"memory": str(64 * MIB), "swap": str(128 * MIB), "shares": "512"}
    more = {"quota": "50000", "period": "100000", "cpus": "0", "pids": "50"}
    assert limited.found() == before | changes | more


@pytest.mark.parametrize(
    ("resources", "path"),
    [
        ({"memory": {"limit": 32 * MIB}, "cpu": {"shares": 128, "cpus": "4000"}}, "cpu.cpus"),
        ({"memory": {"limit": 256 * MIB}, "pids": {"limit": 5}}, "memory.limit"),
        ({"cpu": {"shares": 128, "quota": 10}}, "cpu.quota"),
        ({"cpu": {"period": 1}, "pids": {"limit": 5}}, "cpu.period"),
        ({"memory": {"limit": 4096}, "cpu": {"shares": 128}}, "memory.limit"),
    ],
    ids=["cpus", "memory above swap", "quota", "period", "memory below usage"],
)
def test_a_refused_value_changes_nothing(limited: Limited, resources: dict[str, Any], path: str) -> None:
    """The property is named, and what was written before it has its old value again."""
    before = limited.found()
    line = limited.runner.refused("update", "--resources", "-", "c", stdin=json.dumps(resources).encode())
    assert line.startswith(f"krun: $.linux.resources.{path}: ")
    assert limited.found() == before


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--memory", "much", "c"], "--memory: 'much' is not a size"),
        (["--pids-limit", "1.5", "c"], "--pids-limit: '1.5' is not a number"),
        (["--l3-cache-schema", "L3:0=f", "c"], 'cannot update container "c": it has no class of Intel RDT'),
        (["--resources", "/dev/null/r", "c"], "resources /dev/null/r: cannot be read: ENOTDIR"),
        (["--memory", "64m", "other"], 'container "other" does not exist'),
    ],
)
def test_mistakes_have_their_line(limited: Limited, words: list[str], line: str) -> None:
    """Each names what is wrong, and changes nothing."""
    before = limited.found()
    assert limited.runner.refused("update", *words) == f"krun: {line}"
    assert limited.found() == before


def test_limits_beside_a_file_are_ignored(limited: Limited, tmp_path: Path) -> None:
    """As with runc; the log has a warning."""
    before, log = limited.found(), tmp_path / "log"
    words = ["--log", str(log), "--log-level", "warning", "update", "--resources", "-", "--memory", "1g", "c"]
    limited.runner.ok(*words, stdin=b'{"pids":{"limit":33}}')
    assert limited.found() == before | {"pids": "33"}
    assert "the limits of the command line are ignored" in log.read_text()


def test_nothing_to_change_is_no_error(limited: Limited) -> None:
    """All zeros, or no option at all."""
    before = limited.found()
    limited.runner.ok("update", "c")
    limited.runner.ok("update", "--resources", "-", "c", stdin=b'{"memory":{"limit":0},"pids":{"limit":0}}')
    assert limited.found() == before


def test_a_stopped_container_is_not_updated(plain_runtime: Runner, bundle: MakeBundle) -> None:
    """In runc's words."""
    plain_runtime.ok("run", "--keep", "--bundle", bundle(["true"]), "c")
    line = plain_runtime.refused("update", "--memory", "64m", "c")
    assert line == 'krun: cannot update container "c": container not running: stopped'
    plain_runtime.ok("delete", "c")


ALL = """\
memory.limit_in_bytes memory.memsw.limit_in_bytes memory.soft_limit_in_bytes memory.kmem.tcp.limit_in_bytes
cpu.shares cpu.cfs_period_us cpu.cfs_quota_us cpu.cfs_burst_us cpu.idle cpuset.cpus cpuset.mems pids.max
"""
# The kernel has taken any --kernel-memory and any --cpu-share since 5.16 and for ever, respectively.
CANNOT_BE = {
    **updates.CANNOT_BE,
    "--memory": "4096",
    "--memory-reservation": "100000p",
    "--cpuset-mems": "1000",
}
CAN_BE = {**updates.CAN_BE, "--cpuset-cpus": "0", "--cpuset-mems": "0"}


def everything(limited: Limited) -> dict[str, str]:
    """Return all limits of the container that there are files for."""
    path = limited.bundle.config["linux"]["cgroupsPath"]
    files = ((name, Path(f"/sys/fs/cgroup/{name.split('.')[0]}{path}/{name}")) for name in ALL.split())
    return {name: file.read_text() for name, file in files if file.exists()}


@pytest.mark.parametrize("option", CANNOT_BE)
def test_what_cannot_be_applied_leaves_all_as_it_is(limited: Limited, option: str) -> None:
    """Alone, beside one that takes the weight along, and among all that can: none is in force afterwards."""
    before = everything(limited)
    for values in ({}, {"--cpu-idle": "1"}, CAN_BE):
        limited.runner.refused("update", *updates.words({**values, option: CANNOT_BE[option]}), "c")
        assert everything(limited) == before
    limited.runner.ok("update", *updates.words(CAN_BE), "c")
    assert everything(limited) != before


def test_idle_can_be_ended(limited: Limited) -> None:
    """`--cpu-idle 0` is no zero that leaves what there is, and the weight is in force again."""
    limited.runner.ok("update", "--cpu-idle", "1", "c")
    assert limited.read("cpu", "cpu.idle") == "1"
    limited.runner.ok("update", "--cpu-idle", "0", "--cpu-share", "300", "c")
    assert (limited.read("cpu", "cpu.idle"), limited.read("cpu", "cpu.shares")) == ("0", "300")

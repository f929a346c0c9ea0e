"""What test_systemd runs in the small kernel, as a service of systemd's: containers as scopes, and read back.

Not collected by itself: these need root, a systemd as the first process, and a cgroup v2.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support import updates
from support.bundles import make_bundle
from support.shared_root import Krun
from support.systemd import ROOT, show, system_bus, systemctl, units, users_manager

NOBODY = 65534


@pytest.fixture
def systemd(krun: Path, krun_root: Path, tmp_path: Path, shared_root: Path) -> Iterator[Krun]:
    """Return krun without a VM; its container is gone at the end, and with it the unit and the cgroup."""
    made = Krun(krun, krun_root, tmp_path, shared_root, monitor="none", options=["--systemd-cgroup"])
    yield made
    made.ok("delete", "--force", made.id)
    assert not [unit for unit in units() if made.id in unit]
    assert not [path for path in ROOT.rglob("*.scope") if made.id in path.name]


def create(systemd: Krun, cgroups_path: str = "", resources: Mapping[str, Any] | None = None) -> None:
    """Create the container and assert that it succeeds."""
    done = systemd.create(cgroups_path, resources)
    assert done.status == 0, done


def test_a_container_is_a_delegated_scope(systemd: Krun) -> None:
    """SLICE:PREFIX:NAME: the scope has that name, lies in that slice, holds init, and is left to krun."""
    create(systemd, f"machine-test.slice:libpod:{systemd.id}")
    unit = f"libpod-{systemd.id}.scope"
    found = show(unit, "ActiveState", "Slice", "Delegate", "ControlGroup", "Description")
    assert found == {
        "ActiveState": "active",
        "Slice": "machine-test.slice",
        "Delegate": "yes",
        "ControlGroup": f"/machine.slice/machine-test.slice/{unit}",
        "Description": f"krun container {systemd.id}",
    }
    assert Path(f"/proc/{systemd.pid()}/cgroup").read_text() == f"0::{found['ControlGroup']}\n"


def test_without_a_path_it_is_in_the_systems_slice(systemd: Krun) -> None:
    """The same as runc's default, with krun's name in it."""
    create(systemd)
    assert show(f"krun-{systemd.id}.scope", "ControlGroup") == {
        "ControlGroup": f"/system.slice/krun-{systemd.id}.scope"
    }


def test_limits_are_systemds_and_the_kernels(systemd: Krun) -> None:
    """In systemd's words as properties of the unit, in the kernel's in the files."""
    resources = {
        "memory": {"limit": 64 << 20, "swap": 96 << 20, "reservation": 32 << 20},
        "cpu": {"shares": 512, "quota": 50000, "period": 100000},
        "pids": {"limit": 33},
        "unified": {"memory.high": str(48 << 20)},
    }
    create(systemd, f":test:{systemd.id}", resources)
    unit = f"test-{systemd.id}.scope"
    wanted = {
        "MemoryMax": str(64 << 20),
        "MemorySwapMax": str(32 << 20),
        "MemoryLow": str(32 << 20),
        "MemoryHigh": str(48 << 20),
        "TasksMax": "33",
        "CPUQuotaPerSecUSec": "500ms",
        "CPUQuotaPeriodUSec": "100ms",
    }
    assert show(unit, *wanted) == wanted
    own = ROOT / "system.slice" / unit
    files = {name: (own / name).read_text().strip() for name in ("memory.max", "cpu.max", "pids.max")}
    assert files == {"memory.max": str(64 << 20), "cpu.max": "50000 100000", "pids.max": "33"}
    systemctl("daemon-reload")
    assert (own / "memory.max").read_text().strip() == str(64 << 20)


def test_annotations_are_properties(systemd: Krun) -> None:
    """org.systemd.property.*: GVariant's text, seconds as microseconds."""
    annotations = {
        "org.systemd.property.TimeoutStopSec": "123",
        "org.systemd.property.CollectMode": "'inactive-or-failed'",
        "org.systemd.property.TasksMax": "uint64 77",
    }
    systemd.bundle.config["annotations"] = annotations
    create(systemd, f":test:{systemd.id}")
    found = show(f"test-{systemd.id}.scope", "TimeoutStopUSec", "CollectMode", "TasksMax")
    assert found == {
        "TimeoutStopUSec": "2min 3s",
        "CollectMode": "inactive-or-failed",
        "TasksMax": "77",
    }


def test_a_property_that_systemd_does_not_know_is_an_error_and_leaves_nothing(systemd: Krun) -> None:
    """systemd's own words, and neither process nor unit nor state."""
    systemd.bundle.config["annotations"] = {"org.systemd.property.NoSuchProperty": "'x'"}
    done = systemd.create(f":test:{systemd.id}")
    assert done.status == 1
    assert "NoSuchProperty" in done.err
    assert done.err.count("\n") == 1
    assert "does not exist" in systemd.refused("state", systemd.id)


def test_the_whole_life(systemd: Krun) -> None:
    """Create, start, exec, ps, pause, resume, events, kill, delete, all through the scope."""
    create(systemd, f":test:{systemd.id}")
    id = systemd.id
    systemd.ok("start", id)
    where = f"0::/system.slice/test-{id}.scope\n"
    assert systemd.ok("exec", id, "cat", "/proc/self/cgroup").out == where
    assert json.loads(systemd.ok("ps", "--format", "json", id).out) == [systemd.pid()]
    systemd.ok("pause", id)
    assert systemd.state(id)["status"] == "paused"
    systemd.ok("resume", id)
    assert json.loads(systemd.ok("events", "--stats", id).out)["data"]["pids"]["current"] == 1
    ended = os.pidfd_open(systemd.pid())
    systemd.ok("kill", id, "KILL")
    assert select.select([ended], [], [], 60)[0]
    os.close(ended)
    systemd.ok("delete", id)


def test_update_tells_systemd(systemd: Krun) -> None:
    """A limit that systemd does not know would be undone by its reload; a refused one changes nothing."""
    create(systemd, f":test:{systemd.id}", {"memory": {"limit": 64 << 20, "swap": 64 << 20}})
    systemd.ok("start", systemd.id)
    unit = f"test-{systemd.id}.scope"
    systemd.ok("update", "--memory", "96m", "--cpu-quota", "5000", "--cpu-period", "20000", systemd.id)
    systemd.ok("update", "--cpu-quota", "10000", systemd.id)
    assert show(unit, "MemoryMax", "CPUQuotaPerSecUSec") == {
        "MemoryMax": str(96 << 20),
        "CPUQuotaPerSecUSec": "500ms",
    }
    systemctl("daemon-reload")
    own = ROOT / "system.slice" / unit
    assert (own / "memory.max").read_text() == f"{96 << 20}\n"
    assert (own / "cpu.max").read_text() == "10000 20000\n"
    refused = systemd.refused("update", "--memory", "32m", "--cpu-quota", "10", systemd.id)
    assert "$.linux.resources.cpu.quota: " in refused
    assert show(unit, "MemoryMax") == {"MemoryMax": str(96 << 20)}
    assert (own / "memory.max").read_text() == f"{96 << 20}\n"


# What is asked of `update`, one call each: the properties, and the files, that are changed by it.
UPDATES: tuple[tuple[str, dict[str, str], dict[str, str]], ...] = (
    ("--memory 60m", {"MemoryMax": str(60 << 20)}, {"memory.max": str(60 << 20)}),
    ("--memory-reservation 30m", {"MemoryLow": str(30 << 20)}, {"memory.low": str(30 << 20)}),
    ("--memory 60m --memory-swap 80m", {"MemorySwapMax": str(20 << 20)}, {"memory.swap.max": str(20 << 20)}),
    ("--cpu-period 40000", {"CPUQuotaPeriodUSec": "40ms", "CPUQuotaPerSecUSec": "500ms"}, {}),
    ("--cpu-quota 10000", {"CPUQuotaPerSecUSec": "250ms"}, {"cpu.max": "10000 40000"}),
    ("--cpu-burst 5000", {}, {"cpu.max.burst": "5000"}),
    ("--cpu-share 256", {"CPUWeight": "35"}, {"cpu.weight": "35"}),
    ("--pids-limit 44", {"TasksMax": "44"}, {"pids.max": "44"}),
    ("--cpu-idle 1", {"CPUWeight": "idle"}, {"cpu.idle": "1", "cpu.weight": "0"}),
)


def test_each_option_of_update_is_systemds_too(systemd: Krun) -> None:
    """In the unit and in the files, also after a reload; of what cannot be, nothing is in either."""
    resources = {
        "memory": {"limit": 64 << 20},
        "cpu": {"quota": 20000, "period": 50000},
        "pids": {"limit": 50},
    }
    create(systemd, f":test:{systemd.id}", resources=resources)
    unit = f"test-{systemd.id}.scope"
    own = ROOT / "system.slice" / unit
    properties: dict[str, str] = {}
    files: dict[str, str] = {}
    for words, changed, written in UPDATES:
        systemd.ok("update", *words.split(), systemd.id)
        properties |= changed
        files |= written
        assert show(unit, *properties) == properties, words
        assert {name: (own / name).read_text().strip() for name in files} == files, words
    for option, value in {**updates.CANNOT_BE, **updates.NOT_ON_V2}.items():
        given = {"--memory": "48m", "--pids-limit": "9", option: value}
        systemd.refused("update", *updates.words(given), systemd.id)
        assert {name: (own / name).read_text().strip() for name in files} == files, option
    assert show(unit, *properties) == properties
    systemctl("daemon-reload")
    assert {name: (own / name).read_text().strip() for name in files} == files


def test_idle_and_no_more_tasks_outlive_a_reload(systemd: Krun) -> None:
    """systemd would put back its own weight and its own limit of tasks, had it not been told."""
    create(systemd, f":test:{systemd.id}", {"cpu": {"idle": 1}, "pids": {"limit": 0}})
    own = ROOT / f"system.slice/test-{systemd.id}.scope"
    systemctl("daemon-reload")
    # One task is there: a limit of 1, systemd's least, is the same as none more.
    assert [(own / name).read_text() for name in ("cpu.idle", "pids.max")] == ["1\n", "1\n"]
    systemd.ok("update", "--cpu-idle", "0", "--cpu-share", "512", systemd.id)
    systemctl("daemon-reload")
    assert [(own / name).read_text() for name in ("cpu.idle", "cpu.weight")] == ["0\n", "59\n"]


def test_all_that_systemd_has_a_word_for_outlives_a_reload(systemd: Krun) -> None:
    """What is left to the files alone stays there as well: systemd does not write those."""
    resources = {
        "memory": {"limit": 64 << 20, "swap": 96 << 20, "reservation": 32 << 20},
        "cpu": {"shares": 512, "quota": 20000, "period": 50000, "burst": 3000},
        "pids": {"limit": 33},
        "unified": {"memory.high": "48M", "memory.min": str(1 << 20), "cgroup.max.depth": "3"},
    }
    create(systemd, f":test:{systemd.id}", resources)
    own = ROOT / f"system.slice/test-{systemd.id}.scope"
    memory = "memory.max memory.swap.max memory.low memory.high memory.min"
    others = "cpu.weight cpu.max cpu.max.burst pids.max cgroup.max.depth"
    before = {name: (own / name).read_text() for name in f"{memory} {others}".split()}
    systemctl("daemon-reload")
    systemctl("set-property", "--runtime", f"test-{systemd.id}.scope", "MemoryLow=16M")
    after = {name: (own / name).read_text() for name in before}
    assert before["memory.high"] == f"{48 << 20}\n"
    assert before["memory.low"] == f"{32 << 20}\n"
    assert after == {**before, "memory.low": f"{16 << 20}\n"}


def test_an_end_by_lack_of_memory_leaves_no_failed_unit(systemd: Krun) -> None:
    """systemd remembers such a scope as failed, until it is told to forget it."""
    script = "x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done"
    limit = {"memory": {"limit": 16 << 20, "swap": 16 << 20}}
    systemd.bundle.config["process"]["args"] = ["sh", "-c", script]
    create(systemd, f":test:{systemd.id}", limit)
    ended = os.pidfd_open(systemd.pid())
    systemd.ok("start", systemd.id)
    assert select.select([ended], [], [], 60)[0]
    os.close(ended)
    systemd.ok("delete", systemd.id)
    assert show(f"test-{systemd.id}.scope", "LoadState") == {"LoadState": "not-found"}
    create(systemd, f":test:{systemd.id}")


@pytest.fixture
def bus() -> Iterator[None]:
    """Start the system's bus, with systemd on it."""
    with system_bus():
        yield


@pytest.mark.usefixtures("bus")
def test_the_bus_serves_as_the_private_socket_does(systemd: Krun) -> None:
    """Made, changed and ended over D-Bus's own socket, which most hosts have; nothing else is asked."""
    private = Path("/run/systemd/private")
    private.rename("/run/systemd/hidden")
    try:
        create(systemd, f":test:{systemd.id}", {"memory": {"limit": 64 << 20, "swap": 64 << 20}})
        systemd.ok("start", systemd.id)
        systemd.ok("update", "--memory", "96m", systemd.id)
        systemd.ok("delete", "--force", systemd.id)
    finally:
        Path("/run/systemd/hidden").rename(private)
    assert show(f"test-{systemd.id}.scope", "LoadState") == {"LoadState": "not-found"}


def test_a_plain_users_container_is_a_scope_of_their_own_manager(krun: Path) -> None:
    """In the user's part of the tree, limited, and gone with its end."""

    def change(config: dict[str, Any]) -> None:
        config["linux"]["resources"] = {"memory": {"limit": 64 << 20}, "pids": {"limit": 33}}
        config["linux"]["namespaces"].append({"type": "user"})
        for name in ("uidMappings", "gidMappings"):
            config["linux"][name] = [{"containerID": 0, "hostID": NOBODY, "size": 1}]
        config["mounts"] = [mount for mount in config["mounts"] if mount["destination"] in ("/proc", "/dev")]

    script = "cat /proc/self/cgroup"
    # Where that user can walk to it, wherever it is installed.
    visible = Path("/run/visible")
    visible.mkdir()
    subprocess.run(["mount", "--bind", str(krun.parent.parent), str(visible)], check=True)
    base = (str(visible / "bin" / krun.name), "--monitor", "none", "--systemd-cgroup")
    with users_manager(NOBODY, {}) as call:
        folder = Path(f"/run/user/{NOBODY}/bundle")
        bundle = make_bundle(folder, ["sh", "-c", script], change, cgroups_path=":test:mine")
        done = call(*base, "run", "--bundle", str(bundle), "mine")
    manager = f"/user.slice/user-{NOBODY}.slice/user@{NOBODY}.service"
    assert (done.out, done.err) == (f"0::{manager}/user.slice/test-mine.scope\n", "")
    assert not list((ROOT / manager[1:]).rglob("test-mine.scope"))

"""The installed `krun plan` and `krun features`, as a user calls them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Return a bundle whose image has a passwd."""
    (tmp_path / "rootfs" / "etc").mkdir(parents=True)
    (tmp_path / "rootfs" / "etc" / "passwd").write_text("root:x:0:0:root:/home/boss:/bin/sh\n")
    document = {
        "ociVersion": "1.0.2",
        "root": {"path": "rootfs"},
        "process": {"user": {"uid": 0, "gid": 0}, "args": ["sh"], "cwd": "/", "terminal": True},
        "linux": {"namespaces": [{"type": "mount"}, {"type": "pid"}]},
    }
    (tmp_path / "config.json").write_text(json.dumps(document))
    return tmp_path


def run(krun: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run krun with cgroups left out, so that the plan is the same on every host."""
    command = [str(krun), "--cgroup-manager", "disabled", "--monitor", "none", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)


def test_plan_of_the_working_directory(krun: Path, bundle: Path) -> None:
    """Without `--bundle`, as runc; a terminal needs no console socket to be planned."""
    done = run(krun, bundle, "plan")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[:2] == [
        "op 0: make namespaces: pid mount",
        "op 1: make the container's init",
    ]
    assert "join the session keyring _ses.container" in done.stdout


def test_plan_as_json_knows_the_user_s_home(krun: Path, bundle: Path) -> None:
    """The image's passwd is looked up as `create` does."""
    done = run(krun, bundle.parent, "plan", "--bundle", str(bundle), "--json", "c1")
    program = json.loads(done.stdout)["program"]
    assert program[-1]["op"] == "EXECUTE"
    assert program[-1]["operands"]["env"] == ["HOME=/home/boss"]


def test_plan_changes_nothing(krun: Path, bundle: Path) -> None:
    """No file is made or touched."""
    before = {path: path.stat().st_mtime_ns for path in bundle.rglob("*")}
    run(krun, bundle, "plan")
    assert {path: path.stat().st_mtime_ns for path in bundle.rglob("*")} == before


def test_plan_that_cannot_be_made_is_the_error_of_create(krun: Path, bundle: Path) -> None:
    """One line, and nothing on standard output."""
    config = json.loads((bundle / "config.json").read_text())
    (bundle / "config.json").write_text(json.dumps({**config, "vm": {"kernel": {"path": "/k"}}}))
    done = run(krun, bundle, "plan")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "krun: $.vm.kernel: krun's virtual machine has no kernel to boot\n"


def test_features_are_json_and_nothing_else(krun: Path, tmp_path: Path) -> None:
    """CRI-O reads both streams together."""
    done = run(krun, tmp_path, "features")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["ociVersionMax"] == "1.3.0"

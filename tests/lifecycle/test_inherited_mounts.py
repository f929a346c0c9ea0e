"""A container without a mount namespace: its mounts stand in the runtime's, and go when it is deleted.

config-linux.md#namespaces: a type that is not listed is inherited.  No client asks for it for mounts.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from support.bundles import MakeBundle
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]


def without_namespaces(config: dict[str, Any]) -> None:
    """Inherit everything; the covered paths would be the host's own."""
    config["linux"]["namespaces"] = []
    config["linux"]["maskedPaths"] = config["linux"]["readonlyPaths"] = []
    del config["hostname"]


def mounts() -> str:
    """Return the runtime's mounts."""
    return Path("/proc/self/mountinfo").read_text()


def test_every_namespace_is_inherited(runner: Runner, bundle: MakeBundle) -> None:
    """If a namespace type is not specified, the container MUST inherit the runtime namespace of that type."""
    runner.ok("create", "--bundle", bundle(["sleep", "600"], change=without_namespaces), "c")
    pid = runner.state("c")["pid"]
    for name in ("mnt", "pid", "net", "ipc", "uts", "cgroup", "user", "time"):
        assert os.readlink(f"/proc/{pid}/ns/{name}") == os.readlink(f"/proc/self/ns/{name}")
    runner.ok("delete", "--force", "c")


def test_the_payload_has_its_root_and_its_mounts(runner: Runner, bundle: MakeBundle) -> None:
    """They are the configuration's, and after the deletion the host is as it was."""
    script = "echo /*; test -c /dev/null && test -d /proc/self && touch /dev/shm/x && echo mounted"
    made = bundle(["sh", "-c", script], change=without_namespaces)
    before = mounts()
    result = runner.ok("run", "--bundle", made, "c")
    root = " ".join(f"/{name}" for name in sorted(os.listdir(made.rootfs)))
    assert result.out.splitlines() == [root, "mounted"]
    assert not (made.rootfs / "dev/shm/x").exists()
    assert mounts() == before


def test_what_a_failed_create_has_mounted_is_taken_back(runner: Runner, bundle: MakeBundle) -> None:
    """A create that fails leaves no mount."""
    made = bundle(["/missing"], change=without_namespaces)
    before = mounts()
    runner.refused("create", "--bundle", made, "c")
    assert mounts() == before


def test_a_mount_of_the_callers_on_the_root_stays(runner: Runner, bundle: MakeBundle, tmp_path: Path) -> None:
    """Overlays are mounted where the root is: only what the container brought goes."""
    made = bundle(["true"], change=without_namespaces)
    os.rename(made.rootfs, tmp_path / "tree")
    made.rootfs.mkdir()
    assert os.spawnlp(os.P_WAIT, "mount", "mount", "--bind", str(tmp_path / "tree"), str(made.rootfs)) == 0
    before = mounts()
    runner.ok("create", "--bundle", made, "c")
    assert mounts() != before
    runner.ok("delete", "--force", "c")
    assert mounts() == before
    assert os.spawnlp(os.P_WAIT, "umount", "umount", str(made.rootfs)) == 0


def test_it_cannot_be_joined(runner: Runner, bundle: MakeBundle) -> None:
    """Its root does not come with a mount namespace."""
    runner.ok("create", "--bundle", bundle(["sleep", "600"], change=without_namespaces), "c")
    result = runner("exec", "c", "true")
    assert result.status == 255
    assert "it is in the mount namespace of the runtime" in result.err
    runner.ok("delete", "--force", "c")


def test_what_a_killed_create_has_mounted_is_removed_by_force(runner: Runner, bundle: MakeBundle) -> None:
    """The record names the mount before it is made."""
    killer = {"path": "/bin/sh", "args": ["sh", "-c", "kill -9 $PPID"]}
    made = bundle(["sleep", "600"], change=without_namespaces, hooks={"createRuntime": [killer]})
    before = mounts()
    assert runner("create", "--bundle", made, "c").status == -signal.SIGKILL
    assert mounts() != before
    runner.ok("delete", "--force", "c")
    assert mounts() == before


def test_a_bundle_behind_a_link_is_unmounted_all_the_same(
    runner: Runner, bundle: MakeBundle, tmp_path: Path
) -> None:
    """The kernel knows mount points by their paths without links."""
    made = bundle(["sleep", "600"], change=without_namespaces, name="with spaces")
    (tmp_path / "link").symlink_to(made.path)
    before = mounts()
    runner.ok("create", "--bundle", tmp_path / "link", "c")
    assert mounts() != before
    runner.ok("delete", "--force", "c")
    assert mounts() == before

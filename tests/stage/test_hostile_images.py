"""An image with links where mounts and devices go gets an error or its own files, never the host's."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from support.stage import DEV, NULL, PROC, StageRunner, opening, shell

from krun.plan import ops

pytestmark = pytest.mark.needs("root", "busybox")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Return a directory of the host that no container may touch."""
    path = tmp_path / "outside"
    path.mkdir()
    (path / "secret").write_text("secret\n")
    return path


def tree(path: Path) -> list[str]:
    """List everything below a directory."""
    return sorted(str(p) for p in path.rglob("*"))


@pytest.mark.parametrize("climb", ["", "/../../../../../../../.."])
def test_mount_target_behind_a_link_stays_in_the_root(
    stage: StageRunner, root: Path, outside: Path, climb: str
) -> None:
    """CVE-2019-18837, CVE-2021-30465: a link in the destination is the container's, not the host's."""
    (root / "link").symlink_to(f"{climb}{outside}")
    before = tree(outside)
    mount = ops.Mount("tmpfs", "tmpfs", (), "/link/sub", 0, 0, 0)
    outcome = stage.run([*opening(root), mount, ops.PivotRoot(), *shell(f"ls {outside}")])
    assert outcome.output == "sub\n"
    assert tree(outside) == before


def test_mount_follows_links_within_the_root(stage: StageRunner, root: Path) -> None:
    """An absolute link means the container's root: /var/run -> /run is what images have."""
    (root / "run").mkdir()
    (root / "var").mkdir()
    (root / "var/run").symlink_to("/run")
    mount = ops.Mount("tmpfs", "tmpfs", (), "/var/run/secrets", 0, 0, 0)
    outcome = stage.run([*opening(root), mount, ops.PivotRoot(), *shell("ls /run")])
    assert outcome.output == "secrets\n"


def test_bind_makes_no_file_outside(stage: StageRunner, root: Path, outside: Path, tmp_path: Path) -> None:
    """CVE-2024-45310: making a mount point makes nothing on the host."""
    (tmp_path / "source").write_text("x")
    (root / "file").symlink_to(outside / "made")
    bind = ops.Bind(str(tmp_path / "source"), "/file", 0, 0, 0, 0, 0)
    outcome = stage.run([*opening(root), bind, ops.PivotRoot(), *shell(f"cat {outside}/made")])
    assert outcome.output == "x"
    assert not (outside / "made").exists()


def test_bind_on_a_dangling_link_makes_its_target(stage: StageRunner, root: Path, tmp_path: Path) -> None:
    """Images have /etc/resolv.conf as a link to what systemd would have made."""
    (tmp_path / "resolv.conf").write_text("nameserver 192.0.2.1\n")
    (root / "etc/resolv.conf").symlink_to("../run/systemd/resolve/stub-resolv.conf")
    bind = ops.Bind(str(tmp_path / "resolv.conf"), "/etc/resolv.conf", 0, 0, 0, 0, 0)
    outcome = stage.run([*opening(root), bind, ops.PivotRoot(), *shell("cat /etc/resolv.conf")])
    assert outcome.output == "nameserver 192.0.2.1\n"


@pytest.mark.parametrize(
    "operation", [NULL, ops.MakeSymlink("/proc/self/fd", "/dev/fd"), ops.BindDevice("/dev/null", "/dev/null")]
)
def test_dev_that_is_a_link_gets_no_device(
    stage: StageRunner, root: Path, outside: Path, operation: ops.Operation
) -> None:
    """CVE-2026-41579: /dev of the image is a link, and nodes would be made on the host."""
    (root / "dev").rmdir()
    (root / "dev").symlink_to(outside)
    before = tree(outside)
    outcome = stage.run([*opening(root), operation])
    assert outcome.error is not None
    assert outcome.error[1].startswith("ELOOP")
    assert tree(outside) == before


def test_proc_that_is_a_link_is_refused(stage: StageRunner, root: Path) -> None:
    """CVE-2019-19921: procfs is only mounted on a real directory."""
    (root / "proc").rmdir()
    (root / "proc").symlink_to("tmp")
    outcome = stage.run([*opening(root), PROC])
    assert outcome.error == (6, "ELOOP make the directory /proc")


@pytest.mark.parametrize(
    "destination", ["/proc", "/proc/self", "//proc/./sys", "/proc/1/attr", "/link/sys", "/tmp/../proc"]
)
def test_proc_is_not_covered(stage: StageRunner, root: Path, destination: str) -> None:
    """CVE-2019-16884, CVE-2023-27561: masks and labels are not to go to a fake /proc."""
    (root / "link").symlink_to("/proc")
    outcome = stage.run([*opening(root), PROC, ops.Mount("tmpfs", "tmpfs", (), destination, 0, 0, 0)])
    assert outcome.error == (7, f"EINVAL mount on {destination}: /proc must not be covered")


def test_files_that_lxcfs_replaces_may_be_covered(stage: StageRunner, root: Path, tmp_path: Path) -> None:
    """A short list of files below /proc may be bound, as in runc."""
    (tmp_path / "uptime").write_text("1.00 1.00\n")
    bind = ops.Bind(str(tmp_path / "uptime"), "/proc/uptime", 0, 0, 0, 0, 0)
    outcome = stage.run([*opening(root), PROC, bind, ops.PivotRoot(), *shell("cat /proc/uptime")])
    assert outcome.output == "1.00 1.00\n"


def test_null_that_is_a_link_masks_nothing(stage: StageRunner, root: Path) -> None:
    """CVE-2025-31133: masking must not bind what the image has put at /dev/null."""
    (root / "dev/null").symlink_to("/etc/target")
    (root / "etc/target").write_text("")
    outcome = stage.run([*opening(root), PROC, ops.PivotRoot(), ops.MaskPath("/proc/timer_list")])
    assert outcome.error is not None
    assert outcome.error[1].startswith("ELOOP open /dev/null for masking")


def test_null_that_is_a_file_masks_nothing(stage: StageRunner, root: Path) -> None:
    """Only character device 1:3 is the null device."""
    (root / "dev/null").write_text("")
    outcome = stage.run([*opening(root), PROC, ops.PivotRoot(), ops.MaskPath("/proc/timer_list")])
    assert outcome.error == (8, "ENODEV /dev/null is not the null device")


def test_fake_ptmx_is_not_opened(stage: StageRunner, root: Path) -> None:
    """CVE-2025-52565: the terminal comes from a devpts, not from what lies at its path."""
    (root / "dev/pts").mkdir()
    (root / "dev/pts/ptmx").write_text("")
    outcome = stage.run([*opening(root), ops.Terminal(24, 80)])
    assert outcome.error == (6, "ENODEV /dev/pts/ptmx is not on a devpts")


@pytest.mark.parametrize("directory", ["/proc/self/fd/0", "/proc/self/cwd", "/proc/1/root"])
def test_working_directory_through_a_magic_link_is_refused(
    stage: StageRunner, root: Path, directory: str
) -> None:
    """CVE-2024-21626: /proc/self/fd/N as working directory leads out."""
    outcome = stage.run([*opening(root), PROC, ops.PivotRoot(), ops.ChangeDirectory(directory)])
    assert outcome.error is not None
    assert outcome.error[1] == f"ELOOP change the directory to {directory}"


def test_device_over_another_file_is_refused(stage: StageRunner, root: Path) -> None:
    """Config-linux.md: what exists and is not the device is an error."""
    (root / "dev/null").write_text("")
    assert stage.run([*opening(root), NULL]).error == (
        6,
        "EEXIST make the device /dev/null: something else is there",
    )


def test_same_device_is_accepted(stage: StageRunner, root: Path) -> None:
    """Config-linux.md: a node that already matches is fine."""
    again = ops.MakeDevice("/dev/null", stat.S_IFCHR, 1, 3, 0o600, 0, 0)
    outcome = stage.run([*opening(root), DEV, NULL, again, ops.PivotRoot(), *shell("stat -c %a /dev/null")])
    assert outcome.output == "666\n"

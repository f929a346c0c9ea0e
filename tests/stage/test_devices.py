"""MAKE_DIRECTORY, MAKE_SYMLINK, MAKE_DEVICE, BIND_DEVICE, MASK_PATH, READONLY_PATH."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from support.stage import DEV, NULL, PROC, StageRunner, opening, shell

from krun.plan import ops

pytestmark = pytest.mark.needs("root", "busybox")


def test_device_has_numbers_mode_and_owner(stage: StageRunner, root: Path) -> None:
    """A node is what the configuration says, whatever the umask."""
    device = ops.MakeDevice("/dev/net/tun", stat.S_IFCHR, 10, 200, 0o662, 7, 8)
    outcome = stage.run(
        [*opening(root), DEV, device, ops.PivotRoot(), *shell("stat -c '%F %t:%T %a %u:%g' /dev/net/tun")]
    )
    assert outcome.output == "character special file a:c8 662 7:8\n"


def test_fifo_and_block_device(stage: StageRunner, root: Path) -> None:
    """The other two kinds of node."""
    program = [
        *opening(root),
        ops.MakeDevice("/dev/pipe", stat.S_IFIFO, 0, 0, 0o600, 0, 0),
        ops.MakeDevice("/dev/disk", stat.S_IFBLK, 7, 1, 0o600, 0, 0),
        ops.PivotRoot(),
        *shell("stat -c %F /dev/pipe /dev/disk"),
    ]
    assert stage.run(program).output == "fifo\nblock special file\n"


def test_bound_device_is_the_hosts(stage: StageRunner, root: Path) -> None:
    """Where no node can be made, the host's is bound."""
    program = [*opening(root), DEV, ops.BindDevice("/dev/zero", "/dev/zero"), ops.PivotRoot()]
    outcome = stage.run(
        [*program, *shell("stat -c %t:%T /dev/zero; cat /proc/x 2>/dev/null; echo x > /dev/zero && echo ok")]
    )
    assert outcome.output == "1:5\nok\n"


def test_only_devices_are_bound_as_devices(stage: StageRunner, root: Path) -> None:
    """A file of the host is no device."""
    outcome = stage.run([*opening(root), ops.BindDevice("/etc/passwd", "/dev/x")])
    assert outcome.error == (6, "ENODEV /etc/passwd is not a device")


def test_link_is_made_and_an_existing_one_stays(stage: StageRunner, root: Path) -> None:
    """Default links do not replace what the image has."""
    program = [
        *opening(root),
        ops.MakeSymlink("/proc/self/fd", "/dev/fd"),
        ops.MakeSymlink("other", "/dev/fd"),
        ops.PivotRoot(),
        *shell("readlink /dev/fd"),
    ]
    assert stage.run(program).output == "/proc/self/fd\n"


def test_directory_is_made_with_all_above_it(stage: StageRunner, root: Path) -> None:
    """Every part that is missing is made, with the mode that is asked for."""
    made = ops.MakeDirectory("/a//b/./c", 0o705)
    outcome = stage.run([*opening(root), made, ops.PivotRoot(), *shell("stat -c %a /a /a/b /a/b/c")])
    assert outcome.output == "705\n705\n705\n"


def test_directory_below_a_file_fails(stage: StageRunner, root: Path) -> None:
    """The error names the path."""
    (root / "file").write_text("")
    outcome = stage.run([*opening(root), ops.MakeDirectory("/file/sub", 0o755)])
    assert outcome.error == (6, "ENOTDIR make the directory /file/sub")


def test_masked_paths_are_empty(stage: StageRunner, root: Path) -> None:
    """A masked file reads as /dev/null, a masked directory is empty and read-only, a missing path is fine."""
    for name in ("one", "two"):
        (root / "data" / name).mkdir()
        (root / "data" / name / "secret").write_text("x")
    (root / "data/file").write_text("secret")
    masks = [ops.MaskPath(f"/data/{name}") for name in ("file", "one", "two", "missing", "file/below")]
    script = (
        "cat /data/file; ls /data/one /data/two; touch /data/one/x || echo refused; stat -c %t:%T /data/file"
    )
    outcome = stage.run([*opening(root), DEV, NULL, ops.PivotRoot(), *masks, *shell(script)])
    assert outcome.error is None
    assert outcome.output == "/data/one:\n\n/data/two:\nrefused\n1:3\n"


def test_readonly_paths_cannot_be_written(stage: StageRunner, root: Path) -> None:
    """Files and directories become read-only, a missing path is fine."""
    (root / "data/file").write_text("kept")
    (root / "data/dir").mkdir()
    program = [
        *opening(root),
        PROC,
        ops.PivotRoot(),
        *(ops.ReadonlyPath(path) for path in ("/data/file", "/data/dir", "/proc/sys", "/missing")),
        *shell(
            "(echo x > /data/file) || echo file; touch /data/dir/x || echo dir;"
            " (echo x > /proc/sys/kernel/hostname) || echo sys; cat /data/file"
        ),
    ]
    assert stage.run(program).output == "file\ndir\nsys\nkept"

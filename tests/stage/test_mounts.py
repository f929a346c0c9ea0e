"""MOUNT, BIND, SET_MOUNT and the root's own operations."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import stage as s
from support.stage import PROC, StageRunner, opening, shell

from krun.plan import ops
from krun.sys import native

pytestmark = pytest.mark.needs("root", "busybox")

RO = s.MOUNT_ATTR_RDONLY
MNT_DETACH = 2


def mountinfo(outcome: s.Outcome) -> dict[str, list[str]]:
    """Read mount point -> fields from the payload's output."""
    return {line.split()[4]: line.split() for line in outcome.output.splitlines()}


SHOW = "cat /proc/self/mountinfo"


def test_new_file_system_has_its_parameters_and_attributes(stage: StageRunner, root: Path) -> None:
    """Parameters go to the file system, attributes to the mount."""
    mount = ops.Mount("tmpfs", "scratch", ("size=64k", "mode=1750"), "/data", s.MOUNT_ATTR_NOSUID | RO, 0, 0)
    outcome = stage.run([*opening(root), PROC, mount, ops.PivotRoot(), *shell(f"{SHOW}")])
    fields = mountinfo(outcome)["/data"]
    assert {"nosuid", "ro"} <= set(fields[5].split(","))
    assert fields[fields.index("-") + 1 : fields.index("-") + 3] == ["tmpfs", "scratch"]
    assert {"size=64k", "mode=1750"} <= set(fields[-1].split(","))


def test_tmpfs_keeps_the_mode_of_what_it_covers(stage: StageRunner, root: Path) -> None:
    """As runc: a tmpfs on /tmp stays 1777 unless the configuration gives a mode."""
    (root / "tmp").chmod(0o1777)
    mount = ops.Mount("tmpfs", "tmpfs", (), "/tmp", RO, 0, 0)
    outcome = stage.run([*opening(root), mount, ops.PivotRoot(), *shell("stat -c %a /tmp")])
    assert outcome.output == "1777\n"


def test_tmpfs_that_covers_nothing_is_for_everybody(stage: StageRunner, root: Path) -> None:
    """Where the image has no such directory, a container's plain user has to be able to write."""
    mount = ops.Mount("tmpfs", "tmpfs", (), "/scratch", 0, 0, 0)
    outcome = stage.run([*opening(root), mount, ops.PivotRoot(), *shell("stat -c %a /scratch")])
    assert outcome.output == "1777\n"


@pytest.fixture
def covered(root: Path) -> Path:
    """Return a directory of the image's with everything in it that can be copied, and a device."""
    place = root / "covered"
    (place / "deep" / "er").mkdir(parents=True)
    (place / "deep" / "er" / "file").write_text("content\n")
    (place / "deep" / "er" / "file").chmod(0o4755)
    (place / "private").write_text("")
    os.chown(place / "private", 12, 34)
    (place / "private").chmod(0o600)
    (place / "link").symlink_to("/etc/passwd")
    os.chown(place / "link", 5, 6, follow_symlinks=False)
    os.mkfifo(place / "pipe", 0o640)
    os.mknod(place / "null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    for path in (place / "deep" / "er" / "file", place / "deep" / "er", place / "deep", place / "private"):
        os.utime(path, (1e9, 1.1e9))
    place.chmod(0o1777)
    os.chown(place, 7, 8)
    return place


def copied(size: str = "1m") -> ops.Mount:
    """Return a tmpfs on the directory that begins with a copy of it."""
    return ops.Mount("tmpfs", "tmpfs", (f"size={size}",), "/covered", 0, 0, 0, 1)


def test_tmpfs_begins_with_a_copy_of_what_it_covers(stage: StageRunner, root: Path, covered: Path) -> None:
    """Directories, files, links and FIFOs, with owners, modes and times; no devices."""
    times = {path: int((covered / path).stat().st_mtime) for path in (".", "pipe")}
    show = "cd /covered; stat -c '%n %F %a %u:%g %Y' . deep deep/er deep/er/file private pipe"
    outcome = stage.run(
        [
            *opening(root),
            copied(),
            ops.PivotRoot(),
            *shell(f"{show}; stat -c '%N %u:%g' link; cat deep/er/file; ls; touch deep/new private"),
        ]
    )
    assert outcome.error is None
    assert outcome.output.splitlines() == [
        f". directory 1777 7:8 {times['.']}",
        "deep directory 755 0:0 1100000000",
        "deep/er directory 755 0:0 1100000000",
        "deep/er/file regular file 4755 0:0 1100000000",
        "private regular empty file 600 12:34 1100000000",
        f"pipe fifo 640 0:0 {times['pipe']}",
        "'link' -> '/etc/passwd' 5:6",
        "content",
        *sorted(["deep", "link", "pipe", "private"]),
    ]
    assert not (covered / "deep" / "new").exists()


def test_copy_is_bounded_by_the_size_of_the_tmpfs(stage: StageRunner, root: Path, covered: Path) -> None:
    """What does not fit is an error that names it."""
    (covered / "large").write_bytes(b"x" * 100_000)
    outcome = stage.run([*opening(root), copied("64k")])
    assert outcome.error == (6, "ENOSPC mount tmpfs on /covered: copy large")


def test_copy_enters_no_mount(stage: StageRunner, root: Path, covered: Path, tmp_path: Path) -> None:
    """A directory of the host's that an earlier mount has bound there is not the image's."""
    (tmp_path / "secret").write_text("of the host")
    bind = ops.Bind(str(tmp_path), "/covered/deep", 0, 0, 0, 0, 0)
    outcome = stage.run([*opening(root), bind, copied(), ops.PivotRoot(), *shell("ls /covered")])
    assert outcome.error is None
    assert outcome.output.split() == ["link", "pipe", "private"]
    assert (covered / "deep").is_dir()


def test_copy_ends_where_directories_are_too_deep(stage: StageRunner, root: Path, covered: Path) -> None:
    """An image cannot use up the descriptors of krun-init, or its stack."""
    (covered / "/".join("d" * 80)).mkdir(parents=True)
    outcome = stage.run([*opening(root), copied()])
    message = "ELOOP mount tmpfs on /covered: copy d: more than 64 directories in each other"
    assert outcome.error == (6, message)


def test_error_says_what_the_file_system_says(stage: StageRunner, root: Path) -> None:
    """The error names the mount, the parameter and the file system's own words."""
    outcome = stage.run([*opening(root), ops.Mount("tmpfs", "tmpfs", ("size=x",), "/data", 0, 0, 0)])
    assert outcome.error is not None
    assert outcome.error[0] == 6
    assert outcome.error[1].startswith("EINVAL mount tmpfs on /data: size=x: tmpfs: Bad value")


def test_unknown_file_system_is_named(stage: StageRunner, root: Path) -> None:
    """ENODEV, with the type and the destination."""
    outcome = stage.run([*opening(root), ops.Mount("nosuchfs", "", (), "/data", 0, 0, 0)])
    assert outcome.error == (6, "ENODEV mount nosuchfs on /data: open the file system")


def test_propagation_is_set_after_the_mount(stage: StageRunner, root: Path) -> None:
    """A mount asked to be shared is."""
    mount = ops.Mount("tmpfs", "tmpfs", (), "/data", 0, 0, s.MS_SHARED)
    outcome = stage.run([*opening(root), PROC, mount, ops.PivotRoot(), *shell(SHOW)])
    assert "shared:" in " ".join(mountinfo(outcome)["/data"])


def test_bind_makes_a_destination_like_its_source(stage: StageRunner, root: Path, tmp_path: Path) -> None:
    """A directory for a directory, an empty file for a file, with what is missing above."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "file").write_text("from the host\n")
    program = [
        *opening(root),
        ops.Bind(str(source), "/made/by/bind", 1, 0, 0, 0, 0),
        ops.Bind(str(source / "file"), "/made/file", 0, RO, 0, 0, 0),
        ops.PivotRoot(),
        *shell(
            "cat /made/by/bind/file /made/file;"
            " echo x > /made/by/bind/new; (echo x > /made/file) || echo read-only"
        ),
    ]
    outcome = stage.run(program)
    assert outcome.output == "from the host\nfrom the host\nread-only\n"
    assert (source / "new").read_text() == "x\n"


def test_recursive_attributes_reach_the_mounts_below(stage: StageRunner, root: Path, tmp_path: Path) -> None:
    """`rro` makes every mount of the bound tree read-only, `ro` the top one only."""
    (tmp_path / "tree/sub").mkdir(parents=True)
    (root / "outer").mkdir()
    program = [
        *opening(root),
        ops.Bind(str(tmp_path / "tree"), "/outer", 1, 0, 0, 0, 0),
        ops.Mount("tmpfs", "tmpfs", (), "/outer/sub", 0, 0, 0),
        ops.SetMount("/outer", 1, RO, 0, 0),
        ops.PivotRoot(),
        *shell("touch /outer/x || echo top; touch /outer/sub/x || echo below"),
    ]
    assert stage.run(program).output == "top\nbelow\n"


def test_missing_source_is_named(stage: StageRunner, root: Path, tmp_path: Path) -> None:
    """The source and the destination stand in the error."""
    missing = tmp_path / "missing"
    outcome = stage.run([*opening(root), ops.Bind(str(missing), "/data", 1, 0, 0, 0, 0)])
    assert outcome.error == (6, f"ENOENT bind {missing} on /data")


def test_set_mount_changes_attributes(stage: StageRunner, root: Path) -> None:
    """A remount sets some attributes and clears others."""
    program = [
        *opening(root),
        PROC,
        ops.Mount("tmpfs", "tmpfs", (), "/data", s.MOUNT_ATTR_NOEXEC, 0, 0),
        ops.SetMount("/data", 0, s.MOUNT_ATTR_NODEV, s.MOUNT_ATTR_NOEXEC, 0),
        ops.PivotRoot(),
        *shell(SHOW),
    ]
    options = set(mountinfo(stage.run(program))["/data"][5].split(","))
    assert "nodev" in options
    assert "noexec" not in options


def test_set_mount_of_what_is_no_mount_fails(stage: StageRunner, root: Path) -> None:
    """Only a mount has attributes."""
    outcome = stage.run([*opening(root), ops.SetMount("/data", 0, RO, 0, 0)])
    assert outcome.error == (6, "EINVAL set the attributes of /data")


def test_old_root_is_gone(stage: StageRunner, root: Path) -> None:
    """After PIVOT_ROOT no mount of the host is left."""
    outcome = stage.run([*opening(root), PROC, ops.PivotRoot(), *shell(SHOW)])
    assert sorted(mountinfo(outcome)) == ["/", "/proc"]


def test_moved_root_has_no_whole_view_of_proc(stage: StageRunner, root: Path) -> None:
    """MOVE_ROOT takes the host's procfs and sysfs away first: no new ones can be mounted from them."""
    outcome = stage.run([*opening(root), PROC, ops.MoveRoot(), *shell("pwd; cat /proc/mounts")])
    assert outcome.error is None
    lines = outcome.output.splitlines()
    assert lines[0] == "/"
    assert [line.split()[1] for line in lines[1:] if line.split()[2] in {"proc", "sysfs"}] == ["/proc"]


def test_root_is_read_only(stage: StageRunner, root: Path) -> None:
    """ROOT_READONLY concerns the root mount, not what is mounted below it."""
    program = [
        *opening(root),
        ops.Mount("tmpfs", "tmpfs", (), "/tmp", 0, 0, 0),
        ops.PivotRoot(),
        ops.RootReadonly(),
        *shell("touch /x || echo refused; touch /tmp/x && echo allowed"),
    ]
    assert stage.run(program).output == "refused\nallowed\n"


def test_root_propagation_is_set(stage: StageRunner, root: Path) -> None:
    """RootfsPropagation concerns the container's root mount."""
    program = [*opening(root), PROC, ops.PivotRoot(), ops.RootPropagation(s.MS_SHARED), *shell(SHOW)]
    assert "shared:" in " ".join(mountinfo(stage.run(program))["/"])


@pytest.fixture
def shared_root(tmp_path: Path) -> Iterator[Path]:
    """Return a root file system on a mount that is shared, as systemd makes all of the host's."""
    place = tmp_path / "shared"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "shared", place], check=True)
    subprocess.run(["mount", "--make-shared", place], check=True)
    yield s.make_root(place / "root")
    subprocess.run(["umount", "--recursive", place], check=True)


@pytest.mark.parametrize("flags", [s.MS_SLAVE | s.MS_REC, s.MS_SHARED | s.MS_REC, s.MS_PRIVATE | s.MS_REC])
def test_nothing_reaches_the_hosts_mounts(stage: StageRunner, shared_root: Path, flags: int) -> None:
    """What is mounted for a container never appears in the runtime's mount namespace."""
    before = Path("/proc/self/mountinfo").read_text()
    program = [
        *opening(shared_root)[:4],
        ops.HostPropagation(flags),
        ops.OpenRoot(str(shared_root)),
        PROC,
        ops.Mount("tmpfs", "tmpfs", (), "/tmp", 0, 0, 0),
        ops.PivotRoot(),
        *shell("echo on"),
    ]
    outcome = stage.run(program)
    assert (outcome.error, outcome.output) == (None, "on\n")
    assert Path("/proc/self/mountinfo").read_text() == before


def test_missing_root_is_named(stage: StageRunner, tmp_path: Path) -> None:
    """The root has to be a directory that exists."""
    missing = tmp_path / "missing"
    outcome = stage.run([ops.Unshare(s.CLONE_NEWNS), ops.OpenRoot(str(missing))])
    assert outcome.error == (1, f"ENOENT open the root {missing}")


def test_a_root_in_the_runtimes_mount_namespace_goes_with_its_mount(
    stage: StageRunner, shared_root: Path
) -> None:
    """OPEN_SHARED_ROOT and CHANGE_ROOT: below one private mount, so that it takes everything along."""
    program = [
        ops.SpawnInit(),
        ops.NewSession(),
        ops.OpenProc(),
        ops.OpenSharedRoot(str(shared_root)),
        ops.Mount("tmpfs", "tmpfs", (), "/tmp", 0, 0, 0),
        ops.ChangeRoot(),
        *shell("pwd; ls /"),
    ]
    before = Path("/proc/self/mountinfo").read_text()
    outcome = stage.run(program)
    made = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    native.unmount(str(shared_root), MNT_DETACH)
    assert (outcome.error, outcome.output.splitlines()) == (None, ["/", *sorted(os.listdir(shared_root))])
    propagation = {line[4]: line[6] for line in made if line[4].startswith(str(shared_root))}
    assert propagation == {str(shared_root): "-", f"{shared_root}/tmp": "-"}
    assert Path("/proc/self/mountinfo").read_text() == before

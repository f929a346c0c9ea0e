"""OPEN_IDMAPPED and BIND_IDMAPPED: mounts whose ids are mapped."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import stage as s
from support.stage import StageRunner, opening, shell

from krun.plan import ops

pytestmark = pytest.mark.needs("root", "busybox")

PRIVATE = s.MS_PRIVATE | s.MS_REC
OWNERS = "stat -c %u:%g /data/file /data/below/file; touch /data/new"


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Path]:
    """Return a directory with a file of 1:2, and a mount below it with another."""
    place = tmp_path / "source"
    (place / "below").mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "below", place / "below"], check=True)
    for file in (place / "file", place / "below/file"):
        file.touch()
        os.chown(file, 1, 2)
    yield place
    subprocess.run(["umount", place / "below"], check=True)


def run(stage: StageRunner, root: Path, opened: ops.OpenIdmapped, script: str = OWNERS) -> s.Outcome:
    """Run a script with the mount on /data."""
    bound = ops.BindIdmapped(0, opened.source, "/data", 0, 0, 0, 0)
    return stage.run([opened, *opening(root), bound, ops.PivotRoot(), *shell(script)])


@pytest.mark.parametrize(("below", "second"), [(0, "1:2"), (1, "1001:2002")])
def test_ids_are_mapped(stage: StageRunner, root: Path, source: Path, below: int, second: str) -> None:
    """Both ways: what is there appears mapped, what is made gets the id that is mapped back."""
    opened = ops.OpenIdmapped(str(source), 1, below, PRIVATE, "0 1000 10\n", "0 2000 10\n", "")
    outcome = run(stage, root, opened, "stat -c %u:%g /data/file /data/below/file; touch /data/new; echo $?")
    assert outcome.error is None
    # Root of the container is no id of the mount's.
    assert outcome.output.splitlines() == ["1001:2002", second, "1"]


def test_a_mapped_owner_can_write(stage: StageRunner, root: Path, source: Path) -> None:
    """Uid 1000 of the container is 0 on the disk."""
    os.chmod(source, 0o777)
    opened = ops.OpenIdmapped(str(source), 0, 0, PRIVATE, "0 1000 10\n", "0 1000 10\n", "")
    bound = ops.BindIdmapped(0, str(source), "/data", 0, 0, 0, 0)
    user = ops.User(1000, 1000, b"")
    outcome = stage.run([opened, *opening(root), bound, ops.PivotRoot(), user, *shell("touch /data/new")])
    assert outcome.error is None
    assert ((source / "new").stat().st_uid, (source / "new").stat().st_gid) == (0, 0)


def test_a_namespace_that_is_there_maps_as_well(stage: StageRunner, root: Path, source: Path) -> None:
    """The container's own, where it is joined."""
    holder = subprocess.Popen(
        ["unshare", "--user", "sh", "-c", "echo; read line"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    try:
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{holder.pid}/{name}").write_text("0 5000 10\n")
        opened = ops.OpenIdmapped(str(source), 0, 0, PRIVATE, "", "", f"/proc/{holder.pid}/ns/user")
        assert run(stage, root, opened, "stat -c %u:%g /data/file").output == "5001:5002\n"
    finally:
        holder.communicate()


def test_attributes_are_set_with_the_mapping(stage: StageRunner, root: Path, source: Path) -> None:
    """As for any bind."""
    opened = ops.OpenIdmapped(str(source), 0, 0, PRIVATE, "0 0 10\n", "0 0 10\n", "")
    bound = ops.BindIdmapped(0, str(source), "/data", s.MOUNT_ATTR_RDONLY, 0, 0, 0)
    outcome = stage.run([opened, *opening(root), bound, ops.PivotRoot(), *shell("touch /data/new; echo $?")])
    assert outcome.output == "1\n"


def test_what_is_mounted_in_the_clone_stays_in_the_container(
    stage: StageRunner, root: Path, source: Path
) -> None:
    """A clone of a shared mount would be its peer."""
    opened = ops.OpenIdmapped(str(source), 0, 0, s.MS_SLAVE | s.MS_REC, "0 0 10\n", "0 0 10\n", "")
    bound = ops.BindIdmapped(0, str(source), "/data", 0, 0, 0, 0)
    mount = ops.Mount("tmpfs", "inside", (), "/data/below", 0, 0, 0)
    outcome = stage.run([opened, *opening(root), bound, mount, ops.PivotRoot(), *shell("ls /data/below")])
    assert outcome.error is None
    assert (source / "below/file").exists()


@pytest.mark.parametrize(
    ("path", "uid_map", "namespace", "errno", "words"),
    [
        ("missing", "0 0 1\n", "", "ENOENT", ""),
        ("source", "x\n", "", "EINVAL", ": write"),
        ("source", "", "missing", "ENOENT", ": open"),
        ("/proc", "0 0 1\n", "", "EINVAL", ""),
    ],
    ids=["source", "map", "namespace", "file system"],
)
def test_what_cannot_be_mapped_is_named(
    stage: StageRunner, source: Path, path: str, uid_map: str, namespace: str, errno: str, words: str
) -> None:
    """And no helper process is left behind."""
    path = str(source.parent / path)
    namespace = namespace and str(source.parent / namespace)
    error = stage.run([ops.OpenIdmapped(path, 0, 0, PRIVATE, uid_map, uid_map, namespace)]).error
    assert error is not None
    assert error[1].startswith(f"{errno} map the ids of {path}{words}")


def test_a_mount_that_was_not_opened_cannot_be_bound(stage: StageRunner, root: Path) -> None:
    """An index beyond the last."""
    bound = ops.BindIdmapped(0, "/s", "/data", 0, 0, 0, 0)
    outcome = stage.run([*opening(root), bound])
    assert outcome.error == (6, "EBADF bind /s on /data: it is not open")

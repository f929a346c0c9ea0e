"""Mounts whose ids are mapped, with and without a user namespace, in a VM as without one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.bundles import Bundle, bind, make_bundle
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]

MAP = {"containerID": 0, "hostID": 100000, "size": 65536}
SCRIPT = ["sh", "-c", "stat -c %u:%g /data/file; echo x > /data/new; stat -c %u:%g /data/new"]


@pytest.fixture
def made(cgroup_name: str) -> Iterator[Bundle]:
    """Return a bundle that other users than root can reach, with a volume in which a file is root's."""
    folder = Path(tempfile.mkdtemp(prefix="krun-test-"))
    folder.chmod(0o755)
    (folder / "volume").mkdir()
    (folder / "volume/file").touch()
    made = make_bundle(folder / "bundle", SCRIPT, cgroups_path=f"/{cgroup_name}bundle")
    (made.rootfs / "data").mkdir()
    yield made
    shutil.rmtree(folder)


def mounted(made: Bundle, *options: str, **mappings: object) -> Path:
    """Add the volume to the configuration; return it."""
    volume = made.path.parent / "volume"
    mount = bind(volume, "/data", "bind", *options)
    made.config["mounts"].append({**mount, **mappings})
    made.write()
    return volume


def owner(path: Path) -> tuple[int, int]:
    """Return the ids on the disk."""
    found = path.stat()
    return found.st_uid, found.st_gid


def test_a_volume_in_a_user_namespace_keeps_its_owners(either_runtime: Runner, made: Bundle) -> None:
    """What is root's on the disk is root's in the container, and the other way round."""
    made.config["linux"]["namespaces"].append({"type": "user"})
    made.config["linux"] |= {"uidMappings": [MAP], "gidMappings": [MAP]}
    volume = mounted(made, "idmap")
    assert either_runtime.ok("run", "--bundle", made, "c").out == "0:0\n0:0\n"
    assert owner(volume / "new") == (0, 0)


def test_own_mappings_hold_without_a_user_namespace(either_runtime: Runner, made: Bundle) -> None:
    """config.md#linux-mount-options: if mappings are specified, the runtime MUST use those."""
    own = [{"containerID": 0, "hostID": 1000, "size": 10}]
    made.config["process"]["user"] = {"uid": 1000, "gid": 1000}
    volume = mounted(made, uidMappings=own, gidMappings=own)
    os.chmod(volume, 0o777)
    assert either_runtime.ok("run", "--bundle", made, "c").out == "1000:1000\n1000:1000\n"
    assert owner(volume / "new") == (0, 0)


def test_idmap_without_mappings_and_user_namespace_is_refused(either_runtime: Runner, made: Bundle) -> None:
    """An error MUST be returned."""
    mounted(made, "idmap")
    assert "idmap needs uidMappings" in either_runtime.refused("create", "--bundle", made, "c")


def test_one_mapping_without_the_other_is_refused(either_runtime: Runner, made: Bundle) -> None:
    """config.md#posix-platform-mounts: they MUST be specified together."""
    mounted(made, uidMappings=[MAP])
    assert "uidMappings: needs gidMappings" in either_runtime.refused("create", "--bundle", made, "c")


def test_a_file_system_without_mapped_ids_leaves_no_container(either_runtime: Runner, made: Bundle) -> None:
    """The error names the source."""
    made.config["mounts"].append(
        {
            "destination": "/data",
            "source": "/proc",
            "options": ["bind"],
            "uidMappings": [MAP],
            "gidMappings": [MAP],
        }
    )
    made.write()
    assert "map the ids of /proc: EINVAL" in either_runtime.refused("create", "--bundle", made, "c")

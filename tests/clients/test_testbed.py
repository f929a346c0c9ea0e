"""The test bed itself: its own namespaces, one at a time in a folder, and nothing left on the host."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.leftovers import cgroup_mounts, cgroups_named
from support.processes import is_alive
from testbed import Testbed, TestbedError

pytestmark = pytest.mark.needs("root", "dockerd", "busybox")


def test_a_second_one_in_the_same_folder_is_refused(bed: Testbed) -> None:
    """Two daemons in one folder would share their data: the second is refused, and the first goes on."""
    with pytest.raises(TestbedError, match="already up"):
        Testbed(bed.folder).up()
    assert bed.docker("version", capture_output=True).returncode == 0


def test_it_has_namespaces_of_its_own(bed: Testbed) -> None:
    """Network, mounts and pids are its own."""
    for name in ("net", "mnt", "pid"):
        seen = bed.inside("readlink", f"/proc/self/ns/{name}", capture_output=True, text=True).stdout.strip()
        assert seen
        assert seen != str(Path(f"/proc/self/ns/{name}").readlink())


def test_down_leaves_nothing_on_the_host(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No process, no mount, no cgroup: of a container that ran to the end of the bed, too."""
    folder = tmp_path_factory.mktemp("down")
    bed = Testbed(folder)
    bed.up()
    first = int(bed.holder_file.read_text())
    bed.import_busybox("busybox")
    started = bed.docker(
        "run", "--detach", "--runtime", "runc", "busybox", "sleep", "600", capture_output=True
    )
    assert started.returncode == 0, started.stderr
    assert cgroups_named(bed.cgroup)
    bed.down()
    assert not is_alive(first)
    assert cgroup_mounts()
    assert cgroups_named(bed.cgroup) == []
    assert str(folder) not in Path("/proc/self/mountinfo").read_text()
    bed.down()  # where nothing is up there is nothing to do


def test_what_is_not_up_says_so(tmp_path: Path) -> None:
    """Work in a bed that is not up is refused by name."""
    with pytest.raises(TestbedError, match="not up"):
        Testbed(tmp_path).inside("true")


def test_a_folder_with_too_long_a_path_is_refused(tmp_path: Path) -> None:
    """A socket's path has 107 bytes; containerd would only wait in vain."""
    with pytest.raises(TestbedError, match="too long"):
        Testbed(tmp_path / ("x" * 80)).up()


def test_a_dockerd_that_ends_is_reported_with_its_log(tmp_path_factory: pytest.TempPathFactory) -> None:
    """An option that dockerd does not know: its own words come out, and nothing stays up."""
    bed = Testbed(tmp_path_factory.mktemp("ends"), dockerd_args=["--no-such-option"])
    with pytest.raises(TestbedError, match="no-such-option"):
        bed.up()
    assert not bed.holder_file.exists()

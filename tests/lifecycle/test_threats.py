"""A hostile image, and hostile values in its configuration, against the whole of krun.

The attacks of one operation each are in tests/stage; here they come through the command line, and what
counts is the host: nothing of it is read, written or covered.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from support.bundles import MOUNTS, Bundle, MakeBundle, bind
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Return a directory of the host that no container may touch."""
    path = tmp_path / "outside"
    path.mkdir()
    (path / "secret").write_text("secret\n")
    return path


def contents(path: Path) -> dict[str, str]:
    """Return everything below a directory: names, kinds and modes, and the text of small files."""
    found = {}
    for folder, names, files in os.walk(path):
        for name in (*names, *files):
            entry = Path(folder) / name
            status = entry.lstat()
            found[str(entry.relative_to(path))] = f"{status.st_mode:o} {status.st_size} {status.st_mtime_ns}"
    return found


def test_the_working_directory_cannot_be_a_leaked_descriptor(
    either_runtime: Runner, bundle: MakeBundle, outside: Path
) -> None:
    """CVE-2024-21626: `cwd: /proc/self/fd/N` leads to no directory that krun or its caller has open."""
    made = bundle(["cat", "secret"])
    leaked = [os.open(outside, os.O_RDONLY | os.O_DIRECTORY) for _ in range(3)]
    try:
        for number in (*range(3, 10), *leaked):
            made.config["process"]["cwd"] = f"/proc/self/fd/{number}"
            made.write()
            result = either_runtime("run", "--bundle", made, "c", pass_fds=leaked)
            assert result.status == 1, result
            assert result.out == "", result
    finally:
        for descriptor in leaked:
            os.close(descriptor)


@pytest.mark.parametrize("destination", ["/link", "/link/below", "/up/below"])
def test_a_mount_behind_a_link_stays_in_the_root(
    either_runtime: Runner, bundle: MakeBundle, outside: Path, destination: str
) -> None:
    """CVE-2019-18837, CVE-2021-30465: a link in a mount's destination means the container's own tree."""
    mount = {"destination": destination, "type": "tmpfs", "source": "tmpfs", "options": []}
    made = bundle(["cat", f"{outside}/secret"], mounts=[mount])
    (made.rootfs / "link").symlink_to(outside)
    (made.rootfs / "up").symlink_to("../../../../../../../../../../.." + str(outside))
    before = contents(outside)
    result = either_runtime("run", "--bundle", made, "c")
    assert result.status == 1, result
    assert "secret\n" not in result.out
    assert contents(outside) == before


@pytest.mark.parametrize("name", ["dev", "proc", "sys"])
def test_a_system_directory_that_is_a_link_touches_nothing_outside(
    either_runtime: Runner, bundle: MakeBundle, outside: Path, name: str
) -> None:
    """CVE-2026-41579, CVE-2019-19921: /dev, /proc or /sys of an image may lead anywhere."""
    made = bundle(["true"])
    (made.rootfs / name).rmdir()
    (made.rootfs / name).symlink_to(outside)
    before = contents(outside)
    result = either_runtime("run", "--bundle", made, "c")
    assert contents(outside) == before
    if name == "proc":
        assert result.status == 1, result
        assert "/proc" in result.err


def test_a_fake_proc_of_the_image_is_not_believed(plain_runtime: Runner, bundle: MakeBundle) -> None:
    """CVE-2019-16884: labels and masks never go to a directory that the image calls /proc."""

    def without_proc(config: dict[str, object]) -> None:
        config["mounts"] = [mount for mount in MOUNTS if mount["destination"] != "/proc"]

    made = bundle(["true"], change=without_proc)
    (made.rootfs / "proc/self/attr").mkdir(parents=True)
    (made.rootfs / "proc/self/attr/exec").write_text("")
    (made.rootfs / "proc/sys").mkdir()
    plain_runtime("run", "--bundle", made, "c")
    assert (made.rootfs / "proc/self/attr/exec").read_text() == ""


def test_nothing_but_mount_points_is_written_to_the_root(either_runtime: Runner, bundle: MakeBundle) -> None:
    """CVE-2025-24965: krun keeps nothing of its own in the image's tree."""
    made = bundle(["true"], mounts=[{"destination": "/made/here", "type": "tmpfs", "source": "tmpfs"}])
    before = set(contents(made.rootfs))
    either_runtime.ok("run", "--bundle", made, "c")
    assert set(contents(made.rootfs)) - before == {"made", "made/here"}


def test_masked_and_readonly_paths_hold(either_runtime: Runner, bundle: MakeBundle) -> None:
    """What the configuration masks reads as empty, what it makes read-only refuses to be written."""
    script = (
        "read x </proc/timer_list; echo [$x]; echo 1 >/proc/sys/kernel/panic; echo 1 >/proc/sysrq-trigger"
    )
    result = either_runtime("run", "--bundle", bundle(["sh", "-c", script]), "c")
    assert result.out == "[]\n"
    assert "Read-only file system" in result.err, result


@pytest.mark.parametrize("path", ["/../out", "a/../../out", "/a/../b"])
def test_a_cgroup_path_that_climbs_is_refused(plain_runtime: Runner, bundle: MakeBundle, path: str) -> None:
    """A cgroupsPath with `..` would leave the hierarchy's mount point."""
    assert "cgroupsPath" in plain_runtime.refused(
        "create", "--bundle", bundle(["true"], cgroups_path=path), "c"
    )


@pytest.mark.parametrize("word", ["--version", "--help", "--list-hypercalls", "-V"])
def test_an_entry_point_that_looks_like_an_option_is_a_program(
    either_runtime: Runner, bundle: MakeBundle, word: str
) -> None:
    """The image's words are no options of the monitor: a program of that name is looked for in PATH."""
    made = bundle([word])
    line = either_runtime.refused("run", "--bundle", made, "c")
    assert word in line
    (made.rootfs / "bin" / word).symlink_to("busybox")
    result = either_runtime("run", "--bundle", made, "c")
    assert "applet not found" in result.err + result.out, result


def test_a_device_over_a_file_of_the_image_is_refused(plain_runtime: Runner, bundle: MakeBundle) -> None:
    """config-linux.md#devices: a file of another kind at a device's path is an error, and stays as it is."""

    def without_dev(config: dict[str, object]) -> None:
        config["mounts"] = [mount for mount in MOUNTS if not mount["destination"].startswith("/dev")]

    made = bundle(["true"], change=without_dev)
    (made.rootfs / "dev/null").write_text("kept\n")
    assert "/dev/null" in plain_runtime.refused("create", "--bundle", made, "c")
    assert (made.rootfs / "dev/null").read_text() == "kept\n"


def test_cgroups_of_a_user_namespace_are_read_only(either_runtime: Runner, bundle: MakeBundle) -> None:
    """CVE-2023-25809: a container in a user namespace of its own changes no cgroup of the host."""
    script = (
        "for f in $(find /sys/fs/cgroup -name cgroup.procs); do"
        "  { echo 1 >$f; } 2>/dev/null && echo wrote $f; mkdir ${f%/*}/made 2>/dev/null && echo made ${f%/*};"
        "done; find /sys/fs/cgroup -name cgroup.procs | grep -c ."
    )

    def change(config: dict[str, Any]) -> None:
        config["linux"]["namespaces"].append({"type": "user"})
        for name in ("uidMappings", "gidMappings"):
            config["linux"][name] = [{"containerID": 0, "hostID": 0, "size": 65536}]
        options = ["nosuid", "noexec", "nodev", "relatime", "ro"]
        config["mounts"].append(
            {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": options}
        )

    result = either_runtime.ok("run", "--bundle", bundle(["sh", "-c", script], change=change), "c")
    assert int(result.out) > 0, "the container sees no cgroup"


def hostile_dev(bundle: Bundle, outside: Path) -> None:
    """Have a directory on /dev that the image controls, and so no device of krun's own."""
    own = ("/dev", "/dev/pts", "/dev/shm", "/dev/mqueue")  # destinations in the container
    mounts = [mount for mount in bundle.config["mounts"] if mount["destination"] not in own]
    bound = bind(outside, "/dev", "rbind", "rw")
    bundle.config["mounts"] = [*mounts, bound]
    bundle.write()


def test_a_mask_that_the_image_replaced_is_refused(
    either_runtime: Runner, bundle: MakeBundle, outside: Path
) -> None:
    """CVE-2025-31133: /dev/null is what files are masked with; the image's is a link to a file of procfs."""
    made = bundle(["true"])
    (outside / "null").symlink_to("/proc/sys/kernel/core_pattern")
    hostile_dev(made, outside)
    line = either_runtime.refused("run", "--bundle", made, "c")
    assert "/dev/null" in line, line


def test_a_console_that_the_image_replaced_is_not_bound(
    either_runtime: Runner, bundle: MakeBundle, outside: Path
) -> None:
    """CVE-2025-52565: the terminal that is bound on /dev/console is not looked up by the image's names."""
    made = bundle(["true"], terminal=True)
    (outside / "null").symlink_to("/proc/sys/kernel/core_pattern")
    (outside / "pts").mkdir()
    for number in range(10):
        (outside / "pts" / str(number)).symlink_to("/proc/sys/kernel/core_pattern")
    hostile_dev(made, outside)
    line = either_runtime.refused("run", "--bundle", made, "c")
    assert "terminal" in line, line


@pytest.mark.needs("root", "busybox", "kvm")
def test_no_descriptor_of_another_session_leads_around_the_masks(runtime: Runner, bundle: MakeBundle) -> None:
    """What a monitor has open is in /proc/PID/fd for whoever joins the container: no procfs without masks."""
    made = bundle(["sleep", "1000"])
    look = (
        "for number in $(seq 0 4200); do fd=/proc/1/fd/$number; [ -d $fd/self ] || continue;"
        " echo procfs; [ -e $fd/timer_list ] && echo unmasked;"
        " [ -e $fd/sys/kernel/core_pattern ] && echo settings;"
        " (echo 1 > $fd/self/oom_score_adj) 2> /dev/null && echo written; done"
    )
    assert runtime("run", "--detach", "--bundle", made, "c").status == 0
    try:
        assert runtime("exec", "c", "sh", "-c", f"{look}; true").out == "procfs\n"
    finally:
        runtime("delete", "--force", "c")


@pytest.mark.needs("root", "busybox", "kvm")
def test_the_hosts_kvm_is_not_changed_by_a_descriptor_of_the_monitor(
    runtime: Runner, bundle: MakeBundle
) -> None:
    """The monitor's /dev/kvm is in /proc/PID/fd, and the container's root owns the host's node."""
    look = (
        "for number in $(seq 3 4200); do fd=/proc/$$/fd/$number;"
        " [ -c $fd ] && [ $(stat -L -c %t:%T $fd) = a:e8 ] || continue;"
        " echo found; chmod $(stat -L -c %a $fd) $fd 2> /dev/null && echo changed; done; true"
    )
    result = runtime("run", "--bundle", bundle(["sh", "-c", look]), "c")
    assert (result.status, result.out) == (0, "found\n"), result


@pytest.mark.needs("root", "busybox")
def test_init_at_the_barrier_holds_no_settings(plain_runtime: Runner, bundle: MakeBundle) -> None:
    """Who may trace krun-init, in a pid namespace that it joins, gets no way around masked paths from it."""
    made = bundle(["true"])
    made.config["linux"]["sysctl"] = {"net.ipv4.ip_forward": "1"}
    made.write()
    plain_runtime.ok("create", "--bundle", made, "c")
    try:
        held = Path(f"/proc/{plain_runtime.state('c')['pid']}/fd")
        views = [held / name for name in os.listdir(held) if (held / name / "self").is_symlink()]
        assert views
        assert not [view for view in views if (view / "sys").exists()]
    finally:
        plain_runtime("delete", "--force", "c")


@pytest.mark.needs("root", "busybox")
def test_who_waits_for_its_start_shows_its_descriptors_to_no_neighbour(
    either_runtime: Runner, bundle: MakeBundle
) -> None:
    """`exec.fifo` and `started` of the state directory are among them."""
    first = bundle(["sleep", "1000"], name="first")
    second = bundle(["sleep", "1000"], name="second")
    look = (
        "for other in /proc/[0-9]*; do"
        " [ $other = /proc/1 ] || [ $other = /proc/$$ ] || [ -e $other/fd/0 ] || echo closed; done; true"
    )
    either_runtime.ok("run", "--detach", "--bundle", first, "first")
    try:
        pid = either_runtime.state("first")["pid"]
        for namespace in second.config["linux"]["namespaces"]:
            if namespace["type"] == "pid":
                namespace["path"] = f"/proc/{pid}/ns/pid"
        second.write()
        either_runtime.ok("create", "--bundle", second, "second")
        assert either_runtime("exec", "first", "sh", "-c", look).out == "closed\n"
        either_runtime.ok("start", "second")
        assert either_runtime("exec", "first", "sh", "-c", look).out == ""
    finally:
        either_runtime("delete", "--force", "second")
        either_runtime("delete", "--force", "first")

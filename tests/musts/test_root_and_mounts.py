"""config.md#root, #mounts and config-linux.md#devices."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.bundles import MakeBundle
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]


# Option -> what has to stand, and what must not, among a new tmpfs's options in /proc/self/mountinfo, beside
# those that it has anyway; after `,` the options of its superblock are among them.
EFFECTS: dict[str, tuple[str, str]] = {
    "async": ("", "sync"),
    "atime": ("relatime", "noatime"),
    "defaults": ("rw relatime", "ro nosuid nodev noexec sync"),
    "dev": ("", "nodev"),
    "diratime": ("", "nodiratime"),
    "dirsync": ("dirsync", ""),
    "exec": ("", "noexec"),
    "iversion": ("rw", ""),
    "lazytime": ("lazytime", ""),
    "loud": ("rw", ""),
    "noatime": ("noatime", "relatime"),
    "nodev": ("nodev", ""),
    "nodiratime": ("nodiratime", ""),
    "noexec": ("noexec", ""),
    "noiversion": ("rw", ""),
    "nolazytime": ("", "lazytime"),
    "norelatime": ("relatime", "noatime"),
    "nostrictatime": ("relatime", ""),
    "nosuid": ("nosuid", ""),
    "relatime": ("relatime", ""),
    "ro": ("ro", "rw"),
    "rw": ("rw", "ro"),
    "silent": ("rw", ""),
    "strictatime": ("", "relatime noatime"),
    "suid": ("", "nosuid"),
    "sync": ("sync", ""),
    "private": ("", "shared: master: unbindable"),
    "rprivate": ("", "shared: master: unbindable"),
    "shared": ("shared:", ""),
    "rshared": ("shared:", ""),
    "slave": ("", "shared: unbindable"),
    "rslave": ("", "shared: unbindable"),
    "unbindable": ("unbindable", "shared:"),
    "runbindable": ("unbindable", "shared:"),
}


# Option -> the one before it in the list, whose effect it has to take back.
OPPOSITES = {
    "async": "sync",
    "atime": "noatime",
    "dev": "nodev",
    "diratime": "nodiratime",
    "exec": "noexec",
    "nolazytime": "lazytime",
    "nostrictatime": "strictatime",
    "relatime": "noatime",
    "rw": "ro",
    "strictatime": "noatime",
    "suid": "nosuid",
    "symfollow": "nosymfollow",
}


def mount_options(mountinfo: str, point: str) -> list[str]:
    """Return the options of the last mount at a point: its own, its propagation, its superblock's."""
    (*_, line) = [fields for fields in map(str.split, mountinfo.splitlines()) if fields[4] == point]
    end = line.index("-")
    return [*line[5].split(","), *line[6:end], *line[end + 3].split(",")]


def test_every_option_that_must_be_is_applied(runner: Runner, bundle: MakeBundle) -> None:
    """config.md#mounts: a runtime MUST implement these for Linux; a new tmpfs shows each by itself."""
    pairs = {f"{option}-after": [other, option] for option, other in OPPOSITES.items()}
    mounts = [
        {"destination": f"/m/{name}", "type": "tmpfs", "source": "tmpfs", "options": options}
        for name, options in {**{option: [option] for option in EFFECTS}, **pairs}.items()
    ]
    made = bundle(["cat", "/proc/self/mountinfo"], mounts=mounts)
    shown = runner.ok("run", "--bundle", made, "c").out
    for option, other in OPPOSITES.items():
        options = mount_options(shown, f"/m/{option}-after")
        if option == "relatime":
            assert option in options
        assert other not in (options[:1] if option == "rw" else options), (option, options)
    for option, (present, absent) in EFFECTS.items():
        options = mount_options(shown, f"/m/{option}")
        found = {word if word.startswith("shared:") is False else "shared:" for word in options}
        # The superblock of a read-only mount may be writable; `ro` and `rw` are the mount's own.
        own = {options[0]} | (found - {"ro", "rw"})
        assert set(present.split()) <= own, (option, options)
        assert not set(absent.split()) & own, (option, options)


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Path]:
    """Return a shared mount with a file in it, and a shared mount `below` with another."""
    place = tmp_path / "tree"
    place.mkdir()
    for path in (place, place / "below"):
        path.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "tree", path], check=True)
        subprocess.run(["mount", "--make-shared", path], check=True)
        (path / "file").write_text(f"{path.name}\n")
    yield place
    subprocess.run(["umount", "--recursive", place], check=True)


@pytest.mark.parametrize(("kind", "seen"), [("bind", "tree\n"), ("rbind", "tree\nbelow\n")])
def test_binds_and_remounts_are_applied(
    runner: Runner, bundle: MakeBundle, tree: Path, kind: str, seen: str
) -> None:
    """config.md#mounts: bind and rbind, of which one takes the mounts below along, and remount."""
    mounts: list[dict[str, Any]] = [
        {"destination": "/b", "source": str(tree), "options": [kind, "noexec"]},
        {"destination": "/b", "source": str(tree), "options": ["remount", kind, "ro", "exec"]},
        {"destination": "/t", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "size=64k"]},
        {"destination": "/t", "type": "tmpfs", "source": "tmpfs", "options": ["remount", "nodev"]},
    ]
    script = "cat /b/file; cat /b/below/file 2>/dev/null; echo; cat /proc/self/mountinfo"
    made = bundle(["sh", "-c", script], mounts=mounts)
    told, _, shown = runner.ok("run", "--bundle", made, "c").out.partition("\n\n")
    assert f"{told}\n" == seen
    options = mount_options(shown, "/b")
    assert options[0] == "ro"
    assert "noexec" not in options
    assert {"nosuid", "nodev", "size=64k"} <= set(mount_options(shown, "/t"))


# Option -> how the mount itself and the one below it propagate then: of mounts that are the runtime's peers,
# and of their slaves.
PROPAGATIONS = {
    "private": (("", "shared"), ("", "master")),
    "rprivate": (("", ""), ("", "")),
    "shared": (("shared", "shared"), ("shared master", "master")),
    "rshared": (("shared", "shared"), ("shared master", "shared master")),
    "slave": (("master", "shared"), ("master", "master")),
    "rslave": (("master", "master"), ("master", "master")),
    "unbindable": (("unbindable", "shared"), ("unbindable", "master")),
    "runbindable": (("unbindable", "unbindable"), ("unbindable", "unbindable")),
}


def propagation_of(mountinfo: str, point: str) -> str:
    """Return the words of a mount's propagation."""
    (fields,) = [fields for fields in map(str.split, mountinfo.splitlines()) if fields[4] == point]
    return " ".join(word.partition(":")[0] for word in fields[6 : fields.index("-")])


@pytest.mark.parametrize("configured", ["rshared", "rslave"])
def test_binds_propagate_as_their_options_say(
    runner: Runner, bundle: MakeBundle, tree: Path, configured: str
) -> None:
    """private, shared, slave and unbindable change a bind's top, those with an `r` what is below as well."""
    mounts = [
        {"destination": f"/{option}", "source": str(tree), "options": ["rbind", option]}
        for option in PROPAGATIONS
    ]
    made = bundle(
        ["cat", "/proc/self/mountinfo"],
        mounts=mounts,
        change=lambda config: config["linux"].update(rootfsPropagation=configured),
    )
    shown = runner.ok("run", "--bundle", made, "c").out
    for option, expected in PROPAGATIONS.items():
        found = tuple(propagation_of(shown, f"/{option}{below}") for below in ("", "/below"))
        assert found == expected[configured == "rslave"], option


@pytest.mark.parametrize("is_absolute", [False, True], ids=["relative", "absolute"])
def test_the_root_is_relative_to_the_bundle_or_absolute(
    runner: Runner, bundle: MakeBundle, tmp_path: Path, is_absolute: bool
) -> None:
    """root.path is either an absolute path or one relative to the bundle, wherever krun is called."""
    made = bundle(["cat", "/name"])
    (made.rootfs / "name").write_text("this one\n")
    made.config["root"]["path"] = str(made.rootfs) if is_absolute else "./rootfs"
    made.write()
    assert runner.ok("run", "--bundle", made, "c", cwd=Path("/")).out == "this one\n"
    assert runner.ok("run", "--bundle", "bundle", "c", cwd=tmp_path).out == "this one\n"


def test_a_root_that_is_no_directory_is_an_error(plain_runtime: Runner, bundle: MakeBundle) -> None:
    """A directory MUST exist at the path declared by the field."""
    made = bundle(["true"], change=lambda config: config["root"].update(path="config.json"))
    assert f"{made.path}/config.json" in plain_runtime.refused("create", "--bundle", made, "c")


def test_mounts_come_in_their_order_and_relative_ones_from_their_base(
    runner: Runner, bundle: MakeBundle
) -> None:
    """config.md#mounts: what is listed later covers; destinations count from /, sources from the bundle."""
    made = bundle(["sh", "-c", "cat /a/name /b/name; ls /c"])
    for folder in ("first", "second"):
        (made.path / folder).mkdir()
        (made.path / folder / "name").write_text(f"{folder}\n")
    made.config["mounts"] += [
        {"destination": destination, "type": "bind", "source": source, "options": ["rbind"]}
        for destination, source in (
            ("/a", "first"),
            ("a", "second"),
            ("b", "second"),
            ("/b", "first"),
            ("/c/inner", "first"),
        )
    ]
    made.config["mounts"].append({"destination": "/c", "type": "tmpfs", "source": "tmpfs"})
    made.write()
    assert runner.ok("run", "--bundle", made, "c", cwd=Path("/")).out == "second\nfirst\n"


def test_the_default_file_systems_are_mounted(runner: Runner, bundle: MakeBundle) -> None:
    """config-linux.md#default-filesystems: proc, sysfs, devpts, tmpfs, each where it is configured."""
    script = (
        "cat /proc/$$/comm; ls -d /sys/kernel; exec 3<>/dev/ptmx && ls /dev/pts; touch /dev/shm/x && echo on;"
        " cut -d' ' -f2,3 /proc/mounts"
    )
    made = bundle(["sh", "-c", script])
    *told, shown = runner.ok("run", "--bundle", made, "c").out.split("\n", 5)
    assert told == ["sh", "/sys/kernel", "0", "ptmx", "on"]
    expected = [f"{mount['destination']} {mount['type']}" for mount in made.config["mounts"]]
    assert [line for line in shown.splitlines() if line in expected] == expected


def test_the_default_devices_and_links_are_there(runner: Runner, bundle: MakeBundle) -> None:
    """config-linux.md#default-devices and runtime-linux.md: they work, and nobody has to ask for them."""
    script = """
        for name in null zero full random urandom tty; do
            test -c /dev/$name && busybox stat -c '%n %t:%T %a' /dev/$name
        done
        for name in fd stdin stdout stderr ptmx; do echo $name $(readlink /dev/$name); done
        head -c 4 /dev/zero | od -An -tx1; echo x >/dev/null; echo x 2>/dev/null >/dev/full || echo full
    """
    made = bundle(["sh", "-c", script])
    assert not any(device["path"] for device in made.config["linux"].get("devices", []))
    assert [" ".join(line.split()) for line in runner.ok("run", "--bundle", made, "c").out.splitlines()] == [
        "/dev/null 1:3 666",
        "/dev/zero 1:5 666",
        "/dev/full 1:7 666",
        "/dev/random 1:8 666",
        "/dev/urandom 1:9 666",
        "/dev/tty 5:0 666",
        "fd /proc/self/fd",
        "stdin /proc/self/fd/0",
        "stdout /proc/self/fd/1",
        "stderr /proc/self/fd/2",
        "ptmx pts/ptmx",
        "00 00 00 00",
        "full",
    ]


def with_device(config: dict[str, Any]) -> None:
    """Ask for the null device under another name, in a directory of the image."""
    config["linux"]["devices"] = [
        {"path": "/etc/device", "type": "c", "major": 1, "minor": 3, "fileMode": 0o600, "uid": 0, "gid": 0}
    ]


def test_the_same_device_at_its_path_is_accepted(runner: Runner, bundle: MakeBundle) -> None:
    """If a file already exists at path that matches the requested device, that is no error."""
    made = bundle(["sh", "-c", "echo x >/etc/device && echo written"], change=with_device)
    (made.rootfs / "etc").mkdir(exist_ok=True)
    os.mknod(made.rootfs / "etc/device", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    assert runner.ok("run", "--bundle", made, "c").out == "written\n"


@pytest.mark.parametrize("kind", ["file", "other device", "other type", "pipe"])
def test_another_file_at_a_devices_path_is_an_error(
    plain_runtime: Runner, bundle: MakeBundle, kind: str
) -> None:
    """If a file already exists that does not match the requested device, that MUST be an error."""
    made = bundle(["true"], change=with_device)
    (made.rootfs / "etc").mkdir(exist_ok=True)
    modes = {"file": stat.S_IFREG, "pipe": stat.S_IFIFO, "other type": stat.S_IFBLK}
    numbers = os.makedev(1, 5 if kind == "other device" else 3)
    path = made.rootfs / "etc/device"
    os.mknod(path, modes.get(kind, stat.S_IFCHR) | 0o600, numbers)
    before = os.stat(path)
    assert "/etc/device" in plain_runtime.refused("create", "--bundle", made, "c")
    assert os.stat(path) == before


@pytest.mark.parametrize(
    ("propagation", "seen"),
    [
        ("shared", "exposed"),
        ("slave", "hidden"),
        ("private", "hidden"),
        ("unbindable", "refused"),
    ],
)
def test_the_roots_mount_has_its_propagation(
    runner: Runner, bundle: MakeBundle, propagation: str, seen: str
) -> None:
    """rootfsPropagation is that of the root's mount: what is mounted later shows in its copy, or does not."""
    script = (
        "mkdir /copy /later /of && touch /of/file\n"
        "mount -o rbind / /copy 2>/dev/null || { echo refused; exit; }\n"
        "mount -o bind /of /later && test -e /copy/later/file && echo exposed || echo hidden"
    )
    capabilities = ["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE"]
    made = bundle(
        ["sh", "-c", script],
        capabilities=capabilities,
        change=lambda config: config["linux"].update(rootfsPropagation=propagation),
    )
    assert runner.ok("run", "--bundle", made, "c").out == f"{seen}\n"

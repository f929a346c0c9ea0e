"""Bundles made on the spot: a root file system of Debian's static busybox and a config.json in plain Python.

Out of scope: the configurations that real clients wrote; those are the golden tests' data.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import busybox

# Docker's default set without what this kernel may refuse to any runtime.
CAPABILITIES = """
    CAP_CHOWN CAP_DAC_OVERRIDE CAP_FSETID CAP_FOWNER CAP_MKNOD CAP_NET_RAW CAP_SETGID CAP_SETUID
    CAP_SETFCAP CAP_SETPCAP CAP_NET_BIND_SERVICE CAP_SYS_CHROOT CAP_KILL CAP_AUDIT_WRITE
""".split()

NAMESPACES = ("pid", "network", "ipc", "uts", "mount")

MOUNTS: tuple[Mapping[str, Any], ...] = (
    {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]},
    {
        "destination": "/dev",
        "type": "tmpfs",
        "source": "tmpfs",
        "options": ["nosuid", "strictatime", "mode=755", "size=65536k"],
    },
    {
        "destination": "/dev/pts",
        "type": "devpts",
        "source": "devpts",
        "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
    },
    {
        "destination": "/dev/shm",
        "type": "tmpfs",
        "source": "shm",
        "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
    },
    {
        "destination": "/dev/mqueue",
        "type": "mqueue",
        "source": "mqueue",
        "options": ["nosuid", "noexec", "nodev"],
    },
    {
        "destination": "/sys",
        "type": "sysfs",
        "source": "sysfs",
        "options": ["nosuid", "noexec", "nodev", "ro"],
    },
)

TMP = {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev"]}

MASKED_PATHS = ("/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware")
READONLY_PATHS = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")


def bind(source: Path, destination: str, *options: str) -> dict[str, Any]:
    """Return a mount that binds a path of the host."""
    return {
        "destination": destination,
        "type": "bind",
        "source": str(source),
        "options": [*(options or ("bind",))],
    }


def make_config(
    args: Sequence[str],
    *,
    env: Sequence[str] = (),
    cwd: str = "/",
    terminal: bool = False,
    uid: int = 0,
    gid: int = 0,
    readonly: bool = False,
    capabilities: Sequence[str] = CAPABILITIES,
    namespaces: Sequence[str] = NAMESPACES,
    mounts: Sequence[Mapping[str, Any]] = (),
    hooks: Mapping[str, Any] | None = None,
    cgroups_path: str = "",
) -> dict[str, Any]:
    """Build a configuration as docker would write it, as a dictionary that a test may change further.

    mounts: appended to the usual ones.  cgroups_path: absolute in every hierarchy; "" leaves it out.
    """
    caps = list(capabilities)
    held = caps if uid == 0 else []
    config: dict[str, Any] = {
        "ociVersion": "1.2.0",
        "process": {
            "terminal": terminal,
            "user": {"uid": uid, "gid": gid},
            "args": list(args),
            "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", *env],
            "cwd": cwd,
            "capabilities": {"bounding": caps, "effective": held, "permitted": held},
            "noNewPrivileges": True,
        },
        "root": {"path": "rootfs", "readonly": readonly},
        "mounts": [*MOUNTS, *mounts],
        "linux": {
            "namespaces": [{"type": name} for name in namespaces],
            "maskedPaths": list(MASKED_PATHS),
            "readonlyPaths": list(READONLY_PATHS),
        },
    }
    if "uts" in namespaces:
        config["hostname"] = "krun-test"
    if hooks is not None:
        config["hooks"] = hooks
    if cgroups_path:
        config["linux"]["cgroupsPath"] = cgroups_path
    return config


class Bundle:
    """A bundle directory with its root file system and its configuration."""

    def __init__(self, path: Path, config: dict[str, Any]) -> None:
        """Write `config` to `path`, which has its root file system already."""
        self.path = path
        self.rootfs = path / "rootfs"
        self.config = config
        self.write()

    def write(self) -> None:
        """Write the configuration again, after a test has changed it."""
        (self.path / "config.json").write_text(json.dumps(self.config, indent=1))

    def add_program(self, name: str, program: Path) -> None:
        """Copy a program to the top of the root file system."""
        shutil.copyfile(program, self.rootfs / name)
        (self.rootfs / name).chmod(0o755)

    def __fspath__(self) -> str:
        """Stand for the directory in paths and command lines."""
        return os.fspath(self.path)

    def __str__(self) -> str:
        """Show the directory."""
        return str(self.path)


MakeBundle = Callable[..., Bundle]
"""The fixture `bundle`: the process's arguments, a name, and the options of make_bundle."""


def make_bundle(
    path: Path, args: Sequence[str], change: Callable[[dict[str, Any]], None] | None = None, **options: Any
) -> Bundle:
    """Make a bundle at `path` whose process is `args`.

    change: edits the configuration before it is written.  options: make_config's.
    """
    path.mkdir(parents=True, exist_ok=True)
    busybox.make_tree(path / "rootfs")
    config = make_config(args, **options)
    if change is not None:
        change(config)
    return Bundle(path, config)

"""The bundles that are measured: one root file system of busybox, and a configuration for each container."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

BUSYBOX = Path("/bin/busybox")
CGROUPS = Path("/sys/fs/cgroup")
_NO_EXTRAS = ["nosuid", "noexec", "nodev"]


def make_bundle(rootfs: Path) -> None:
    """Make the root file system.  Raises FileNotFoundError without /bin/busybox."""
    for name in ("bin", "dev", "proc", "sys", "tmp"):
        (rootfs / name).mkdir(parents=True)
    shutil.copy(BUSYBOX, rootfs / "bin/busybox")


@contextmanager
def parent_cgroup() -> Iterator[str]:
    """Name a cgroup for all containers, and remove what they leave of it: some runtimes keep the parents."""
    path = f"/bench-{os.getpid()}"
    try:
        yield path
    finally:
        for mount in (CGROUPS, *CGROUPS.iterdir()):
            parent = mount / path[1:]
            if parent.is_dir():
                parent.rmdir()


def write_config(bundle: Path, rootfs: Path, args: Sequence[str], cgroup: str) -> None:
    """Write the configuration: five namespaces, the usual mounts and limits, nothing peculiar to one."""
    capabilities = ["CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_CHOWN"]
    config = {
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": 0, "gid": 0},
            "args": list(args),
            "env": ["PATH=/bin"],
            "cwd": "/",
            "capabilities": dict.fromkeys(("bounding", "effective", "permitted"), capabilities),
            "noNewPrivileges": True,
        },
        "root": {"path": os.fspath(rootfs), "readonly": True},
        "hostname": "bench",
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc", "options": _NO_EXTRAS},
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
                "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"],
            },
            {
                "destination": "/dev/shm",
                "type": "tmpfs",
                "source": "shm",
                "options": [*_NO_EXTRAS, "mode=1777", "size=65536k"],
            },
            {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": [*_NO_EXTRAS, "ro"]},
        ],
        "linux": {
            "cgroupsPath": cgroup,
            "resources": {
                "devices": [{"allow": False, "access": "rwm"}],
                "memory": {"limit": 256 << 20},
                "pids": {"limit": 100},
            },
            "namespaces": [{"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount")],
            "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
        },
    }
    bundle.mkdir(exist_ok=True)
    (bundle / "config.json").write_text(json.dumps(config))

"""The configuration that `krun spec` writes: the one that runc writes, to be edited by a person.

Out of scope: writing it anywhere.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

OCI_VERSION = "1.3.0"
_CAPABILITIES = ("CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE")
_NAMESPACES = ("pid", "network", "ipc", "uts", "mount", "cgroup")
_MASKED_PATHS = (
    "/proc/acpi",
    "/proc/asound",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/sys/firmware",
    "/proc/scsi",
)
_READONLY_PATHS = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")


def default_config() -> dict[str, Any]:
    """Return a new configuration for `sh` on a terminal in `rootfs`, as the JSON document that it is."""
    return {
        "ociVersion": OCI_VERSION,
        "process": {
            "terminal": True,
            "user": {"uid": 0, "gid": 0},
            "args": ["sh"],
            "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
            "cwd": "/",
            "capabilities": {name: list(_CAPABILITIES) for name in ("bounding", "effective", "permitted")},
            "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
            "noNewPrivileges": True,
        },
        "root": {"path": "rootfs", "readonly": True},
        "hostname": "krun",
        "mounts": [
            _mount("/proc", "proc", "proc", ()),
            _mount("/dev", "tmpfs", "tmpfs", ("nosuid", "strictatime", "mode=755", "size=65536k")),
            _mount(
                "/dev/pts",
                "devpts",
                "devpts",
                ("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
            ),
            _mount("/dev/shm", "tmpfs", "shm", ("nosuid", "noexec", "nodev", "mode=1777", "size=65536k")),
            _mount("/dev/mqueue", "mqueue", "mqueue", ("nosuid", "noexec", "nodev")),
            _mount("/sys", "sysfs", "sysfs", ("nosuid", "noexec", "nodev", "ro")),
            _mount("/sys/fs/cgroup", "cgroup", "cgroup", ("nosuid", "noexec", "nodev", "relatime", "ro")),
        ],
        "linux": {
            "resources": {"devices": [{"allow": False, "access": "rwm"}]},
            "namespaces": [{"type": name} for name in _NAMESPACES],
            "maskedPaths": list(_MASKED_PATHS),
            "readonlyPaths": list(_READONLY_PATHS),
        },
    }


def rootless_config(uid: int, gid: int) -> dict[str, Any]:
    """Return the default configuration changed for a user without privileges.

    uid, gid: the user's own, which become root's in the container.  The network is the host's, /sys is the
    host's too, because only the owner of a network namespace may mount it, and no cgroup is limited.
    """
    config = default_config()
    linux = config["linux"]
    linux["namespaces"] = [ns for ns in linux["namespaces"] if ns["type"] != "network"] + [{"type": "user"}]
    linux["uidMappings"] = [{"containerID": 0, "hostID": uid, "size": 1}]
    linux["gidMappings"] = [{"containerID": 0, "hostID": gid, "size": 1}]
    del linux["resources"]
    for mount in config["mounts"]:
        mount["options"] = [option for option in mount["options"] if not option.startswith(("uid=", "gid="))]
        if mount["destination"] == "/sys":
            mount.update(_mount("/sys", "none", "/sys", ("rbind", "nosuid", "noexec", "nodev", "ro")))
    return config


def _mount(destination: str, type: str, source: str, options: Sequence[str]) -> dict[str, Any]:
    return {"destination": destination, "type": type, "source": source, "options": list(options)}

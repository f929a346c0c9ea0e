"""Names of kernel parameters: their two spellings, and which namespace each belongs to.

`net.ipv4.ip_forward` and `net/ipv4/ip_forward` are the same; whichever separator comes first separates, and
the other one stands for itself: `net.ipv4.conf.eth0/100.forwarding` is about the interface `eth0.100`.

Out of scope: values, and reading or writing `/proc/sys`.
"""

from __future__ import annotations

_IPC = frozenset(
    (
        "kernel/msgmax",
        "kernel/msgmnb",
        "kernel/msgmni",
        "kernel/sem",
        "kernel/shmall",
        "kernel/shmmax",
        "kernel/shmmni",
        "kernel/shm_rmid_forced",
    )
)
_UTS = frozenset(("kernel/hostname", "kernel/domainname"))
_SWAPPED = str.maketrans("./", "/.")


def path(name: str) -> str:
    """Return the parameter's path below `/proc/sys`, "" for what is not a parameter's name.

    No component of the path is empty, `.` or `..`.
    """
    dot, slash = name.find("."), name.find("/")
    swapped = slash == -1 or -1 < dot < slash
    path = name.translate(_SWAPPED) if swapped else name
    components = path.split("/")
    return "" if any(c in ("", ".", "..") for c in components) or len(components) < 2 else path


def namespace(path: str) -> str:
    """Return the type of the namespace that has its own value of the parameter, "" for one of the host's.

    path: as `path` returns it.
    """
    if path.startswith("net/"):
        return "network"
    if path in _IPC or path.startswith("fs/mqueue/"):
        return "ipc"
    return "uts" if path in _UTS else ""

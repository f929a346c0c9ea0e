"""Find out what the host is: with `cgroups`, the only reader of /proc, /sys and /dev for a plan.

It runs in every `create`: a few dozen system calls, well under a millisecond.
Out of scope: everything inside a container's root file system (`image`), and every write.
"""

from __future__ import annotations

from krun import os
from krun.host.cgroups import NO_CGROUPS, probe_cgroups
from krun.host.facts import HostFacts
from krun.sys.files import read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.host.cgroups import CgroupFacts

_WHOLE_RANGE = ["0", "0", "4294967295"]  # what the first user namespace has as its map


def probe() -> HostFacts:
    """Read the host.  Raises OSError where /proc is not mounted."""
    status = _status_fields(read_text("/proc/self/status"))
    return HostFacts(
        kernel_release=os.uname().release,
        euid=os.geteuid(),
        in_user_namespace=read_text("/proc/self/uid_map").split() != _WHOLE_RANGE,
        last_capability=int(read_text("/proc/sys/kernel/cap_last_cap")),
        bounding=int(status["CapBnd"], 16),
        seccomp="Seccomp" in status,
        apparmor=_is_yes("/sys/module/apparmor/parameters/enabled"),
        selinux=os.access("/sys/fs/selinux/enforce", os.F_OK),
        kcore=os.access("/proc/kcore", os.F_OK),
        kvm=_device_words("/dev/kvm"),
        resctrl=_resctrl(),
        cgroups=_cgroups(),
    )


def _cgroups() -> CgroupFacts:
    """Read the hierarchies; a kernel that was built without them has no /proc/self/cgroup."""
    try:
        return probe_cgroups()
    except FileNotFoundError:
        return NO_CGROUPS


def _resctrl() -> str:
    """Find the resctrl file system.  A kernel that has one offers a place for it; others are not searched."""
    if not os.access("/sys/fs/resctrl", os.F_OK):
        return ""
    for line in read_text("/proc/self/mountinfo").splitlines():
        place, _, kind = line.partition(" - ")
        if kind.startswith("resctrl "):
            return place.split(" ")[4]
    return ""


def _status_fields(text: str) -> dict[str, str]:
    """Take `Name:<tab>value` lines apart."""
    fields = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        fields[name] = value.strip()
    return fields


def _device_words(path: str) -> str:
    if not os.access(path, os.F_OK):
        return "missing"
    return "usable" if os.access(path, os.R_OK | os.W_OK, effective_ids=True) else "not permitted"


def _is_yes(path: str) -> bool:
    try:
        return read_text(path).startswith("Y")
    except OSError:
        return False

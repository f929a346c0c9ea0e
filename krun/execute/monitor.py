"""What the monitor needs of the host: /dev/kvm as a descriptor, and its own image where nobody can change it.

The errors' words are krun's own: dockerd takes "permission denied" and "no such file or directory" for the
payload's.
"""

from __future__ import annotations

import errno

from krun.errors import HostError, symbol
from krun.sys import native, paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.sys.descriptors import Descriptors

KVM = "/dev/kvm"
_NO_KVM = "no KVM"
_MODPROBE = "modprobe kvm_intel or kvm_amd"
_HINTS = {
    errno.ENOENT: ("/dev/kvm is missing", f"switch virtualization on in the firmware and {_MODPROBE}"),
    errno.ENXIO: ("/dev/kvm has no driver", _MODPROBE),
    errno.ENODEV: ("/dev/kvm has no driver", _MODPROBE),
    errno.EACCES: ("this user may not open /dev/kvm", "add the user to the group kvm"),
    errno.EPERM: ("/dev/kvm is forbidden by a cgroup", "allow device 10:232 where krun runs"),
    errno.EBUSY: ("/dev/kvm is used by another hypervisor", "stop it"),
}


def open_monitor(files: Descriptors) -> dict[int, int]:
    """Open what krun-init executes the monitor by: role -> descriptor, which `files` takes over.

    Raises HostError.
    """
    return {
        native.FD_KVM: files.add(open_kvm()),
        native.FD_MONITOR: files.add(sealed_program("krun-vm")),
    }


def open_kvm() -> int:
    """Open /dev/kvm; return an owned descriptor, close-on-exec.  Raises HostError."""
    try:
        return native.open_device(KVM)
    except OSError as error:
        name = symbol(error)
        found, hint = _HINTS.get(error.errno or 0, (f"/dev/kvm cannot be opened: {name}", ""))
        raise HostError(_NO_KVM, found, hint) from error


def sealed_program(name: str) -> int:
    """Return an owned descriptor of a copy of one of krun's programs that cannot be changed (CVE-2019-5736).

    Raises HostError when the installation is not complete, and when a limit of the caller's is in the way.
    """
    try:
        return native.memfd_sealed(name, paths.libexec(name))
    except OSError as error:
        found = f"{paths.libexec(name)}: {symbol(error)}"
        hint = "install krun again" if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EACCES) else ""
        raise HostError(f"{name} cannot be loaded", found, hint) from error

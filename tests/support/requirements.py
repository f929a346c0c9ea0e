"""What a test may need of its machine, how that is found out, and which Debian package brings it.

Out of scope: krun itself, which has to be installed for any test (see conftest.py).
"""

from __future__ import annotations

import ctypes
import fcntl
import functools
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import programs

KVM_CREATE_VM = 0xAE01
PTRACE_TRACEME = 0
EXTRA_PATH = "/usr/local/sbin:/usr/sbin:/sbin"
# Where their own installers put these two.
GO_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/local/go/bin"
RUST_PATH = f"{os.environ.get('PATH', os.defpath)}:{Path.home() / '.cargo/bin'}"
# Hundreds of megabytes that the README's command does not install: without them a test is always skipped.
OPTIONAL = ("node", "java", "go", "rust")


def _root() -> str | None:
    return None if os.geteuid() == 0 else f"the tests run as uid {os.geteuid()}; run them as root"


def _kvm() -> str | None:
    """Open /dev/kvm and create a VM: a node that exists proves nothing."""
    try:
        kvm = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        return f"/dev/kvm cannot be opened ({error.strerror}); load kvm_intel, kvm_amd or kvm_pvm"
    try:
        os.close(fcntl.ioctl(kvm, KVM_CREATE_VM, 0))
    except OSError as error:
        return f"/dev/kvm creates no VM ({error.strerror})"
    finally:
        os.close(kvm)
    return None


def _programs(package: str, *names: str) -> Callable[[], str | None]:
    def missing() -> str | None:
        path = f"{os.environ.get('PATH', os.defpath)}:{EXTRA_PATH}"
        absent = [name for name in names if shutil.which(name, path=path) is None]
        return f"{' and '.join(absent)} not found; apt-get install {package}" if absent else None

    return missing


def _one_program(package: str, name: str, path: str) -> Callable[[], str | None]:
    def missing() -> str | None:
        return (
            None
            if shutil.which(name, path=path) is not None
            else f"{name} not found; apt-get install {package}"
        )

    return missing


def _python_tests() -> str | None:
    installed = Path("/usr/lib/python3.11/test/test_os.py").exists()
    return None if installed else "Python's own tests not found; apt-get install libpython3.11-testsuite"


def _busybox() -> str | None:
    """Look for the static busybox: a dynamic one has no libraries in the tests' root file systems."""
    try:
        static = b"ld-linux" not in Path("/bin/busybox").read_bytes()[:4096]
    except OSError:
        static = False
    return None if static else "no static /bin/busybox; apt-get install busybox-static"


def _cgroup_v1() -> str | None:
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    if any(" - cgroup " in line and "memory" in line for line in mounts):
        return None
    return "no cgroup v1 hierarchy with the memory controller; boot with systemd.unified_cgroup_hierarchy=0"


def _ptrace() -> str | None:
    """Trace a child that does nothing else, since a seccomp profile or Yama may forbid it."""
    libc = ctypes.CDLL(None, use_errno=True)
    pid = os.fork()
    if pid == 0:
        os._exit(0 if libc.ptrace(PTRACE_TRACEME, 0, 0, 0) == 0 else 1)
    _, status = os.waitpid(pid, 0)
    return None if status == 0 else "ptrace is not permitted here (seccomp, or kernel.yama.ptrace_scope)"


def _go_modules() -> str | None:
    """Ask for the modules of conformance/runtime_tools, which Go keeps once it has them."""
    try:
        programs.download()
    except programs.BuildError as error:
        return f"no Go modules from the module proxy: {str(error).splitlines()[-1]}"
    return None


def _dockerd() -> str | None:
    package = "docker.io iptables iproute2 tini"
    return _root() or _programs(package, "dockerd", "containerd", "docker", "iptables", "ip", "tini")()


REQUIREMENTS: Mapping[str, Callable[[], str | None]] = {
    "root": _root,
    "kvm": _kvm,
    "busybox": _busybox,
    "cgroup_v1": _cgroup_v1,
    "ptrace": _ptrace,
    "dockerd": _dockerd,
    "runc": _programs("runc", "runc"),
    "crun": _programs("crun", "crun"),
    "podman": _programs("podman conmon containernetworking-plugins", "podman", "conmon"),
    "catatonit": _programs("catatonit", "catatonit"),
    "buildah": _programs("buildah", "buildah"),
    "containerd": _programs("containerd tini iproute2", "containerd", "ctr", "tini", "ip"),
    "uidmap": _programs("uidmap", "newuidmap", "newgidmap"),
    "gcc": _programs("gcc libc6-dev", "gcc"),
    "musl-gcc": _programs("musl-tools", "musl-gcc"),
    "clang": _programs("clang libclang-rt-14-dev", "clang"),
    "clang-format": _programs("clang-format", "clang-format"),
    "cmake": _programs("cmake ninja-build pkg-config", "cmake", "ninja"),
    "shellcheck": _programs("shellcheck", "shellcheck"),
    "strace": _programs("strace", "strace"),
    "perl": _programs("perl", "perl"),
    "git": _programs("git", "git"),
    "sqlite3": _programs("sqlite3", "sqlite3"),
    "openssl": _programs("openssl", "openssl"),
    "curl": _programs("curl", "curl"),
    "iproute2": _programs("iproute2", "ip", "nsenter"),
    "nginx": _programs("nginx-light", "nginx"),
    "redis": _programs("redis-server redis-tools", "redis-server", "redis-cli", "redis-benchmark"),
    "node": _programs("nodejs", "node"),
    "java": _programs("default-jdk-headless", "javac"),
    "go": _one_program("golang-go", "go", GO_PATH),
    "go-modules": _go_modules,
    "rust": _one_program("rustc", "rustc", RUST_PATH),
    "python-tests": _python_tests,
    "uml": _programs("user-mode-linux", "linux.uml"),
    "dbus": _programs("dbus", "dbus-daemon"),
    "systemd": _one_program("systemd", "systemd", "/lib/systemd"),
    "apparmor": _programs("apparmor", "apparmor_parser"),
    "secilc": _programs("secilc", "secilc"),
    "qemu": _programs("qemu-system-x86", "qemu-system-x86_64"),
}


@functools.cache
def missing(name: str) -> str | None:
    """Say why requirement `name` is not met and what to do about it; None when it is met.

    Each is probed once in a run.  Raises KeyError for a name that is not in REQUIREMENTS.
    """
    return REQUIREMENTS[name]()

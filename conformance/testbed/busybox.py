"""A root file system of Debian's static busybox: what stands in for an image where no registry is.

Out of scope: anything but files; packing it is the caller's.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
from pathlib import Path

BUSYBOX = Path("/bin/busybox")
FOLDERS = ("bin", "dev", "etc", "home", "proc", "root", "sys", "tmp", "usr/bin", "var/tmp")
USERS = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"
GROUPS = "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n"


@functools.cache
def applets() -> tuple[str, ...]:
    """Return the names that this busybox answers to, itself left out."""
    listed = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True).stdout.split()
    return tuple(name for name in listed if name != "busybox")


def make_tree(path: Path) -> Path:
    """Make the root file system at `path` and return that: links for the applets, /etc/passwd, /etc/group."""
    for folder in FOLDERS:
        (path / folder).mkdir(parents=True, exist_ok=True)
    for folder in ("tmp", "var/tmp"):
        (path / folder).chmod(0o1777)
    shutil.copy2(BUSYBOX, path / "bin/busybox")
    for applet in applets():
        (path / "bin" / applet).symlink_to("busybox")
    (path / "etc/passwd").write_text(USERS)
    (path / "etc/group").write_text(GROUPS)
    return path

"""Runs a command as root in a User-Mode Linux kernel: pure cgroup v2, device filters, every capability.

The kernel is Debian's `user-mode-linux`, and it runs as an ordinary process: the host's cgroups, mounts and
devices are not touched, and nobody has to be root.  Inside, the host's file system is the root, read-only;
`/run` and `/dev/shm` are writable and private, and the shared directory is `/mnt`.  One processor, no KVM.

    /usr/bin/python3 conformance/machines/small_kernel.py cat /sys/fs/cgroup/cgroup.controllers

Out of scope: cgroup v1 (the kernel is booted with cgroup v2 alone) and anything that measures time.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from booting import BootError, Ended, Job

INIT = Path(__file__).resolve().parent / "system_init.sh"
XSTATE = Path(__file__).resolve().parent / "xstate.c"
KERNEL = "linux.uml"


def run(
    command: Sequence[str],
    *,
    share: Path | None = None,
    memory: str = "512M",
    timeout_s: float = 300,
    kernel: str = KERNEL,
    systemd: bool = False,
) -> Ended:
    """Boot, run the command with /mnt as its working directory, power off.

    share: the writable directory behind /mnt; gets the files `job`, `output` and `status`.  A temporary one
    by default.
    systemd: have Debian's systemd as the first process, and the command as a service of it.
    Raises BootError, with what the console said, and OSError when the kernel cannot be executed.
    """
    with tempfile.TemporaryDirectory(prefix="small-kernel-") as scratch:
        shared = Path(scratch if share is None else share).resolve()
        if any(not letter.isprintable() or letter in ' "' for letter in str(shared)):
            raise BootError(f"the shared directory must do without spaces and quotes: {str(shared)!r}")
        job = Job(command, shared)
        words = [
            kernel,
            f"mem={memory}",
            "root=none",
            "rootfstype=hostfs",
            "rootflags=/",
            "ro",
            f"init={INIT}",
            f"share={job.shared}",
            "con=null",
            "con0=null,fd:1",
            "quiet",
            *(["manager=systemd"] if systemd else []),
            f"uml_dir={scratch}",
        ]
        return job.run(words, timeout_s, _environment(Path(scratch)))


def _environment(scratch: Path) -> dict[str, str]:
    # The kernel keeps its memory in a file: one in memory, not on a disk.
    environment = {**os.environ, "TMPDIR": "/dev/shm"}
    if "amx_tile" in Path("/proc/cpuinfo").read_text().split():
        library = scratch / "xstate.so"
        compiler = ["gcc", "-O2", "-shared", "-fPIC", "-D_GNU_SOURCE", "-o", str(library), str(XSTATE)]
        try:
            subprocess.run(compiler, check=True)
        except FileNotFoundError:
            raise BootError("this processor has AMX, which needs a library; apt-get install gcc") from None
        environment["LD_PRELOAD"] = str(library)
    return environment


def main(arguments: Sequence[str]) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--memory", default="512M", metavar="SIZE", help="memory of the kernel (%(default)s)")
    parser.add_argument("--share", type=Path, metavar="DIR", help="writable directory behind /mnt")
    parser.add_argument("--timeout", type=float, default=300, metavar="SECONDS", help="limit (%(default)s)")
    parser.add_argument("--kernel", default=KERNEL, metavar="PATH", help="the kernel's program (%(default)s)")
    parser.add_argument("--systemd", action="store_true", help="systemd as the first process")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND", help="what to run")
    options = parser.parse_args(arguments)
    if not options.command:
        parser.error("a command is needed")
    try:
        ended = run(
            options.command,
            share=options.share,
            memory=options.memory,
            timeout_s=options.timeout,
            kernel=options.kernel,
            systemd=options.systemd,
        )
    except FileNotFoundError:
        print(f"{options.kernel} not found; apt-get install user-mode-linux", file=sys.stderr)
        return 1
    except BootError as error:
        print(error, file=sys.stderr)
        return 1
    print(ended.output, end="")
    return ended.status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Runs a command as root in a machine with every cgroup controller and two processors, which QEMU emulates.

What `small_kernel` lacks is here: cpuset, hugetlb, rdma, block devices with schedulers, net_cls and net_prio
for v1, and KVM (the processor is an AMD one with SVM, emulated as all the rest).  It needs neither root nor
KVM of the host's, and it is some ten times as slow.  Inside, the host's file system is the root, read-only;
`/run` and `/dev/shm` are writable and private, and the shared directory is `/mnt`.

    /usr/bin/python3 conformance/machines/whole_machine.py cat /sys/fs/cgroup/cgroup.controllers

The kernel is Debian's, the installed one or one that apt-get downloads.  Out of scope: anything that measures
time.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from booting import BootError, Ended, Job
from debian_kernel import disk, find

HERE = Path(__file__).resolve().parent
EMULATOR = "qemu-system-x86_64"
ONE_AT_A_TIME = "tcg,thread=single"
"""How the processors are emulated.

When both run at once, one sometimes goes on executing what the other has replaced: the kernel turns a switch
in its code, the breakpoint that stands there meanwhile is hit for ever, and the machine hangs.
"""
PACKAGE = "linux-image-amd64"
ROOT_MODULES = ("virtio_pci", "9pnet_virtio", "9p")
MODULES = (*ROOT_MODULES, "null_blk", "bfq", "dummy", "crc32_generic", "rdma_rxe", "kvm_amd")


def run(
    command: Sequence[str],
    *,
    share: Path | None = None,
    memory: str = "1G",
    timeout_s: float = 600,
    systemd: bool = False,
    parameters: Sequence[str] = (),
) -> Ended:
    """Boot, run the command with /mnt as its working directory, power off.

    share: the writable directory behind /mnt; gets the files `job`, `output` and `status`.  A temporary one
    by default.
    systemd: have Debian's systemd as the first process, and the command as a service of it.
    parameters: further ones of the kernel.
    Raises BootError, with what the console said, and OSError when the emulator cannot be executed.
    """
    with tempfile.TemporaryDirectory(prefix="whole-machine-") as scratch:
        job = Job(command, Path(scratch if share is None else share))
        kernel = find(PACKAGE, "-amd64", Path(scratch))
        initial = Path(scratch) / "disk"
        initial.write_bytes(_disk(kernel.with_needed(MODULES)))
        folders = {"host": "/", "share": str(job.shared)}
        if any("," in path for path in folders.values()):
            raise BootError(f"the shared directory must do without commas: {job.shared}")
        words = [EMULATOR, "-accel", ONE_AT_A_TIME, "-cpu", "max,+svm", "-smp", "2", "-m", memory]
        words += ["-nodefaults", "-nographic", "-no-reboot", "-serial", "stdio"]
        words += ["-kernel", str(kernel.image), "-initrd", str(initial)]
        line = ["console=ttyS0", "quiet", "panic=-1", "share=share", *parameters]
        words += ["-append", " ".join([*line, "manager=systemd"] if systemd else line)]
        for tag, path in folders.items():
            mode = ",readonly=on,multidevs=remap" if tag == "host" else ""
            words += ["-virtfs", f"local,path={path},mount_tag={tag},security_model=none{mode}"]
        return job.run(words, timeout_s)


def _disk(modules: dict[str, bytes]) -> bytes:
    programs = {
        "init": (HERE / "whole_machine_init.sh").read_bytes(),
        "bin/busybox": Path("/bin/busybox").read_bytes(),
    }
    files = {f"modules/{name}.ko": content for name, content in modules.items()}
    files["modules/order"] = "".join(f"{name}\n" for name in modules).encode()
    files["next"] = str(HERE / "system_init.sh").encode()
    return disk(programs, files)


def main(command: Sequence[str]) -> int:
    """Run the command line, with systemd."""
    if not command:
        print("usage: whole_machine.py COMMAND...", file=sys.stderr)
        return 2
    try:
        ended = run(command, systemd=True)
    except FileNotFoundError as error:
        print(f"{error.filename} not found; apt-get install qemu-system-x86 busybox-static", file=sys.stderr)
        return 1
    except (BootError, subprocess.SubprocessError) as error:
        print(error, file=sys.stderr)
        return 1
    print(ended.output, end="")
    return ended.status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

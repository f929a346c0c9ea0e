"""Runs a shell script in a machine with plain SVM, as AMD's manual has it: QEMU emulates the processor.

KVM differs from machine to machine in what a monitor sees: whether SYSCALL changes the privilege level, how
page tables are walked, what an instruction leaves behind when it exits.  Where a machine's own KVM is of an
unusual kind, this is the usual one: an unmodified Linux kernel with kvm_amd on a processor in software.  It
needs neither root nor KVM.  Its disk, in memory, has busybox and what the caller adds.

    /usr/bin/python3 conformance/machines/svm_machine.py SCRIPT [PROGRAM...]

The programs are static ones and go to /bin.  The kernel is Debian's for cloud machines: the installed one, or
one that apt-get downloads.  Out of scope: VMX, which QEMU does not emulate, and anything that measures time.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from booting import BootError, Ended, boot
from debian_kernel import disk as initial_disk
from debian_kernel import find

INIT = Path(__file__).resolve().parent / "svm_machine_init.sh"
EMULATOR = "qemu-system-x86_64"
PACKAGE = "linux-image-cloud-amd64"
MODULES = ("virt/lib/irqbypass", "arch/x86/kvm/kvm", "arch/x86/kvm/kvm-amd")
CPU = "max,+svm"


def run(
    script: str,
    programs: Mapping[str, Path],
    *,
    cpu: str = CPU,
    memory: str = "768M",
    timeout_s: float = 300,
) -> Ended:
    """Boot, run the script, power off.

    programs: what /bin has beside busybox, by name.  cpu: QEMU's words for the processor.
    Raises BootError, with what the console said, and OSError when a program or the emulator is not there.
    """
    with tempfile.TemporaryDirectory(prefix="svm-machine-") as scratch:
        kernel = find(PACKAGE, "-cloud-amd64", Path(scratch))
        disk = Path(scratch) / "disk"
        added = {"busybox": Path("/bin/busybox"), **programs}
        contents = {f"bin/{name}": path.read_bytes() for name, path in added.items()}
        modules = {f"modules/{Path(name).name}.ko": kernel.module(name) for name in MODULES}
        disk.write_bytes(
            initial_disk({"init": INIT.read_bytes(), **contents}, {"job": script.encode(), **modules})
        )
        output = Path(scratch) / "output"
        words = [
            EMULATOR,
            "-accel",
            "tcg",
            "-cpu",
            cpu,
            "-m",
            memory,
            "-nodefaults",
            "-nographic",
            "-no-reboot",
        ]
        words += [
            "-serial",
            "stdio",
            "-serial",
            f"file:{output}",
            "-kernel",
            str(kernel.image),
            "-initrd",
            str(disk),
        ]
        words += ["-append", "console=ttyS0 quiet panic=-1"]
        console = boot(words, timeout_s)
        text = output.read_text(errors="replace") if output.exists() else ""
        body, _, status = text.rpartition("status ")
        if not status.strip().isdigit():
            raise BootError(f"the machine ended before the script; console:\n{console}\noutput:\n{text}")
        return Ended(status=int(status), output=body)


def main(arguments: Sequence[str]) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cpu", default=CPU, metavar="WORDS", help="the processor, for QEMU (%(default)s)")
    parser.add_argument("--timeout", type=float, default=300, metavar="SECONDS", help="limit (%(default)s)")
    parser.add_argument("script", type=Path, help="shell script to run")
    parser.add_argument("programs", type=Path, nargs="*", metavar="PROGRAM", help="static programs for /bin")
    options = parser.parse_args(arguments)
    programs = {path.name: path for path in options.programs}
    try:
        ended = run(options.script.read_text(), programs, cpu=options.cpu, timeout_s=options.timeout)
    except BootError as error:
        print(error, file=sys.stderr)
        return 1
    except FileNotFoundError as error:
        print(f"{error.filename} not found; apt-get install qemu-system-x86 busybox-static", file=sys.stderr)
        return 1
    print(ended.output, end="")
    return ended.status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

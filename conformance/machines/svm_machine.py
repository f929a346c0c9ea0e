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
import lzma
import stat
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from booting import BootError, Ended, boot

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
        kernel, modules = _kernel(Path(scratch))
        disk = Path(scratch) / "disk"
        disk.write_bytes(_disk(script, programs, modules))
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
            str(kernel),
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


def _kernel(scratch: Path) -> tuple[Path, dict[str, bytes]]:
    """Return the kernel's image and the modules by name, of the installed package or of a downloaded one."""
    root = Path("/")
    images = sorted(root.glob("boot/vmlinuz-*-cloud-amd64"))
    if not images:
        root = scratch / "kernel"
        _download(root)
        images = sorted(root.glob("boot/vmlinuz-*-cloud-amd64"))
    if not images:
        raise BootError(f"{PACKAGE} has no kernel")
    release = images[-1].name.removeprefix("vmlinuz-")
    return images[-1], {Path(name).name: _module(root, release, name) for name in MODULES}


def _download(root: Path) -> None:
    root.mkdir()
    depends = _output(["apt-cache", "depends", PACKAGE], root)
    names = [word for word in depends.split() if word.startswith("linux-image-") and word != PACKAGE]
    if not names:
        raise BootError(f"apt does not know {PACKAGE}; apt-get update")
    _output(["apt-get", "-q", "download", names[0]], root)
    for archive in root.glob("*.deb"):
        _output(["dpkg-deb", "-x", str(archive), str(root)], root)


def _output(command: Sequence[str], directory: Path) -> str:
    ended = subprocess.run(
        command,
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    if ended.returncode != 0:
        raise BootError(f"{' '.join(command)} failed:\n{ended.stdout}")
    return ended.stdout


def _module(root: Path, release: str, name: str) -> bytes:
    plain = root / "lib/modules" / release / "kernel" / f"{name}.ko"
    return plain.read_bytes() if plain.exists() else lzma.decompress(Path(f"{plain}.xz").read_bytes())


def _disk(script: str, programs: Mapping[str, Path], modules: Mapping[str, bytes]) -> bytes:
    """Return the initial file system as the kernel unpacks it: cpio, "newc" format."""
    folders = ("bin", "dev", "modules", "proc", "sys", "tmp")
    records = [_record(name, stat.S_IFDIR | 0o755, b"") for name in folders]
    records.append(_record("init", stat.S_IFREG | 0o755, INIT.read_bytes()))
    records.append(_record("job", stat.S_IFREG | 0o644, script.encode()))
    for name, path in {"busybox": Path("/bin/busybox"), **programs}.items():
        records.append(_record(f"bin/{name}", stat.S_IFREG | 0o755, path.read_bytes()))
    for name, content in modules.items():
        records.append(_record(f"modules/{name}.ko", stat.S_IFREG | 0o644, content))
    return b"".join([*records, _record("TRAILER!!!", 0, b"")])


def _record(name: str, mode: int, content: bytes) -> bytes:
    # inode, mode, uid, gid, links, time, size, four device numbers, bytes of the name, checksum
    fields = (0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return _padded(head) + _padded(content)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


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

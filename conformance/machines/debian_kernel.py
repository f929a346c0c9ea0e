"""Debian's kernels, installed or downloaded, with their modules, and initial file systems for them.

Out of scope: what is done with them (`svm_machine`, `whole_machine`).
"""

from __future__ import annotations

import lzma
import re
import stat
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from booting import BootError


class Kernel(NamedTuple):
    """A kernel on disk."""

    image: Path
    modules: Path
    """The directory below which its modules lie."""

    def module(self, name: str) -> bytes:
        """Return a module by its path below that directory, without `.ko`.  Raises OSError."""
        plain = self.modules / f"{name}.ko"
        return plain.read_bytes() if plain.exists() else lzma.decompress(Path(f"{plain}.xz").read_bytes())

    def with_needed(self, names: Sequence[str]) -> dict[str, bytes]:
        """Return modules by name, each after those that it needs.  Raises KeyError for what is not there."""
        paths = {_name(path): path for path in self.modules.rglob("*.ko*")}
        found: dict[str, bytes] = {}

        def add(name: str) -> None:
            if name in found:
                return
            path = paths[name].relative_to(self.modules)
            content = self.module(str(path).partition(".ko")[0])
            needed = re.search(rb"\0depends=([^\0]*)\0", content)
            for other in needed[1].decode().split(",") if needed else ():
                if other:
                    add(other.replace("-", "_"))
            found[name] = content

        for name in names:
            add(name)
        return found


def _name(path: Path) -> str:
    return path.name.partition(".ko")[0].replace("-", "_")


def find(package: str, suffix: str, scratch: Path) -> Kernel:
    """Return the kernel of a package, such as linux-image-amd64, whose files end in `suffix`.

    The installed one, or one that apt-get downloads into `scratch`.  Raises BootError.
    """
    root = Path("/")
    images = _images(root, suffix)
    if not images:
        root = scratch / "kernel"
        _download(package, root)
        images = _images(root, suffix)
    if not images:
        raise BootError(f"{package} has no kernel")
    release = images[-1].name.removeprefix("vmlinuz-")
    return Kernel(images[-1], root / "lib/modules" / release / "kernel")


def _images(root: Path, suffix: str) -> list[Path]:
    pattern = re.compile(rf"vmlinuz-[0-9.]+-[0-9]+{suffix}")
    return sorted(path for path in root.glob("boot/vmlinuz-*") if pattern.fullmatch(path.name))


def _download(package: str, root: Path) -> None:
    root.mkdir()
    depends = _output(["apt-cache", "depends", package], root)
    names = [word for word in depends.split() if word.startswith("linux-image-") and word != package]
    if not names:
        raise BootError(f"apt does not know {package}; apt-get update")
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


def disk(programs: Mapping[str, bytes], files: Mapping[str, bytes]) -> bytes:
    """Return an initial file system as the kernel unpacks it: cpio, "newc" format.

    programs, files: contents by path; of both the folders are made.
    """
    folders = {"dev", "proc", "sys", "tmp"} | {
        str(folder) for path in (*programs, *files) for folder in Path(path).parents
    }
    records = [_record(name, stat.S_IFDIR | 0o755, b"") for name in sorted(folders - {"."})]
    records += [_record(path, stat.S_IFREG | 0o755, content) for path, content in programs.items()]
    records += [_record(path, stat.S_IFREG | 0o644, content) for path, content in files.items()]
    return b"".join([*records, _record("TRAILER!!!", 0, b"")])


def _record(name: str, mode: int, content: bytes) -> bytes:
    # inode, mode, uid, gid, links, time, size, four device numbers, bytes of the name, checksum
    fields = (0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return _padded(head) + _padded(content)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)

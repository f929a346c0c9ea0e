"""What cannot run is refused with one line that says what it is, and a status of its own."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.needs("kvm")

Compile = Callable[..., Path]
Run = Callable[..., subprocess.CompletedProcess[str]]

CANNOT_RUN, NOT_FOUND, NO_KVM = 126, 127, 125


@pytest.fixture
def refused(tmp_path: Path, in_vm: Run) -> Callable[[bytes], str]:
    """Return a function that makes a program of some bytes and returns the line that refuses it."""

    def refuse(content: bytes, mode: int = 0o755) -> str:
        program = tmp_path / "program"
        program.write_bytes(content)
        program.chmod(mode)
        result = in_vm(program)
        assert (result.stdout, result.returncode) == ("", CANNOT_RUN)
        line = result.stderr.removeprefix("krun-vm: ").removeprefix(f"{program} ")
        assert line.count("\n") == 1
        return line.rstrip("\n")

    return refuse


def elf(*, bits: int = 2, machine: int = 62, kind: int = 2, headers: int = 0, offset: int = 64) -> bytes:
    """Return an ELF header."""
    identity = b"\x7fELF" + bytes([bits, 1, 1]) + bytes(9)
    rest = (kind, machine, 1, 0x401000, offset, 0, 0, 64, 56, headers, 0, 0, 0)
    return identity + struct.pack("<HHIQQQIHHHHHH", *rest)


def segment(kind: int, offset: int, address: int, file_size: int, memory_size: int) -> bytes:
    """Return a program header."""
    return struct.pack("<IIQQQQQQ", kind, 5, offset, address, address, file_size, memory_size, 4096)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "is an empty file"),
        (b"just text\n", "is neither an ELF program nor a script that begins with #!"),
        (elf(bits=1, machine=3), "is a program for 32-bit x86; krun runs x86-64 programs"),
        (elf(bits=1, machine=40), "is a program for 32-bit ARM; krun runs x86-64 programs"),
        (elf(bits=1, machine=0), "is an ELF file for no machine; krun runs x86-64 programs"),
        (elf(machine=183), "is a program for 64-bit ARM; krun runs x86-64 programs"),
        (elf(bits=1), "is a 32-bit program (x32); krun runs x86-64 programs"),
        (elf(kind=1), "is an object file, not a program; link it first"),
        (elf(kind=4), "is a core dump or snapshot, which an image may not bring"),
        (elf()[:30], "is a truncated ELF file (30 bytes)"),
        (elf(), "has no program headers"),
        (elf(headers=3), "is a truncated ELF file (its program headers lie beyond its end)"),
        (elf(headers=1) + bytes(56), "has nothing to load"),
        (
            elf(headers=1) + segment(1, 0, 0x400000, 5000, 5000),
            "is a truncated ELF file (the segment at 0x400000 lies beyond its end)",
        ),
        (
            elf(headers=1) + segment(1, 0, 0x7FFF00000000000, 120, 120),
            "wants to be loaded at 0x7fff00000000000, outside of the guest's memory",
        ),
        (
            elf(headers=2) + segment(1, 0, 0x400000, 120, 8192) + segment(1, 0, 0x401000, 120, 120),
            "has overlapping segments at 0x401000",
        ),
        (b"#!\n", "is a script that names no interpreter"),
    ],
)
def test_file_that_is_no_program_is_named(content: bytes, line: str, refused: Callable[[bytes], str]) -> None:
    """One line: what the file is."""
    assert refused(content) == line


def test_missing_interpreter_is_not_found(tmp_path: Path, in_vm: Run) -> None:
    """A script whose interpreter is missing, as a dynamic program whose loader is, is `not found`: 127."""
    script, shell = tmp_path / "script", tmp_path / "shell"
    script.write_text(f"#!{shell}\n")
    script.chmod(0o755)
    dynamic, loader = tmp_path / "dynamic", tmp_path / "ld.so"
    name = bytes(loader) + b"\0"
    interpreter, loaded = segment(3, 176, 0x4000B0, len(name), len(name)), segment(1, 0, 0x400000, 176, 176)
    dynamic.write_bytes(elf(headers=2) + interpreter + loaded + name)
    dynamic.chmod(0o755)
    missing = "cannot be opened: no such file or directory"
    for program, kind, path in ((script, "script", shell), (dynamic, "dynamic program", loader)):
        result = in_vm(program)
        assert result.returncode == NOT_FOUND
        assert result.stderr == f"krun-vm: {program} is a {kind}, and its interpreter {path} {missing}\n"


def test_file_without_permission_is_refused(refused: Callable[..., str]) -> None:
    """A program needs the permission to be executed."""
    assert refused(elf(), mode=0o644) == "is not executable: permission denied"


def test_directory_is_refused(tmp_path: Path, in_vm: Run) -> None:
    """A directory is no program."""
    result = in_vm(tmp_path)
    assert (result.returncode, result.stderr) == (
        CANNOT_RUN,
        f"krun-vm: {tmp_path} is a directory, not a program\n",
    )


def test_missing_program_is_not_found(tmp_path: Path, in_vm: Run) -> None:
    """What is not there has status 127."""
    missing = tmp_path / "program"
    result = in_vm(missing)
    assert result.returncode == NOT_FOUND
    assert result.stderr == f"krun-vm: {missing} cannot be opened: no such file or directory\n"


def test_truncated_program_is_refused(compiled: Compile, tmp_path: Path, in_vm: Run) -> None:
    """Wherever a program is cut off, it is refused with the reason."""
    whole = compiled("km.S", "-nostdlib", "-static", "-Wl,-Ttext-segment=0x200000").read_bytes()
    for size in (1, 17, 63, 64, 100, 343, 344, 4096, 4200, 8192, 8200):
        cut = tmp_path / f"cut-{size}"
        cut.write_bytes(whole[:size])
        cut.chmod(0o755)
        result = in_vm(cut)
        assert result.returncode == CANNOT_RUN, size
        assert "truncated" in result.stderr or "neither an ELF" in result.stderr, size


def test_descriptor_that_is_not_kvm_is_named(krun_vm: Path, compiled: Compile) -> None:
    """`--kvm` has to be /dev/kvm."""
    with Path("/dev/null").open("rb") as null:
        result = subprocess.run(
            [krun_vm, "--kvm", str(null.fileno()), compiled("hello.c", "-static")],
            pass_fds=[null.fileno()],
            capture_output=True,
            text=True,
            check=False,
        )
    assert result.returncode == CANNOT_RUN
    assert result.stderr == "krun-vm: the descriptor of /dev/kvm does not speak KVM's interface\n"


@pytest.mark.parametrize("words", [["--frob"], ["--kvm"], ["--boot", "x"], []])
def test_wrong_command_line_is_explained(words: list[str], krun_vm: Path) -> None:
    """Status 1, one line, and how it is used."""
    result = subprocess.run([krun_vm, *words], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "usage: krun-vm" in result.stderr


def test_program_cannot_enter_32_bit_code(compiled: Compile, in_vm: Run) -> None:
    """There is no segment for it: the jump faults, and no SYSCALL of another kind is ever made."""
    result = in_vm(compiled("compat.c", "-static"))
    assert (result.stdout, result.stderr, result.returncode) == ("jumping\n", "", -11)

"""What cannot be run in the VM is refused at `create`, with what it is; so is a host without KVM.

Out of scope: mistakes in configurations and on the command line (test_mistakes).
"""

from __future__ import annotations

import struct
import subprocess

import pytest
from support.bundles import MakeBundle
from support.processes import TIMEOUT_S
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox", "kvm"), pytest.mark.usefixtures("nothing_left")]


# dockerd takes these for what the payload, not the host, lacks.
DOCKERS_WORDS = ("no such file or directory", "permission denied", "executable file not found")


def elf(elf_class: int, machine: int) -> bytes:
    """Return the header of an ELF program of a class (1: 32 bits, 2: 64 bits) for a machine."""
    identity = b"\x7fELF" + bytes([elf_class, 1, 1]) + bytes(9)
    return identity + struct.pack("<HHI", 2, machine, 1) + bytes(100)


PROGRAMS = {
    "a 32-bit program": (elf(1, 3), ("32-bit",)),
    "an ARM program": (elf(2, 183), ("aarch64", "ARM")),
    "a script without its interpreter": (b"#!/nowhere/sh\n", ("/nowhere/sh",)),
    "an empty file": (b"", ("empty",)),
    "a text": (b"hello, world\n", ("not a", "neither", "no program")),
    "the beginning of a program": (elf(2, 62)[:30], ("truncated", "too short", "cut", "header", "ends")),
}


@pytest.mark.parametrize("kind", PROGRAMS)
def test_what_is_no_program_is_refused_at_create(runtime: Runner, bundle: MakeBundle, kind: str) -> None:
    """One line that says what the file is, before anything runs; nothing is left."""
    content, words = PROGRAMS[kind]
    made = bundle(["/bin/payload"])
    path = made.rootfs / "bin/payload"
    path.write_bytes(content)
    path.chmod(0o755)
    line = runtime.refused("create", "--bundle", made, "c")
    assert any(word in line for word in words), line


@pytest.mark.parametrize("program", ["/bin", "/etc/passwd"])
def test_what_may_not_be_executed_is_refused_in_the_shells_words(
    either_runtime: Runner, bundle: MakeBundle, program: str
) -> None:
    """A directory, and a file without permission: the words from which dockerd makes status 126."""
    assert "permission denied" in either_runtime.refused("create", "--bundle", bundle([program]), "c")


# Each makes /dev/kvm something else, in a mount namespace of its own.
HOSTS = {
    "no node": (
        (
            "mount -t tmpfs dev /dev; mkdir /dev/pts /dev/shm;"
            " for n in 'null 1 3' 'zero 1 5' 'full 1 7' 'random 1 8' 'urandom 1 9' 'tty 5 0'; do"
            " set -- $n; mknod -m 666 /dev/$1 c $2 $3; done"
        ),
        "/dev/kvm is missing",
    ),
    "no permission": (
        (
            "mkdir -p $FOLDER; mount -t tmpfs -o nodev forbidden $FOLDER; mknod $FOLDER/kvm c 10 232;"
            " mount --bind $FOLDER/kvm /dev/kvm"
        ),
        "may not open /dev/kvm",
    ),
    "another device": ("mount --bind /dev/null /dev/kvm", "/dev/kvm"),
}


@pytest.mark.parametrize("kind", HOSTS)
def test_a_host_without_kvm_is_said_so_with_what_to_do(
    runtime: Runner, bundle: MakeBundle, kind: str
) -> None:
    """One line, in words that no client takes for the payload's; never a run outside the VM."""
    setup, words = HOSTS[kind]
    made = bundle(["sh", "-c", "echo ran"])
    inside = f'set -e; FOLDER={made.path}/forbidden; command="$*"; {setup}; exec $command'
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", inside, "sh"]
    done = subprocess.run(
        [*command, *runtime.command("run", "--bundle", made, "c")],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 1, done
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    assert words in done.stderr
    assert not any(word in done.stderr.lower() for word in DOCKERS_WORDS)

"""What reaches a payload: its own descriptors, its own environment, and nothing else of its callers."""

from __future__ import annotations

import fcntl
import os
import tempfile
from pathlib import Path

import pytest
from support.bundles import MakeBundle
from support.processes import wait_dead
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]


def test_a_leaked_descriptor_does_not_reach_the_payload(
    either_runtime: Runner, bundle: MakeBundle, tmp_path: Path
) -> None:
    """A shim may leak descriptors into krun: the payload has 0 to 2 and no other."""
    (tmp_path / "file").touch()
    leaked = [os.open(path, os.O_RDONLY) for path in (tmp_path, tmp_path / "file")]
    try:
        made = bundle(["ls", "-l", "/proc/self/fd"])
        listing = either_runtime.ok("run", "--bundle", made, "c", pass_fds=leaked).out
    finally:
        for descriptor in leaked:
            os.close(descriptor)
    # The listing's own descriptor is gone when its link is read.
    numbers = [line.split(" -> ")[0].split()[-1] for line in listing.splitlines() if " -> " in line]
    assert numbers == ["0", "1", "2"], listing


def test_a_preserved_descriptor_reaches_the_payload(either_runtime: Runner, bundle: MakeBundle) -> None:
    """--preserve-fds 1: descriptor 3 is the caller's, read through it."""
    with tempfile.TemporaryFile() as file:
        file.write(b"handed over\n")
        file.flush()
        file.seek(0)
        spare = fcntl.fcntl(3, fcntl.F_DUPFD_CLOEXEC, 20) if _is_open(3) else -1
        os.dup2(file.fileno(), 3)
        try:
            made = bundle(["sh", "-c", "read line <&3; echo $line"])
            result = either_runtime.ok("run", "--preserve-fds", "1", "--bundle", made, "c", pass_fds=(3,))
        finally:
            if spare >= 0:
                os.dup2(spare, 3, inheritable=False)
                os.close(spare)
            else:
                os.close(3)
    assert result.out == "handed over\n"


def _is_open(number: int) -> bool:
    return os.path.exists(f"/proc/self/fd/{number}")


def test_the_environment_is_the_configurations(either_runtime: Runner, bundle: MakeBundle) -> None:
    """The payload's environment is process.env, in its order, and nothing of krun's own or its caller's."""
    made = bundle(["env"], env=["COLOUR=light blue", "KM_LOG=x", "LD_PRELOAD=/nowhere", "EMPTY="])
    result = either_runtime.ok("run", "--bundle", made, "c", env={**os.environ, "CALLERS": "own"})
    assert result.out.splitlines() == made.config["process"]["env"]


def test_a_waiting_process_is_executed_from_a_sealed_image(
    either_runtime: Runner, bundle: MakeBundle
) -> None:
    """CVE-2019-5736: /proc/PID/exe of a container is a sealed memfd, never a file of the host."""
    either_runtime.ok("create", "--bundle", bundle(["true"]), "c")
    pid = either_runtime.state("c")["pid"]
    name = os.readlink(f"/proc/{pid}/exe")
    image = os.open(f"/proc/{pid}/exe", os.O_RDONLY)
    try:
        seals = fcntl.fcntl(image, fcntl.F_GET_SEALS)
    finally:
        os.close(image)
    either_runtime.ok("start", "c")
    wait_dead(pid)
    either_runtime.ok("delete", "c")
    assert name.startswith("/memfd:krun-")
    wanted = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
    assert seals & wanted == wanted


def test_capabilities_are_not_inheritable(either_runtime: Runner, bundle: MakeBundle) -> None:
    """CVE-2022-29162: the inheritable and ambient sets are empty unless the configuration names them."""
    lines = either_runtime.ok("run", "--bundle", bundle(["grep", "Cap", "/proc/self/status"]), "c").out
    sets = {name: int(value, 16) for name, value in (line.split(":\t") for line in lines.splitlines())}
    assert sets["CapInh"] == sets["CapAmb"] == 0
    assert sets["CapEff"] != 0


@pytest.mark.needs("kvm")
def test_the_payload_finds_no_kvm(runtime: Runner, bundle: MakeBundle) -> None:
    """A payload that could open /dev/kvm would build VMs of its own."""
    made = bundle(["sh", "-c", "[ -e /dev/kvm ] || echo none; echo >/dev/null; read x </dev/kvm"])
    result = runtime("run", "--bundle", made, "c")
    assert result.out == "none\n"
    assert result.status != 0

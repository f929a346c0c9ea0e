"""Real programs in containers: a root file system made of the host's own Debian, and two runs to compare.

The system's directories are mounted read-only from the host, so that a bundle costs nothing and holds what
the machine has installed; /tmp, /root, /var, /run and most of /etc are the container's own.  The programs of
the corpus are seen at /corpus.

Out of scope: what the monitor does inside; its own tests run it without a container.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support import bundles
from support.processes import TIMEOUT_S
from support.requirements import GO_PATH, RUST_PATH
from support.runner import Result, Runner

CORPUS = Path(__file__).parent / "corpus"
SYSTEM = ("bin", "sbin", "lib", "lib64")
OWN = (
    "corpus",
    "dev",
    "etc",
    "made",
    "opt",
    "proc",
    "root",
    "run",
    "sys",
    "tmp",
    "usr",
    "var/lib",
    "var/log",
    "var/tmp",
)
HOST_ETC = ("alternatives", "java-17-openjdk", "ld.so.cache", "mime.types", "protocols", "services", "ssl")
ETC: Mapping[str, str] = {
    "passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n",
    "group": "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}
PROGRAM_TIMEOUT_S = 120.0

BUILD_TIMEOUT_S = 300.0

MakeProgram = Callable[..., bundles.Bundle]


def _read_only(source: Path, destination: str) -> dict[str, Any]:
    return bundles.bind(source, destination, "rbind", "ro", "nosuid")


def _make_root(root: Path) -> list[dict[str, Any]]:
    """Make the container's own directories in `root`; returns the mounts of what is the host's."""
    for name in OWN:
        (root / name).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    for name, text in ETC.items():
        (root / "etc" / name).write_text(text)
    mounts = [_read_only(Path("/usr"), "/usr"), _read_only(CORPUS, "/corpus")]
    for name in SYSTEM:
        host = Path("/", name)
        if host.is_symlink():
            (root / name).symlink_to(host.readlink())
        elif host.is_dir():
            mounts.append(_read_only(host, f"/{name}"))
    mounts += [
        _read_only(Path("/etc", name), f"/etc/{name}") for name in HOST_ETC if Path("/etc", name).exists()
    ]
    return mounts


@pytest.fixture
def program(tmp_path: Path, cgroup_name: str) -> MakeProgram:
    """Return a factory of bundles: a command's words, a name, a directory for /made, options."""

    def make(*words: str, name: str, made: Path | None = None, **options: Any) -> bundles.Bundle:
        path = tmp_path / name
        mounts = _make_root(path / "rootfs")
        if made is not None:
            mounts.append(_read_only(made, "/made"))
        config = bundles.make_config(
            list(words),
            env=["LANG=C.UTF-8"],
            cwd="/tmp",
            mounts=mounts,
            cgroups_path=f"/{cgroup_name}{name}",
            **options,
        )
        return bundles.Bundle(path, config)

    return make


@pytest.fixture
def same_as_native(program: MakeProgram, runtime: Runner, plain_runtime: Runner) -> Callable[..., Result]:
    """Return a runner of a command in a VM and without, which asserts that nobody could tell from its output.

    The standard output and the status are compared; each run has a root file system of its own.  Returns the
    result of the run in the VM.
    """

    def run(*words: str, made: Path | None = None) -> Result:
        results = {}
        for name, krun in (("native", plain_runtime), ("vm", runtime)):
            bundle = program(*words, name=name, made=made)
            results[name] = krun("run", "--bundle", os.fspath(bundle), name, timeout_s=PROGRAM_TIMEOUT_S)
        native, guest = results["native"], results["vm"]
        assert guest.out == native.out, guest
        assert guest.status == native.status, guest
        return guest

    return run


@pytest.fixture(scope="session")
def go_server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with server.go as the static program `server`."""
    folder = tmp_path_factory.mktemp("go")
    environment = {**os.environ, "PATH": GO_PATH, "CGO_ENABLED": "0", "GO111MODULE": "off"}
    environment["GOCACHE"] = str(tmp_path_factory.mktemp("go-cache"))
    command = ["go", "build", "-o", folder / "server", CORPUS / "server.go"]
    subprocess.run(command, env=environment, check=True, timeout=BUILD_TIMEOUT_S)
    return folder


@pytest.fixture(scope="session")
def rust_server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with server.rs as the static program `server`."""
    folder = tmp_path_factory.mktemp("rust")
    command = [
        "rustc",
        "-O",
        "-C",
        "target-feature=+crt-static",
        "-o",
        folder / "server",
        CORPUS / "server.rs",
    ]
    environment = {**os.environ, "PATH": RUST_PATH}
    subprocess.run(command, env=environment, check=True, timeout=BUILD_TIMEOUT_S)
    return folder


class Waiting:
    """A container whose program has said that it is ready."""

    def __init__(self, runtime: Runner, name: str, process: subprocess.Popen[bytes], errors: Path) -> None:
        """Take krun, the container's name, the `krun run` that waits for it, and where its errors are."""
        self.runtime, self.name, self.process, self.errors = runtime, name, process, errors

    def status(self) -> int:
        """Wait for the end and return the exit status."""
        return self.process.wait(TIMEOUT_S)


@pytest.fixture
def waiting(program: MakeProgram, runtime: Runner, tmp_path: Path) -> Iterator[Callable[..., Waiting]]:
    """Return a starter of containers: a command that prints the line `ready` when it is.

    Those that the test has not ended are killed.
    """
    begun: list[Waiting] = []

    def start(command: str, *, made: Path | None = None) -> Waiting:
        name = f"waiting{len(begun)}"
        bundle = program(*command.split(), name=name, made=made)
        path = tmp_path / f"{name}.errors"
        with path.open("wb") as errors:
            process = runtime.start(
                "run",
                "--bundle",
                os.fspath(bundle),
                name,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        container = Waiting(runtime, name, process, path)
        begun.append(container)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n", path.read_text()
        return container

    yield start
    for container in begun:
        with container.process:
            if container.process.poll() is None:
                runtime("kill", container.name, "KILL")
                container.status()

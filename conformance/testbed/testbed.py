#!/usr/bin/python3
"""A dockerd of one's own, in namespaces of its own: no systemd, nothing of the host touched.

    testbed.py up [--runtime NAME=PATH]... [--dockerd-arg=ARG]... [--keep-unified]
    testbed.py in COMMAND...                 run a command inside its namespaces
    testbed.py docker ARGUMENT...            run the docker client against it
    testbed.py image NAME                    import Debian's busybox-static as an image
    testbed.py down                          end it with everything that runs in it

The environment variable TESTBED names its folder, on a real disk (default /var/tmp/krun-testbed).
Needs root and Debian's docker.io, iptables, iproute2, tini, busybox-static; no registry and no network.

How: dockerd starts in namespaces of its own (`namespaces`), with data, sockets and a cgroup of its own.

Out of scope: systemd's cgroup driver, rootless Docker.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import busybox
from namespaces import Namespaces, TestbedError

DEFAULT_FOLDER = "/var/tmp/krun-testbed"
SOCKET_PATH_BYTES = 107  # sun_path of unix(7), less its NUL
LONGEST_SOCKET = "docker-exec/containerd/containerd.sock.ttrpc"


class Testbed(Namespaces):
    """One dockerd in one folder.  As a context manager it is up inside the block, and gone after it."""

    __test__ = False  # pytest collects what is named like a test

    def __init__(
        self,
        folder: Path,
        *,
        runtimes: Mapping[str, Path] | None = None,
        dockerd_args: Sequence[str] = (),
        keep_unified: bool = False,
    ) -> None:
        """Describe a test bed; nothing is started.

        runtimes: name and path of what dockerd may run containers with, beside runc.
        keep_unified: leave cgroup2 mounted at /sys/fs/cgroup/unified on a hybrid machine.
        """
        super().__init__(folder, keep_unified=keep_unified)
        self.runtimes = dict(runtimes or {})
        self.dockerd_args = tuple(dockerd_args)
        self.socket = self.run / "docker.sock"

    # -- its life ----------------------------------------------------------------------------------

    def up(self) -> None:
        """Start the namespaces and dockerd in them; return when it answers.  Raises TestbedError."""
        if len(os.fsencode(self.folder / LONGEST_SOCKET)) > SOCKET_PATH_BYTES:
            raise TestbedError(f"{self.folder}: too long a path for the sockets in it; use a shorter one")
        super().up()

    def _furnish(self) -> None:
        # The pids of a former pid namespace mean nothing in this one: a stale containerd.pid makes dockerd
        # wait for a containerd that is gone.
        self.remove_data("docker-exec")
        (self.run / "docker.pid").unlink(missing_ok=True)
        self._start_dockerd()

    def restart_dockerd(self) -> None:
        """End dockerd as a service manager does, and start it again.  Raises TestbedError."""
        pid = (self.run / "docker.pid").read_text().strip()
        self.script(f"kill -TERM {pid}")
        self.wait_for_daemon()
        self._start_dockerd()

    def _start_dockerd(self) -> None:
        configuration = self.run / "daemon.json"
        configuration.write_text("{}\n")
        command = [
            "dockerd",
            *("--data-root", str(self.folder / "docker-root")),
            *("--exec-root", str(self.folder / "docker-exec")),
            *("--host", f"unix://{self.socket}"),
            *("--pidfile", str(self.run / "docker.pid")),
            *("--config-file", str(configuration)),
            *("--exec-opt", "native.cgroupdriver=cgroupfs"),
            *("--cgroup-parent", f"/{self.cgroup}"),
            *(word for name, path in self.runtimes.items() for word in ("--add-runtime", f"{name}={path}")),
            *self.dockerd_args,
        ]
        self.start_daemon(command)

    def down(self) -> None:
        """End everything inside and remove what it leaves on the host; the images stay."""
        super().down()
        for name in ("docker.sock", "docker.pid"):
            (self.run / name).unlink(missing_ok=True)
        self.remove_data("docker-exec")

    # -- work in it --------------------------------------------------------------------------------

    def docker_command(self, *args: str) -> list[str]:
        """Return the command line of the docker client for `args`."""
        return ["docker", "--host", f"unix://{self.socket}", *args]

    def docker(self, *args: str, **options: Any) -> subprocess.CompletedProcess[Any]:
        """Run the docker client; `options` are subprocess.run's."""
        return subprocess.run(self.docker_command(*args), check=False, **options)

    def import_image(self, name: str, tree: Path) -> None:
        """Make the directory `tree` an image.  Raises TestbedError with docker's words."""
        command = self.docker_command("import", "-", name)
        client = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        assert client.stdin is not None
        with client.stdin, tarfile.open(fileobj=client.stdin, mode="w|") as archive:
            archive.add(tree, arcname=".")
        assert client.stderr is not None
        with client.stderr:
            words = client.stderr.read().decode(errors="replace")
        if client.wait() != 0:
            raise TestbedError(f"docker import {name}: {words.strip()}")

    def import_busybox(self, name: str) -> None:
        """Make Debian's static busybox an image."""
        tree = self.folder / "busybox"
        shutil.rmtree(tree, ignore_errors=True)
        self.import_image(name, busybox.make_tree(tree))


def _parse(words: Sequence[str]) -> argparse.Namespace:
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        prog="testbed.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="up|in|docker|image|down")
    up = verbs.add_parser("up")
    up.add_argument("--runtime", action="append", default=[], metavar="NAME=PATH")
    up.add_argument("--dockerd-arg", action="append", default=[], metavar="ARG")
    up.add_argument("--keep-unified", action="store_true")
    for verb in ("in", "docker"):
        verbs.add_parser(verb).add_argument("words", nargs=argparse.REMAINDER)
    verbs.add_parser("image").add_argument("name")
    verbs.add_parser("down")
    return parser.parse_args(words)


def main(words: Sequence[str]) -> int:
    """Carry out one command line and return its exit status."""
    options = _parse(words)
    folder = Path(os.environ.get("TESTBED", DEFAULT_FOLDER))
    folder.mkdir(parents=True, exist_ok=True)
    bed = Testbed(folder)
    try:
        match options.verb:
            case "up":
                runtimes = dict(pair.split("=", 1) for pair in options.runtime)
                Testbed(
                    folder,
                    runtimes={name: Path(path).resolve() for name, path in runtimes.items()},
                    dockerd_args=options.dockerd_arg,
                    keep_unified=options.keep_unified,
                ).up()
            case "in":
                return bed.inside(*options.words).returncode
            case "docker":
                return bed.docker(*options.words).returncode
            case "image":
                bed.import_busybox(options.name)
            case "down":
                bed.down()
    except TestbedError as error:
        print(f"testbed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

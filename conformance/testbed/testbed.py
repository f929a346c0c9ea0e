#!/usr/bin/python3
"""A dockerd of one's own, in namespaces of its own: no systemd, nothing of the host touched.

    testbed.py up [--runtime NAME=PATH]... [--dockerd-arg=ARG]... [--keep-unified]
    testbed.py in COMMAND...                 run a command inside its namespaces
    testbed.py docker ARGUMENT...            run the docker client against it
    testbed.py image NAME                    import Debian's busybox-static as an image
    testbed.py down                          end it with everything that runs in it

The environment variable TESTBED names its folder, on a real disk (default /var/tmp/krun-testbed).
Needs root and Debian's docker.io, iptables, iproute2, tini, busybox-static; no registry and no network.

How: `unshare` makes a network, a mount and a pid namespace whose first process stays (namespaces-init);
dockerd starts in them, with data, sockets and a cgroup of its own.  Killing the first process takes
everything along.

Out of scope: systemd's cgroup driver, rootless Docker.
"""

from __future__ import annotations

import argparse
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import busybox

HERE = Path(__file__).resolve().parent
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DEFAULT_FOLDER = "/var/tmp/krun-testbed"
TIMEOUT_S = 60.0
SOCKET_PATH_BYTES = 107  # sun_path of unix(7), less its NUL
LONGEST_SOCKET = "docker-exec/containerd/containerd.sock.ttrpc"


class TestbedError(Exception):
    """The test bed cannot do what was asked, in one line; the daemon's log may follow."""

    __test__ = False  # pytest collects what is named like a test


def _environment(**more: str) -> dict[str, str]:
    """Return the whole environment of what runs inside: nothing of the caller's leaks in."""
    return {"PATH": SEARCH_PATH, "HOME": "/root", **more}


def _tail(path: Path, lines: int = 20) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""


class Testbed:
    """One test bed in one folder.  As a context manager it is up inside the block, and gone after it."""

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
        self.folder = folder
        self.runtimes = dict(runtimes or {})
        self.dockerd_args = tuple(dockerd_args)
        self.keep_unified = keep_unified
        self.run = folder / "run"
        self.log = folder / "log"
        self.socket = self.run / "docker.sock"
        self.holder_file = self.run / "holder.pid"
        self._started: list[subprocess.Popen[bytes]] = []
        self.cgroup = f"krun-testbed-{folder.stat().st_ino if folder.exists() else os.getpid()}"

    # -- its life ----------------------------------------------------------------------------------

    def up(self) -> None:
        """Start the namespaces and dockerd in them; return when it answers.  Raises TestbedError."""
        if self.holder_file.exists():
            raise TestbedError(f"{self.folder}: already up, or not taken down; call down first")
        if len(os.fsencode(self.folder / LONGEST_SOCKET)) > SOCKET_PATH_BYTES:
            raise TestbedError(f"{self.folder}: too long a path for the sockets in it; use a shorter one")
        for path in (self.run, self.log, self.folder / "docker-root", self.folder / "docker-exec"):
            path.mkdir(parents=True, exist_ok=True)
        try:
            self._start_namespaces()
            self._start_dockerd()
        except BaseException:
            self.down()
            raise

    def _start_namespaces(self) -> None:
        """Start the first process of the namespaces, wait until it says `ready`, record its pid."""
        read_end, write_end = os.pipe()
        unshare = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
        log = (self.log / "holder.log").open("wb")
        with log, os.fdopen(read_end, "rb") as ready:
            # The pipe is descriptor 3 of the script; the shell opens no other below 10.
            script = f'exec 3>&{write_end} {write_end}>&-; exec "$@"'
            command = [*unshare, "--propagation", "private", str(HERE / "namespaces-init")]
            holder = subprocess.Popen(
                ["bash", "-c", script, "bash", *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_environment(**({"KEEP_UNIFIED": "1"} if self.keep_unified else {})),
                pass_fds=(write_end,),
                start_new_session=True,
            )
            self._started.append(holder)
            os.close(write_end)
            if ready.readline() != b"ready\n":
                raise TestbedError(f"the namespaces did not come up:\n{_tail(self.log / 'holder.log')}")
        (first,) = Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text().split()
        self.holder_file.write_text(first)

    def _start_dockerd(self) -> None:
        """Start dockerd and wait for its READY=1 on a notification socket, or for its end."""
        # The pids of a former pid namespace mean nothing in this one: a stale containerd.pid makes dockerd
        # wait for a containerd that is gone.
        shutil.rmtree(self.folder / "docker-exec")
        (self.run / "docker.pid").unlink(missing_ok=True)
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
        notify = self.run / "notify.sock"
        notify.unlink(missing_ok=True)
        log_file = (self.log / "dockerd.log").open("wb")
        with log_file as log, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(str(notify))
            daemon = subprocess.Popen(
                self._inside(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_environment(NOTIFY_SOCKET=str(notify)),
                start_new_session=True,
            )
            self._started.append(daemon)
            pidfd = os.pidfd_open(daemon.pid)
            try:
                poll = select.poll()
                poll.register(listener, select.POLLIN)
                poll.register(pidfd, select.POLLIN)
                events = dict(poll.poll(TIMEOUT_S * 1000))
            finally:
                os.close(pidfd)
            if listener.fileno() not in events:
                why = "ended" if events else f"did not get ready in {TIMEOUT_S:.0f} s"
                raise TestbedError(f"dockerd {why}:\n{_tail(self.log / 'dockerd.log')}")

    def down(self) -> None:
        """End everything inside and remove what it leaves on the host; the images stay.

        Where nothing is up there is nothing to do.
        """
        if self.holder_file.exists():
            first = int(self.holder_file.read_text())
            try:
                pidfd = os.pidfd_open(first)
            except ProcessLookupError:
                pass
            else:
                try:
                    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                    # The kernel lets the first process of a pid namespace end when all others have.
                    select.select([pidfd], [], [], TIMEOUT_S)
                finally:
                    os.close(pidfd)
            self.holder_file.unlink()
        while self._started:
            self._started.pop().wait(TIMEOUT_S)
        for name in ("docker.sock", "docker.pid", "notify.sock"):
            (self.run / name).unlink(missing_ok=True)
        shutil.rmtree(self.folder / "docker-exec", ignore_errors=True)
        for line in Path("/proc/self/mountinfo").read_text().splitlines():
            left, right = line.split(" - ")
            top = Path(left.split()[4]) / self.cgroup
            if right.startswith("cgroup") and top.is_dir():
                for path, _, _ in os.walk(top, topdown=False):
                    Path(path).rmdir()

    def __enter__(self) -> Self:
        """Bring it up."""
        self.up()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take it down."""
        self.down()

    # -- work in it --------------------------------------------------------------------------------

    def _inside(self, command: Sequence[str]) -> list[str]:
        if not self.holder_file.exists():
            raise TestbedError(f"{self.folder}: not up")
        return ["nsenter", "-t", self.holder_file.read_text(), "-m", "-n", "-p", "--", *command]

    def inside(self, *command: str, **options: Any) -> subprocess.CompletedProcess[Any]:
        """Run a command in the namespaces; `options` are subprocess.run's."""
        options.setdefault("env", _environment())
        return subprocess.run(self._inside(command), check=False, **options)

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

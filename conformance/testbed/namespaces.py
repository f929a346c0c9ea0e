"""Network, mount and pid namespaces of one's own, with daemons in them that say when they are ready.

`unshare` makes them; their first process (namespaces-init) stays and reaps.  Killing it takes all along.
The folder, on a real disk, holds `run` and `log`; cgroups are the host's, below a name of the bed's own.

Out of scope: which client lives in there; `testbed` has dockerd, `containerd_bed` containerd, `podman_bed`
podman and buildah.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

HERE = Path(__file__).resolve().parent
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TIMEOUT_S = 60.0


class TestbedError(Exception):
    """The test bed cannot do what was asked, in one line; the daemon's log may follow."""

    __test__ = False  # pytest collects what is named like a test


def environment(**more: str) -> dict[str, str]:
    """Return the whole environment of what runs inside: nothing of the caller's leaks in."""
    return {"PATH": SEARCH_PATH, "HOME": "/root", **more}


def _tail(path: Path, lines: int = 20) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""


class Namespaces:
    """One set in one folder.  As a context manager it is up inside the block, and gone after it."""

    def __init__(self, folder: Path, *, keep_unified: bool = False) -> None:
        """Describe it; nothing is started.

        keep_unified: leave cgroup2 mounted at /sys/fs/cgroup/unified on a hybrid machine.
        """
        self.folder = folder
        self.keep_unified = keep_unified
        self.run = folder / "run"
        self.log = folder / "log"
        self.holder_file = self.run / "holder.pid"
        self._started: list[subprocess.Popen[bytes]] = []
        self._is_tied = False
        self.cgroup = f"krun-testbed-{folder.stat().st_ino if folder.exists() else os.getpid()}"

    # -- its life ----------------------------------------------------------------------------------

    def up(self) -> None:
        """Start the namespaces and what belongs in them; return when that is ready.  Raises TestbedError."""
        if self.holder_file.exists():
            raise TestbedError(f"{self.folder}: already up, or not taken down; call down first")
        for path in (self.run, self.log):
            path.mkdir(parents=True, exist_ok=True)
        try:
            self._start_first()
            self._furnish()
        except BaseException:
            self.down()
            raise

    def _furnish(self) -> None:
        """Start what belongs in it."""

    def _start_first(self) -> None:
        """Start the first process of the namespaces, wait until it says `ready`, record its pid."""
        read_end, write_end = os.pipe()
        unshare = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
        log = (self.log / "holder.log").open("wb")
        with log, os.fdopen(read_end, "rb") as ready:
            # The pipe is descriptor 3 of the script; the shell opens no other below 10.
            script = f'exec 3>&{write_end} {write_end}>&-; exec "$@"'
            command = [*unshare, "--propagation", "private", str(HERE / "namespaces-init")]
            if self._is_tied:
                command = ["setpriv", "--pdeathsig", "KILL", *command]
            holder = subprocess.Popen(
                ["bash", "-c", script, "bash", *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment(**({"KEEP_UNIFIED": "1"} if self.keep_unified else {})),
                pass_fds=(write_end,),
                start_new_session=True,
            )
            self._started.append(holder)
            os.close(write_end)
            if ready.readline() != b"ready\n":
                raise TestbedError(f"the namespaces did not come up:\n{_tail(self.log / 'holder.log')}")
        (first,) = Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text().split()
        self.holder_file.write_text(first)

    def start_daemon(self, command: Sequence[str]) -> None:
        """Start a daemon inside and wait for its READY=1 on a notification socket.

        What it says goes to a file of its name in `log`.  Raises TestbedError when it ends or hangs instead.
        """
        name = Path(command[0]).name
        log_path, notify = self.log / f"{name}.log", self.run / "notify.sock"
        notify.unlink(missing_ok=True)
        log_file = log_path.open("wb")
        with log_file as log, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(str(notify))
            daemon = subprocess.Popen(
                self._inside(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment(NOTIFY_SOCKET=str(notify)),
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
                raise TestbedError(f"{name} {why}:\n{_tail(log_path)}")

    def wait_for_daemon(self) -> None:
        """Wait for the end of the daemon that was started last.  Raises subprocess.TimeoutExpired."""
        self._started.pop().wait(TIMEOUT_S)

    def down(self) -> None:
        """End everything inside and remove what it leaves on the host; the data stays.

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
        (self.run / "notify.sock").unlink(missing_ok=True)
        for line in Path("/proc/self/mountinfo").read_text().splitlines():
            left, right = line.split(" - ")
            top = Path(left.split()[4]) / self.cgroup
            if right.startswith("cgroup") and top.is_dir():
                for path, _, _ in os.walk(top, topdown=False):
                    Path(path).rmdir()

    def __enter__(self) -> Self:
        """Bring it up, for as long as this process lives."""
        self._is_tied = True
        self.cgroup = f"krun-test-{os.getpid()}-bed-{self.folder.stat().st_ino}"
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
        options.setdefault("env", environment())
        return subprocess.run(self._inside(command), check=False, **options)

    def script(self, text: str, **variables: str) -> None:
        """Run a shell script inside that has to succeed.  Raises TestbedError with its words."""
        env = environment(**variables)
        done = self.inside("sh", "-euc", text, env=env, capture_output=True, text=True)
        if done.returncode != 0:
            raise TestbedError(f"cannot prepare the test bed: {done.stderr.strip()}")

    def remove_data(self, *names: str) -> None:
        """Remove folders of the bed, with what read-only directories are in them."""
        for name in names:
            shutil.rmtree(self.folder / name, ignore_errors=True)

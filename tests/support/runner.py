"""Running krun as its callers do, with the payload's standard streams in files.

Out of scope: what the output means; that is each test's business.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from support.processes import TIMEOUT_S, wait_dead


class Result:
    """What one call of krun came to."""

    def __init__(self, args: Sequence[str], status: int, out: str, err: str) -> None:
        """Take the command line, the exit status (negative: death by that signal) and both streams."""
        self.args, self.status, self.out, self.err = list(args), status, out, err

    def __repr__(self) -> str:
        """Show everything: this is what a failing assertion prints."""
        return f"<{' '.join(self.args)}: status {self.status}, stdout {self.out!r}, stderr {self.err!r}>"


class Runner:
    """krun with fixed global options.

    Standard output and error go to files, never to pipes: the payload inherits them, and a pipe would
    keep `krun create` from looking finished for as long as the payload lives.
    """

    def __init__(
        self,
        program: Path,
        root: Path,
        folder: Path,
        *,
        monitor: str = "",
        options: Sequence[str] = (),
        through: Sequence[str] = (),
    ) -> None:
        """Use `program` with --root `root`, further global options and, unless it is "", --monitor `monitor`.

        folder: where the files for the payload's streams go.  through: a command that executes its arguments.
        """
        self.program, self.root, self.folder, self.monitor = program, root, folder, monitor
        self._options, self._through = options, through
        self._numbers = itertools.count(1)  # taken by several threads at once
        folder.mkdir(parents=True, exist_ok=True)

    def command(self, *args: str | os.PathLike[str]) -> list[str]:
        """Return the whole command line for a verb and its arguments."""
        monitor = ["--monitor", self.monitor] if self.monitor else []
        return [
            *self._through,
            os.fspath(self.program),
            "--root",
            os.fspath(self.root),
            *monitor,
            *self._options,
            *(os.fspath(arg) for arg in args),
        ]

    def start(self, *args: str | os.PathLike[str], **options: Any) -> subprocess.Popen[bytes]:
        """Start krun without waiting for it; `options` are Popen's."""
        return subprocess.Popen(self.command(*args), **options)

    def __call__(
        self,
        *args: str | os.PathLike[str],
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        pass_fds: Sequence[int] = (),
        timeout_s: float = TIMEOUT_S,
    ) -> Result:
        """Run krun and wait for it.  Raises subprocess.TimeoutExpired when it hangs."""
        call = f"{next(self._numbers):04}"
        out, err = (self.folder / f"{call}.{name}" for name in ("out", "err"))
        given = self.folder / f"{call}.in"
        given.write_bytes(stdin)
        with given.open("rb") as input_file, out.open("wb") as out_file, err.open("wb") as err_file:
            done = subprocess.run(
                self.command(*args),
                stdin=input_file,
                stdout=out_file,
                stderr=err_file,
                env=env,
                cwd=cwd,
                pass_fds=pass_fds,
                timeout=timeout_s,
                check=False,
            )
        streams = (path.read_text(errors="replace") for path in (out, err))
        return Result(done.args, done.returncode, *streams)

    def ok(self, *args: str | os.PathLike[str], **options: Any) -> Result:
        """Run krun and assert that it succeeds."""
        result = self(*args, **options)
        assert result.status == 0, result
        return result

    def refused(self, *args: str | os.PathLike[str], **options: Any) -> str:
        """Run krun, assert that it fails with status 1 and one line on stderr, and return that line."""
        result = self(*args, **options)
        assert result.status == 1, result
        assert result.err.count("\n") == 1, result
        assert result.err.endswith("\n"), result
        return result.err.rstrip("\n")

    def state(self, container: str) -> dict[str, Any]:
        """Return the state of a container as krun prints it."""
        state: dict[str, Any] = json.loads(self.ok("state", container).out)
        return state

    def wait(self, container: str, timeout_s: float = TIMEOUT_S) -> None:
        """Wait for the end of a container's process."""
        pid = self.state(container).get("pid", 0)
        if pid:
            wait_dead(pid, timeout_s)

"""krun-vm itself: what a program costs in it beside the same program run natively.

The programs are compiled here, from monitor_program.c.  Every round runs each measurement once natively and
once in each monitor.  Out of scope: containers; krun-vm is run by hand.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from worker import Failed

_SOURCE = Path(__file__).parent / "monitor_program.c"
_COMPILERS = {
    "static musl": ("musl-gcc", "musl-tools", ("-static",)),
    "static glibc": ("gcc", "gcc and libc6-dev", ("-static", "-pthread")),
    "dynamic glibc": ("gcc", "gcc and libc6-dev", ("-pthread",)),
}
_DIVISORS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "MB/s": 1e6}


class Row(NamedTuple):
    """One measurement: what it is called, its unit, the program and its argument."""

    name: str
    unit: str
    program: str
    argument: str


_STARTS = [Row(f"start to end, {kind}", "ms", kind, "") for kind in _COMPILERS]
_WORK = [
    Row("system call", "us", "static glibc", "system-call"),
    Row("first touch of a page", "us", "static glibc", "first-touch"),
    Row("touch of a page after fork", "us", "static glibc", "touch-after-fork"),
    Row("fork, exit, wait", "ms", "static glibc", "fork"),
    Row("fork, exec, exit, wait", "ms", "static musl", "fork-exec"),
    Row("posix_spawn, exit, wait", "ms", "static musl", "spawn"),
    Row("thread, create and join", "us", "static glibc", "thread"),
    Row("pipe, 64 KiB at a time", "MB/s", "static glibc", "pipe"),
    Row("socket, 64 KiB at a time", "MB/s", "static glibc", "socket"),
    Row("20 million multiplications", "ms", "static glibc", "loop"),
    Row("clock_gettime", "ns", "static glibc", "clock"),
]
_IDLE = [
    Row(f"idle {what}, {kind}", "KiB", kind, key)
    for kind in _COMPILERS
    for what, key in (("resident", "Rss"), ("private", "Private"))
]

Measured = dict[str, dict[str, list[float]]]
"""row -> way -> numbers, in the row's unit."""


def measure(monitors: Mapping[str, str], directory: Path, rounds: int) -> Measured:
    """Measure natively and in each monitor (name -> path), interleaved.

    Raises Failed, in one line, when a compiler or a monitor is missing, or when a program fails in it.
    """
    programs = {kind: _compile(kind, directory) for kind in _COMPILERS}
    ways: dict[str, list[str]] = {"native": []}
    for name, path in monitors.items():
        if not os.access(path, os.X_OK):
            raise Failed(f"{path}: not an executable file")
        ways[name] = [os.fspath(Path(path).absolute())]
    result: Measured = {
        f"{row.name}, {row.unit}": {way: [] for way in ways} for row in (*_STARTS, *_WORK, *_IDLE)
    }
    for number in range(rounds + 1):
        for row in (*_STARTS, *_WORK):
            for way, prefix in ways.items():
                value = _value(row, [*prefix, str(programs[row.program])])
                if number > 0:  # the first round warms the caches
                    result[f"{row.name}, {row.unit}"][way].append(value)
    for kind in _COMPILERS:
        for way, prefix in ways.items():
            idle = _idle([*prefix, str(programs[kind]), "stay"])
            for row in _IDLE:
                if row.program == kind:
                    result[f"{row.name}, {row.unit}"][way].append(idle[row.argument])
    return result


def _compile(kind: str, directory: Path) -> Path:
    compiler, package, options = _COMPILERS[kind]
    program = directory / f"hello-{kind.replace(' ', '-')}"
    if shutil.which(compiler) is None:
        raise Failed(f"{compiler} is missing; install it with: apt-get install {package}")
    done = subprocess.run(
        [compiler, "-O2", *options, "-o", program, _SOURCE], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise Failed(f"{compiler} cannot compile {_SOURCE.name}: {done.stderr.strip().splitlines()[-1]}")
    return program


def _value(row: Row, command: Sequence[str]) -> float:
    if not row.argument:
        return _start_to_end(command)
    done = subprocess.run([*command, row.argument], capture_output=True, text=True, check=False)
    _check(done.returncode, [*command, row.argument])
    return float(done.stdout) / _DIVISORS[row.unit]


def _check(status: int, command: Sequence[str]) -> None:
    if status != 0:
        raise Failed(f"{' '.join(command)}: status {status}")


def _start_to_end(command: Sequence[str]) -> float:
    quiet = [(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]
    before = time.perf_counter()
    pid = os.posix_spawn(command[0], list(command), os.environ, file_actions=quiet)
    status = os.waitpid(pid, 0)[1]
    milliseconds = (time.perf_counter() - before) * 1000
    _check(os.waitstatus_to_exitcode(status), command)
    return milliseconds


def _idle(command: Sequence[str]) -> dict[str, float]:
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        if process.stdout.readline() != b"hello\n":
            raise Failed(f"{' '.join(command)}: ended with status {process.wait()} and should have stayed")
        rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
        process.kill()
    kib = {line.split(":")[0]: float(line.split()[1]) for line in rollup[1:]}
    return {"Rss": kib["Rss"], "Private": kib["Private_Clean"] + kib["Private_Dirty"]}

"""krun-vm itself: a static program from exec to exit, and what an idle one holds, and natively."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

_PROGRAM = """
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	(void)argv;
	puts("hello");
	fflush(stdout);
	return argc > 1 ? pause() : 0;
}
"""


def measure(monitor: str, directory: Path, rounds: int) -> dict[str, dict[str, list[float]]]:
    """Measure both, interleaved; returns way -> what -> numbers.  Needs gcc and static glibc."""
    source, program = directory / "hello.c", directory / "hello"
    source.write_text(_PROGRAM)
    subprocess.run(["gcc", "-O2", "-static", "-o", program, source], check=True)
    ways = {"native": [str(program)], "krun-vm": [monitor, str(program)]}
    result: dict[str, dict[str, list[float]]] = {way: {"exec to exit, ms": []} for way in ways}
    for number in range(rounds + 1):
        for way, command in ways.items():
            milliseconds = _exec_to_exit(command)
            if number > 0:  # the first round warms the caches
                result[way]["exec to exit, ms"].append(milliseconds)
    for way, command in ways.items():
        result[way]["idle resident, KiB"], result[way]["idle private, KiB"] = _idle([*command, "stay"])
    return result


def _exec_to_exit(command: Sequence[str]) -> float:
    quiet = [(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]
    before = time.perf_counter()
    pid = os.posix_spawn(command[0], list(command), os.environ, file_actions=quiet)
    status = os.waitpid(pid, 0)[1]
    milliseconds = (time.perf_counter() - before) * 1000
    if status != 0:
        raise RuntimeError(f"{' '.join(command)}: status {os.waitstatus_to_exitcode(status)}")
    return milliseconds


def _idle(command: Sequence[str]) -> tuple[list[float], list[float]]:
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
        process.kill()
    kib = {line.split(":")[0]: float(line.split()[1]) for line in rollup[1:]}
    return [kib["Rss"]], [kib["Private_Clean"] + kib["Private_Dirty"]]

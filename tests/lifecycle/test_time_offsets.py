"""Clocks of a time namespace (config-linux.md#linux-time-offset), by the vDSO and by the system call."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from support.bundles import MakeBundle
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox", "gcc"), pytest.mark.usefixtures("nothing_left")]

SOURCE = r"""
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int main(void)
{
	for (int clock = 0; clock < 12; clock++) {
		struct timespec fast, slow;
		if (clock_gettime(clock, &fast) == 0 && syscall(SYS_clock_gettime, clock, &slow) == 0) {
			printf("%d %ld %ld\n", clock, (long)fast.tv_sec, (long)slow.tv_sec);
		}
	}
	return 0;
}
"""
OFFSETS = {
    time.CLOCK_MONOTONIC: 1_000_000,
    time.CLOCK_MONOTONIC_RAW: 1_000_000,
    time.CLOCK_BOOTTIME: 5_000_000,
    time.CLOCK_REALTIME: 0,
}
SLACK_S = 60


def test_clocks_are_offset_in_every_way_to_read_them(
    either_runtime: Runner, bundle: MakeBundle, tmp_path: Path
) -> None:
    """In a VM the guest reads the host's clock pages, which are those of its time namespace."""
    made = bundle(["/clocks"])
    source = tmp_path / "clocks.c"
    source.write_text(SOURCE)
    subprocess.run(["gcc", "-static", "-O1", source, "-o", made.rootfs / "clocks"], check=True)
    made.config["linux"]["namespaces"].append({"type": "time"})
    made.config["linux"]["timeOffsets"] = {"monotonic": {"secs": 1_000_000}, "boottime": {"secs": 5_000_000}}
    made.write()
    lines = either_runtime.ok("run", "--bundle", made, "c").out.splitlines()
    told = {int(clock): (int(fast), int(slow)) for clock, fast, slow in map(str.split, lines)}
    for clock, offset in OFFSETS.items():
        expected = time.clock_gettime(clock) + offset
        assert all(abs(value - expected) < SLACK_S for value in told[clock]), (clock, told, expected)

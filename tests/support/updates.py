"""Options of `krun update` with values: those that can be together, and those that no kernel takes."""

from __future__ import annotations

from collections.abc import Mapping

CANNOT_BE = {
    "--memory-swap": "32m",
    "--kernel-memory-tcp": "100000p",
    "--cpu-period": "1",
    "--cpu-quota": "1",
    "--cpu-burst": "90000",
    "--cpu-rt-period": "-1",
    "--cpu-rt-runtime": "2000000",
    "--cpu-idle": "2",
    "--cpuset-cpus": "1000",
    "--pids-limit": "99999999999",
    "--blkio-weight": "9",
    "--l3-cache-schema": "L3:0=f",
    "--mem-bw-schema": "MB:0=10",
}
# Beside what can be nowhere.
NOT_ON_V2 = {
    "--kernel-memory": "1m",
    "--kernel-memory-tcp": "1m",
    "--cpu-rt-period": "1000",
    "--cpu-rt-runtime": "1000",
}
CAN_BE = {
    "--memory": "60m",
    "--memory-reservation": "30m",
    "--memory-swap": "80m",
    "--cpu-period": "40000",
    "--cpu-quota": "10000",
    "--cpu-burst": "5000",
    "--cpu-share": "256",
    "--cpu-idle": "1",
    "--pids-limit": "44",
}


def words(options: Mapping[str, str]) -> list[str]:
    """Return the options as words of a command line."""
    return [word for pair in options.items() for word in pair]

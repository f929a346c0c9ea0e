"""Measures OCI runtimes against each other, interleaved in one run.

    /usr/bin/python3 conformance/bench --runtime krun=/path/krun --runtime runc=runc --runtime crun=crun

A runtime is NAME=COMMAND, where COMMAND may have options: `--runtime "plain=krun --monitor none"`.
Every round runs each of them once, in a changing order, so that a busy moment hits all alike; medians and
ratios of one run can be compared, numbers of different runs cannot.  The ratios are to the first runtime.
Needs root, Debian's packages busybox-static and time, and gcc and musl-tools for `--monitor-program`.

`--hide-unified` runs them all without the cgroup2 of a hybrid host, which crun wants.  `--monitor-program`
also measures krun-vm by itself, beside native programs; NAME=PATH, repeated, compares builds of it.
Out of scope: whether the runtimes are right.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import monitor
import report
from bundle import make_bundle, parent_cgroup
from scenario import Scenario
from worker import Failed, Worker


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runtime", action="append", default=[], metavar="NAME=COMMAND", help="repeat it")
    parser.add_argument("--rounds", type=int, default=40, metavar="N", help="rounds (%(default)s)")
    parser.add_argument(
        "--idle", type=int, default=50, metavar="N", help="idle containers (%(default)s, 0: none)"
    )
    parser.add_argument(
        "--hide-unified", action="store_true", help="unmount /sys/fs/cgroup/unified, privately"
    )
    parser.add_argument(
        "--monitor-program", action="append", default=[], metavar="[NAME=]PATH", help="krun-vm; repeat it"
    )
    parser.add_argument("--json", metavar="FILE", help="write the numbers there")
    options = parser.parse_args(arguments)
    if not options.runtime and not options.monitor_program:
        parser.error("nothing to measure: --runtime NAME=COMMAND or --monitor-program PATH")
    if any("=" not in runtime for runtime in options.runtime):
        parser.error("a runtime is NAME=COMMAND")
    if os.geteuid() != 0:
        parser.error("needs root")
    return options


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    options = _options(arguments)
    commands = {
        name: shlex.split(command) for name, _, command in (r.partition("=") for r in options.runtime)
    }
    result: dict[str, object] = {"rounds": options.rounds, "unified hidden": options.hide_unified}
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch, parent_cgroup() as parent:
        directory = Path(scratch)
        if commands:
            make_bundle(directory / "rootfs")
            scenarios = {
                name: Scenario(name, command, directory, parent, Worker(hide_unified=options.hide_unified))
                for name, command in commands.items()
            }
            _measure(list(scenarios.values()), options.rounds)
            idle = {name: s.idle(options.idle) for name, s in scenarios.items()} if options.idle else {}
            result["milliseconds"] = {name: s.times for name, s in scenarios.items()}
            result["peak KiB"] = {name: s.peaks for name, s in scenarios.items()}
            result["idle KiB"] = idle
            print(report.verbs({name: s.times for name, s in scenarios.items()}))
            print(report.peaks({name: s.peaks for name, s in scenarios.items()}))
            if idle:
                print(report.idle(idle, options.idle))
        if options.monitor_program:
            monitors = {
                name or Path(path).name: path
                for name, _, path in (m.rpartition("=") for m in options.monitor_program)
            }
            measured = monitor.measure(monitors, directory, options.rounds)
            result["monitor"] = measured
            print(report.monitor(measured))
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=1) + "\n")
    return 0


def _measure(scenarios: Sequence[Scenario], rounds: int) -> None:
    for scenario in scenarios:
        scenario.warm_up()
    for number in range(rounds):
        first = number % len(scenarios)
        for scenario in (*scenarios[first:], *scenarios[:first]):
            scenario.round(number)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Failed as error:
        sys.exit(f"bench: {error}")

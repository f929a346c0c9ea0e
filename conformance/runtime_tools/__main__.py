"""Runs opencontainers/runtime-tools' validation programs against OCI runtimes and compares the outcomes.

    .venv/bin/python conformance/runtime_tools --runtime vm=.venv/bin/krun --strict vm=vm
    .venv/bin/python conformance/runtime_tools --runtime krun=.venv/bin/krun --runtime runc=runc

A runtime is NAME=COMMAND, where COMMAND may have options; each trial adds a `--root` of its own.  The
programs, 58 of them, come from the Go modules that go.mod pins, built once into a cache.  The numbers in the
table are TAP lines: ok/not ok/skipped; `silent` programs ended well without a line.

`--strict PROFILE=NAME` holds the runtime NAME to the profile's known failures (known_failures.yaml): any
failure that is not in there, and any that is in there and passes, makes the exit status 1.
Needs root, Go 1.19 or newer, and PyYAML (which krun brings along).
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import programs
import report
import trial
import verdict


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="runtime_tools", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help="validation programs (all)")
    parser.add_argument("--runtime", action="append", default=[], metavar="NAME=COMMAND", help="repeat it")
    parser.add_argument(
        "--hide-unified",
        action="append",
        default=[],
        metavar="NAME",
        help="unmount /sys/fs/cgroup/unified for this runtime, privately",
    )
    parser.add_argument("--strict", action="append", default=[], metavar="PROFILE=NAME", help="repeat it")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="trials at once (%(default)s)")
    parser.add_argument("--timeout", type=float, default=90, metavar="S", help="for each trial (%(default)s)")
    parser.add_argument("--cache", type=Path, default=programs.default_cache(), metavar="FOLDER")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all outcomes there")
    options = parser.parse_args(arguments)
    if not options.runtime or any("=" not in word for word in (*options.runtime, *options.strict)):
        parser.error("--runtime NAME=COMMAND, --strict PROFILE=NAME")
    names = [word.partition("=")[0] for word in options.runtime]
    if not {word.partition("=")[2] for word in options.strict} | set(options.hide_unified) <= set(names):
        parser.error("--strict and --hide-unified take the name of a --runtime")
    if os.geteuid() != 0:
        parser.error("needs root")
    return options


def _runtime(word: str, hidden: Sequence[str]) -> trial.Runtime:
    name, _, command = word.partition("=")
    program, *rest = shlex.split(command)
    found = shutil.which(program)
    if found is None:
        raise SystemExit(f"runtime_tools: {program}: not found")
    return trial.Runtime(name, (str(Path(found).absolute()), *rest), hide_unified=name in hidden)


def main(arguments: Sequence[str]) -> int:
    """Build, run, print, judge."""
    options = _options(arguments)
    try:
        names = programs.obtain(options.cache)
    except programs.BuildError as error:
        raise SystemExit(f"runtime_tools: {error}") from None
    chosen = options.programs or names
    if not set(chosen) <= set(names):
        raise SystemExit(f"runtime_tools: no such program: {' '.join(sorted(set(chosen) - set(names)))}")
    runtimes = [_runtime(word, options.hide_unified) for word in options.runtime]
    with ThreadPoolExecutor(options.jobs) as pool:
        running = {
            runtime.name: [
                pool.submit(trial.run, runtime, program, options.cache, options.timeout) for program in chosen
            ]
            for runtime in runtimes
        }
        results = {name: [future.result() for future in futures] for name, futures in running.items()}
    print(report.table(results))
    print(report.failing(results))
    print(report.differences(results))
    if options.json:
        options.json.write_text(json.dumps(report.as_json(results), indent=1) + "\n")
    known = verdict.load_known()
    wrong = []
    for profile, _, name in (word.partition("=") for word in options.strict):
        wrong += [f"{name}: {line}" for line in verdict.surprises(results[name], known, profile)]
    print("".join(f"{line}\n" for line in wrong), end="", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

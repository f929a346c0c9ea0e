"""The life of a container under a tracer: each image that its processes execute, and what they could.

Out of scope: the tracer itself, which is a program of its own (tracer.py).
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from support import tracer
from support.bundles import Bundle
from support.processes import TIMEOUT_S
from support.runner import Runner


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def installed(name: str) -> Path:
    """Return the path of one of the package's own programs."""
    spec = importlib.util.find_spec("krun")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0]) / "libexec" / name


def life_of(runner: Runner, bundle: Bundle, output: Path) -> Iterator[dict[str, Any]]:
    """Create, start and outlive a container; yield what the tracer reports of its processes."""
    read_end, write_end = os.pipe()
    command = runner.command("create", "--bundle", bundle, "traced")
    with output.open("wb") as out, os.fdopen(read_end) as report:
        process = subprocess.Popen(
            [sys.executable, tracer.__file__, str(write_end), *command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            pass_fds=(write_end,),
        )
        os.close(write_end)
        first = 0
        for line in report:
            told = json.loads(line)
            yield told
            first = first or told["pid"]
            if told["pid"] == first and "status" in told:
                assert told["status"] == 0, output.read_text()
                runner.ok("start", "traced")
        assert process.wait(TIMEOUT_S) == 0, output.read_text()
    runner.ok("delete", "traced")


def images(life: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Split the executions into those in this pid namespace and those in the container's."""
    executions = [told for told in life if "image" in told]
    here = os.readlink("/proc/self/ns/pid")
    outside = [told for told in executions if told["namespace"] == here]
    return outside, [told for told in executions if told["namespace"] != here]


def mapped_executable(life: Sequence[dict[str, Any]]) -> set[str]:
    """Return what processes and threads of the container had mapped executable when they ended."""
    here = os.readlink("/proc/self/ns/pid")
    ends = [told for told in life if "executable" in told and told["namespace"] != here]
    assert ends, "no end of a process of the container was seen"
    return {name for told in ends for name in told["executable"]}


def assert_only_ours(life: Sequence[dict[str, Any]], krun: Path) -> None:
    """Assert that nothing of the image could ever run but in the VM.

    The launcher, its interpreter, krun-init and, in the container, krun-vm were executed and nothing else.
    At its end no process and no thread of the container, forked ones included, had anything executable
    mapped but the monitor's image and what the kernel gives each process: the payload's code is data there.
    """
    outside, inside = images(life)
    ours = {digest(installed(name)) for name in ("krun-init", "krun-vm")}
    assert {told["sha256"] for told in inside} == {digest(installed("krun-vm"))}
    hosts = {os.path.realpath(krun), os.path.realpath(sys.executable)}
    for told in (*outside, *inside):
        if told["image"] in hosts:
            assert told in outside, told
        else:
            assert told["image"].startswith("/memfd:"), told
            assert told["sha256"] in ours, told
    theirs = {name for name in mapped_executable(life) if not name.startswith("/memfd:")}
    assert theirs <= {"[vdso]", "[vsyscall]"}

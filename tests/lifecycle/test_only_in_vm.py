"""What an image contains runs in the VM and nowhere else: seen by following every process of a container.

A tracer stops at each fork and each execution, from `krun create` to the container's end.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import tracer
from support.bundles import Bundle
from support.processes import TIMEOUT_S
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox", "ptrace"), pytest.mark.usefixtures("nothing_left")]


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


def images(life: Iterator[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Split the executions into those in this pid namespace and those in the container's."""
    executions = [told for told in life if "image" in told]
    here = os.readlink("/proc/self/ns/pid")
    outside = [told for told in executions if told["namespace"] == here]
    return outside, [told for told in executions if told["namespace"] != here]


@pytest.mark.needs("kvm")
@pytest.mark.parametrize(
    ("command", "printed"),
    [
        (["uname", "-r"], ".kontain.KVM\n"),
        (["sh", "-c", "echo before; exec uname -r"], ".kontain.KVM\n"),
        (["sh", "-c", "uname -r | cat; echo after"], ".kontain.KVM\nafter\n"),
    ],
    ids=["one program", "a program that executes another", "a program that starts others"],
)
def test_only_krun_init_and_the_monitor_are_executed(
    runtime: Runner,
    bundle: Callable[..., Bundle],
    tmp_path: Path,
    krun: Path,
    command: list[str],
    printed: str,
) -> None:
    """The only images ever executed in a container are krun-init and krun-vm, each from a sealed memfd."""
    output = tmp_path / "output"
    outside, inside = images(life_of(runtime, bundle(command), output))
    assert output.read_text().endswith(printed)
    assert_only_ours(outside, inside, krun)


@pytest.mark.needs("kvm")
def test_a_start_container_hook_of_the_image_runs_in_a_vm_too(
    runtime: Runner, bundle: Callable[..., Bundle], tmp_path: Path, krun: Path
) -> None:
    """config.md#hooks: its path is the container's, so its program is the image's."""
    hook = {"path": "/bin/sh", "args": ["sh", "-c", "cat >/state; uname -r >/release"], "env": ["PATH=/bin"]}
    model = bundle(["sh", "-c", "cat /state /release"], hooks={"startContainer": [hook]})
    output = tmp_path / "output"
    outside, inside = images(life_of(runtime, model, output))
    printed = output.read_text()
    assert '"status":"created"' in printed
    assert printed.endswith(".kontain.KVM\n")
    assert_only_ours(outside, inside, krun)


@pytest.mark.needs("kvm")
def test_a_start_container_hook_that_fails_fails_the_start(
    runtime: Runner, bundle: Callable[..., Bundle]
) -> None:
    """runtime.md#lifecycle: the runtime must generate an error, and the payload never runs."""
    hook = {"path": "/bin/sh", "args": ["sh", "-c", "echo no luck; exit 7"], "env": ["PATH=/bin"]}
    runtime.ok("create", "--bundle", bundle(["touch", "/ran"], hooks={"startContainer": [hook]}), "c")
    line = runtime.refused("start", "c")
    assert line == "krun: hook startContainer[0] /bin/sh: exit status 7: no luck"
    runtime.ok("delete", "--force", "c")


def assert_only_ours(outside: list[dict[str, Any]], inside: list[dict[str, Any]], krun: Path) -> None:
    """Assert that the launcher, its interpreter, krun-init and, in the container, krun-vm were executed."""
    ours = {digest(installed(name)) for name in ("krun-init", "krun-vm")}
    assert {told["sha256"] for told in inside} == {digest(installed("krun-vm"))}
    hosts = {os.path.realpath(krun), os.path.realpath(sys.executable)}
    for told in (*outside, *inside):
        if told["image"] in hosts:
            assert told in outside, told
        else:
            assert told["image"].startswith("/memfd:"), told
            assert told["sha256"] in ours, told


def test_the_tracer_sees_a_payload_outside_of_a_vm(
    plain_runtime: Runner, bundle: Callable[..., Bundle], tmp_path: Path
) -> None:
    """With --monitor none the payload's image is executed in the container, and the tracer says so."""
    model = bundle(["uname", "-r"])
    _, inside = images(life_of(plain_runtime, model, tmp_path / "output"))
    assert digest(model.rootfs / "bin/busybox") in {told["sha256"] for told in inside}

"""What an image contains runs in the VM and nowhere else: seen by following every process of a container.

A tracer stops at each fork and each execution, from `krun create` to the container's end.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.bundles import MakeBundle
from support.life import assert_only_ours, digest, images, life_of, mapped_executable
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox", "ptrace"), pytest.mark.usefixtures("nothing_left")]


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
    bundle: MakeBundle,
    tmp_path: Path,
    krun: Path,
    command: list[str],
    printed: str,
) -> None:
    """The only images ever executed in a container are krun-init and krun-vm, each from a sealed memfd."""
    output = tmp_path / "output"
    life = list(life_of(runtime, bundle(command), output))
    assert output.read_text().endswith(printed)
    assert_only_ours(life, krun)


@pytest.mark.needs("kvm")
def test_a_start_container_hook_of_the_image_runs_in_a_vm_too(
    runtime: Runner, bundle: MakeBundle, tmp_path: Path, krun: Path
) -> None:
    """config.md#hooks: its path is the container's, so its program is the image's."""
    hook = {"path": "/bin/sh", "args": ["sh", "-c", "cat >/state; uname -r >/release"], "env": ["PATH=/bin"]}
    model = bundle(["sh", "-c", "cat /state /release"], hooks={"startContainer": [hook]})
    output = tmp_path / "output"
    life = list(life_of(runtime, model, output))
    printed = output.read_text()
    assert '"status":"created"' in printed
    assert printed.endswith(".kontain.KVM\n")
    assert_only_ours(life, krun)


@pytest.mark.needs("kvm")
def test_a_start_container_hook_that_fails_fails_the_start(runtime: Runner, bundle: MakeBundle) -> None:
    """runtime.md#lifecycle: the runtime must generate an error, and the payload never runs."""
    hook = {"path": "/bin/sh", "args": ["sh", "-c", "echo no luck; exit 7"], "env": ["PATH=/bin"]}
    runtime.ok("create", "--bundle", bundle(["touch", "/ran"], hooks={"startContainer": [hook]}), "c")
    line = runtime.refused("start", "c")
    assert line == "krun: hook startContainer[0] /bin/sh: exit status 7: no luck"
    runtime.ok("delete", "--force", "c")


def test_the_tracer_sees_a_payload_outside_of_a_vm(
    plain_runtime: Runner, bundle: MakeBundle, tmp_path: Path
) -> None:
    """With --monitor none the payload's image is executed in the container, and the tracer says so."""
    model = bundle(["uname", "-r"])
    life = list(life_of(plain_runtime, model, tmp_path / "output"))
    _, inside = images(life)
    assert digest(model.rootfs / "bin/busybox") in {told["sha256"] for told in inside}
    assert "/bin/busybox" in mapped_executable(life)

"""What test_selinux runs in a machine whose kernel enforces a policy: selinux.cil.

Not collected by itself: these need root, and a kernel of their own.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.runner import Result
from support.shared_root import Krun

LABEL = "system_u:system_r:container_t:s0:c1,c2"
MOUNTS = "system_u:object_r:container_file_t:s0:c1,c2"
SELINUX = Path("/sys/fs/selinux")
POLICY_VERSION = "33"
MONITORS = ("none", "builtin")

Make = Callable[..., Krun]


@pytest.fixture(scope="module", autouse=True)
def _enforced(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Give the kernel its policy, and have it enforced."""
    policy = tmp_path_factory.mktemp("policy") / "policy"
    source = Path(__file__).resolve().with_name("selinux.cil")
    subprocess.run(["secilc", "-c", POLICY_VERSION, "-o", policy, "-f", "/dev/null", source], check=True)
    subprocess.run(["mount", "-t", "selinuxfs", "none", SELINUX], check=True)
    (SELINUX / "load").write_bytes(policy.read_bytes())  # in one write
    (SELINUX / "enforce").write_text("1")


@pytest.fixture
def make(krun: Path, krun_root: Path, tmp_path: Path, shared_root: Path) -> Iterator[Make]:
    """Return what makes a krun with a labelled container, whose image keeps a secret from it."""
    made: list[Krun] = []

    def call(script: str, monitor: str = "none", label: str = LABEL, **linux: Any) -> Krun:
        krun_of_it = Krun(krun, krun_root, tmp_path, shared_root, monitor=monitor)
        krun_of_it.bundle.config["process"] |= {"args": ["sh", "-c", script], "selinuxLabel": label}
        krun_of_it.bundle.config["linux"] |= linux
        krun_of_it.bundle.write()
        made.append(krun_of_it)
        return krun_of_it

    secret = shared_root / "secret"
    secret.write_text("the secret\n")
    os.setxattr(secret, "security.selinux", b"system_u:object_r:secret_t:s0")
    yield call
    for each in made:
        if (krun_root / each.id).exists():
            each.ok("delete", "--force", each.id)


def run(krun: Krun) -> Result:
    """Run the container to its end."""
    return krun("run", "--bundle", krun.bundle, krun.id)


def label_of(said: str) -> str:
    """Return the label that /proc/PID/attr/current says, which ends with a NUL."""
    return said.rstrip("\0\n")


@pytest.mark.parametrize("monitor", MONITORS)
def test_the_process_has_its_label_and_no_more_than_that_may(make: Make, monitor: str) -> None:
    """config.md#linux-process: the payload, or the monitor that acts for it, is under the policy."""
    done = run(make("cat /proc/self/attr/current; echo; cat /secret; cat /proc/uptime >/dev/null", monitor))
    assert label_of(done.out) == LABEL
    assert done.err.splitlines() == ["cat: can't open '/secret': Permission denied"]
    assert done.status == 0


@pytest.mark.parametrize("monitor", MONITORS)
def test_without_a_label_nothing_is_kept_from_it(make: Make, monitor: str) -> None:
    """The policy of these tests lets the host read the secret: what is refused above is so by the label."""
    assert run(make("cat /secret", monitor, label="")).out == "the secret\n"


@pytest.mark.parametrize("monitor", MONITORS)
def test_a_program_of_the_payloads_keeps_the_label(make: Make, monitor: str) -> None:
    """fork and exec change nothing."""
    done = run(make("busybox sh -c 'cat /proc/self/attr/current; true'", monitor))
    assert (label_of(done.out), done.status) == (LABEL, 0), done


@pytest.mark.parametrize("monitor", MONITORS)
def test_mounts_have_the_mount_label(make: Make, monitor: str) -> None:
    """config-linux.md#mount-label: what the runtime mounts is the container's own."""
    done = run(
        make(
            "grep ' /dev/shm ' /proc/mounts; echo x >/dev/shm/x && cat /dev/shm/x", monitor, mountLabel=MOUNTS
        )
    )
    mount, content = done.out.splitlines()
    assert (f'context="{MOUNTS}"' in mount or f"context={MOUNTS}" in mount, content) == (True, "x"), done


@pytest.mark.parametrize("monitor", MONITORS)
def test_a_process_of_exec_has_the_label_too(make: Make, monitor: str) -> None:
    """That of the container, or the one that is asked for."""
    krun = make("sleep 600", monitor)
    krun.ok("run", "--detach", "--bundle", krun.bundle, krun.id)
    script = ("sh", "-c", "cat /proc/self/attr/current")
    other = LABEL.replace("c1,c2", "c0")
    assert label_of(krun.ok("exec", krun.id, *script).out) == LABEL
    assert label_of(krun.ok("exec", "--process-label", other, krun.id, *script).out) == other


@pytest.mark.parametrize(
    ("monitor", "label", "words"),
    [
        ("none", "nobody_t", "set the SELinux label system_u:system_r:nobody_t:s0: EINVAL"),
        ("builtin", "nobody_t", "set the SELinux label system_u:system_r:nobody_t:s0: EINVAL"),
        ("none", "closed_t", "permission denied"),
        ("builtin", "closed_t", "execute the monitor: EACCES"),
    ],
)
def test_a_label_that_cannot_be_had_is_an_error(make: Make, monitor: str, label: str, words: str) -> None:
    """One that the policy does not know, and one that no program may begin with."""
    done = run(make("echo it runs", monitor, f"system_u:system_r:{label}:s0"))
    assert (done.status == 0, done.out, words in done.err) == (False, "", True), done

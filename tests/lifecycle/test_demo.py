"""What a stranger meets first: `krun demo`, and the bundle of the README."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from support.sources import REPOSITORY

TIMEOUT_S = 60.0


def shell(
    script: str, krun: Path, cwd: Path, *, in_namespace: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run a shell script with krun first in PATH; in_namespace: with a mount namespace of its own."""
    words = ["unshare", "--mount", "sh", "-ec", script] if in_namespace else ["sh", "-ec", script]
    env = {**os.environ, "PATH": f"{krun.parent}:{os.environ['PATH']}"}
    return subprocess.run(
        words, cwd=cwd, env=env, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )


@pytest.mark.needs("root", "kvm")
def test_demo_shows_a_program_in_a_vm(krun: Path, tmp_path: Path) -> None:
    """It prints the machine's marker, the pid, the user, the files, and how long create and start took."""
    done = shell("krun demo", krun, tmp_path)
    assert done.returncode == 0, done
    lines = done.stdout.splitlines()
    assert ".kontain.KVM " in lines[0]
    assert lines[1].split() == ["pid:", "1"]
    assert lines[2].split() == ["user:", "uid", "1000,", "gid", "1000"]
    assert lines[3].split() == ["/", "demo", "dev", "etc", "proc", "sys", "tmp"]
    assert lines[-1].startswith("create took ")
    assert done.stderr == ""


@pytest.mark.needs("root")
def test_demo_without_kvm_says_so_first_and_marks_every_line(krun: Path, tmp_path: Path) -> None:
    """Where KVM is missing it says what to do, and then shows the container outside of a VM."""
    hide_kvm = (
        "mkdir dev; mount -t tmpfs dev dev; cd dev;"
        " for n in null zero full random urandom tty; do touch $n; mount --bind /dev/$n $n; done;"
        " mount --rbind . /dev; cd ..; krun demo"
    )
    done = shell(hide_kvm, krun, tmp_path, in_namespace=True)
    assert done.returncode == 0, done
    first, second, *lines = done.stdout.splitlines()
    assert first.startswith("no KVM: /dev/kvm is missing; ")
    assert "--monitor none" in second
    assert len(lines) > 5
    assert all(line.startswith("[not in a VM] ") for line in lines)
    assert ".kontain.KVM" not in done.stdout


@pytest.mark.needs("root", "kvm", "busybox")
def test_the_bundle_of_the_readme_runs(krun: Path, tmp_path: Path) -> None:
    """The README's own lines make a bundle and run it in a VM."""
    readme = (REPOSITORY / "README.md").read_text()
    script = readme.partition("<!-- bundle -->\n```sh\n")[2].partition("```")[0]
    assert "krun run" in script
    script = script.replace("sudo .venv/bin/krun", "krun").replace(".venv/bin/krun", "krun")
    done = shell(script, krun, tmp_path)
    assert done.returncode == 0, done
    assert ".kontain.KVM " in done.stdout
    assert done.stdout.endswith("I am 1\n")

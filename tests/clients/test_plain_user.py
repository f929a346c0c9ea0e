"""krun called by a plain user: ids, cgroups that the user may not make, states of their own.

In the bed of rootless podman, where there is such a user; runc with the same bundle proves the tests.
Out of scope: podman's way, as root of a user namespace (test_podman_rootless).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from podman_bed import PodmanBed
from support.client import Answer
from support.processes import TIMEOUT_S

IN_VM = ".kontain.KVM"
KRUN = "/run/bed/venv/bin/krun"
CASES = [
    pytest.param("krun", marks=pytest.mark.needs("root", "podman", "uidmap", "busybox", "kvm")),
    pytest.param("runc", marks=pytest.mark.needs("root", "podman", "uidmap", "busybox", "runc")),
]


class PlainUser:
    """A plain user with a bundle, and a runtime."""

    def __init__(self, bed: PodmanBed, runtime: str) -> None:
        """Make a bundle in the user's home as `spec --rootless` does."""
        assert bed.user is not None
        self.bed, self.user, self.runtime = bed, bed.user, runtime
        self.bundle = f"{bed.home}/bundle"
        script = (
            f"mkdir -p {self.bundle}/rootfs/bin && cp /bin/busybox {self.bundle}/rootfs/bin && "
            f"cd {self.bundle}/rootfs/bin && for name in sh cat id sleep; do ln -sf busybox $name; done"
        )
        assert self.call("sh", "-c", script).status == 0
        made = self.run("spec", "--rootless", "--bundle", self.bundle)
        assert made.status == 0, made

    def call(self, *words: str, stdin: bytes = b"") -> Answer:
        """Run any command as the user."""
        return Answer(self.bed.call(*words, input=stdin, capture_output=True, timeout=TIMEOUT_S))

    def run(self, *words: str) -> Answer:
        """Run the runtime as the user."""
        return self.call(KRUN if self.runtime == "krun" else self.runtime, *words)

    def configure(self, script: str, **linux: Any) -> None:
        """Change the configuration: what is run, and properties of `linux`."""
        path = f"{self.bundle}/config.json"
        config = json.loads(self.call("cat", path).out)
        config["process"] |= {"args": ["sh", "-c", script], "terminal": False}
        config["linux"] |= linux
        assert self.call("tee", path, stdin=json.dumps(config).encode()).status == 0

    def output(self, script: str, **linux: Any) -> list[str]:
        """Run a container and return the lines that it prints."""
        self.configure(script, **linux)
        answer = self.run("run", "--bundle", self.bundle, "plain")
        assert answer.status == 0, answer
        return answer.out.splitlines()


@pytest.fixture(params=CASES)
def plain(request: pytest.FixtureRequest, rootless_bed: PodmanBed) -> Iterator[PlainUser]:
    """Return a plain user with the runtime under test; the bundle is gone at the end."""
    user = PlainUser(rootless_bed, request.param)
    yield user
    assert user.call("rm", "-rf", user.bundle).status == 0
    left = user.call("sh", "-c", f"ls {user.user.runtime_dir}/krun 2>/dev/null; true").out
    assert left == ""


def test_spec_rootless_runs_with_ones_own_id(plain: PlainUser) -> None:
    """Root inside is the user outside, and nobody else is there; with krun in a VM."""
    release, uid, mapping = plain.output("busybox uname -r; id -u; cat /proc/self/uid_map")
    assert release == os.uname().release + (IN_VM if plain.runtime == "krun" else "")
    assert (uid, mapping.split()) == ("0", ["0", str(plain.user.uid), "1"])


def test_subordinate_ids_are_mapped_by_newuidmap(plain: PlainUser) -> None:
    """The ranges of /etc/subuid and /etc/subgid, beside the user's own id."""
    own = {"containerID": 0, "hostID": plain.user.uid, "size": 1}
    more = {"containerID": 1, "hostID": plain.user.first_sub_id, "size": 1000}
    lines = plain.output(
        "cat /proc/self/uid_map /proc/self/gid_map; cat /proc/self/setgroups",
        uidMappings=[own, more],
        gidMappings=[own, more],
    )
    maps = [["0", str(plain.user.uid), "1"], ["1", str(plain.user.first_sub_id), "1000"]]
    assert [line.split() for line in lines] == [*maps, *maps, ["allow"]]


def test_ids_of_others_are_refused(plain: PlainUser) -> None:
    """What /etc/subuid does not give; the reason is newuidmap's, and nothing is left."""
    own = {"containerID": 0, "hostID": plain.user.uid, "size": 1}
    foreign = {"containerID": 1, "hostID": 900000, "size": 1000}
    plain.configure("true", uidMappings=[own, foreign], gidMappings=[own])
    answer = plain.run("run", "--bundle", plain.bundle, "plain")
    assert answer.status == 1, answer
    if plain.runtime == "krun":
        assert "cannot be mapped by newuidmap: " in answer.err
        assert answer.err.count("\n") == 1


def test_a_cgroup_that_was_asked_for_and_may_not_be_made_is_an_error(plain: PlainUser) -> None:
    """Without a path the container goes without a cgroup; with one, and no right to it, it is refused."""
    plain.configure("true", cgroupsPath="/nobody-may-make-this")
    answer = plain.run("run", "--bundle", plain.bundle, "plain")
    assert answer.status == 1, answer
    if plain.runtime == "krun":
        assert answer.err.startswith("krun: cannot make cgroup /sys/fs/cgroup/")
        assert "EACCES" in answer.err


def test_rootless_false_wants_the_cgroup(plain: PlainUser) -> None:
    """--rootless=false: nothing is done without, as if root had called."""
    plain.configure("true")
    assert plain.run("--rootless=true", "run", "--bundle", plain.bundle, "plain").status == 0
    answer = plain.run("--rootless=false", "run", "--bundle", plain.bundle, "plain")
    assert answer.status == 1, answer


def test_a_limit_without_a_cgroup_is_an_error(plain: PlainUser) -> None:
    """A limit that cannot be had is never ignored."""
    plain.configure("true", resources={"memory": {"limit": 64 << 20}})
    answer = plain.run("run", "--bundle", plain.bundle, "plain")
    assert answer.status == 1, answer
    if plain.runtime == "krun":
        assert answer.err.startswith("krun: $.linux.resources.memory.limit: ")


def test_the_whole_life(plain: PlainUser) -> None:
    """Create, start, state, exec, list, kill and delete, with states in $XDG_RUNTIME_DIR."""
    plain.configure("trap 'exit 7' TERM; while :; do sleep 0.05; done")
    bundle = f"cd {plain.bundle}; "
    runtime = KRUN if plain.runtime == "krun" else plain.runtime
    made = plain.call("sh", "-c", f"{bundle} {runtime} create plain </dev/null >/dev/null 2>&1")
    assert made.status == 0, made
    assert plain.run("start", "plain").status == 0
    assert json.loads(plain.run("state", "plain").out)["status"] == "running"
    assert plain.run("exec", "plain", "id", "-u").out == "0\n"
    assert "plain" in plain.run("list", "--quiet").out.split()
    assert plain.run("kill", "plain", "KILL").status == 0
    assert plain.run("delete", "--force", "plain").status == 0
    assert "does not exist" in plain.run("state", "plain").err


@pytest.mark.needs("root", "podman", "uidmap", "busybox", "kvm")
def test_without_the_right_to_kvm_the_reason_is_said(rootless_bed: PodmanBed) -> None:
    """An error at once that says what to do about it, never a run without a VM."""
    plain = PlainUser(rootless_bed, "krun")
    plain.configure("true")
    rootless_bed.script("chmod 600 /run/nodes/kvm")  # the bed's own node
    answer = plain.run("run", "--bundle", plain.bundle, "plain")
    rootless_bed.script("chmod 666 /run/nodes/kvm")
    plain.call("rm", "-rf", plain.bundle)
    assert answer.status == 1, answer
    assert answer.err.startswith("krun: no KVM: this user may not open /dev/kvm; ")

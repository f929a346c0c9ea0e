"""Images built with buildah: its RUN steps are containers of the runtime.

Each test runs with crun, too, which proves the test.
Out of scope: how images are stored and moved.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.podman import IMAGE, Podman

IN_VM = ".kontain.KVM"


class Buildah:
    """buildah in podman's bed, with the runtime under test."""

    def __init__(self, podman: Podman) -> None:
        """Use what `podman` uses."""
        self.podman = podman
        self.runtime = str(podman.bed.runtimes[podman.runtime])

    def ok(self, *words: str) -> str:
        """Run buildah, assert that it succeeds, return what it prints."""
        answer = self.podman.call("buildah", *words)
        assert answer.status == 0, answer
        return answer.out

    def run_words(self, container: str, *command: str) -> list[str]:
        """Return the words that run a command in a working container."""
        isolation = ["--isolation", "oci", "--runtime", self.runtime]
        return ["run", *isolation, container, "--", *command]


@pytest.fixture
def buildah(podman: Podman) -> Iterator[Buildah]:
    """Return buildah with the runtime under test; its working containers are removed."""
    client = Buildah(podman)
    yield client
    client.ok("rm", "--all")


@pytest.fixture
def working(buildah: Buildah) -> str:
    """Return a working container from the busybox image."""
    # The container gets just this cgroup, none below it.
    parent = f"--cgroup-parent=/{buildah.podman.bed.cgroup}/build"
    words = ("--pull-never", "--network", "none", parent)
    return buildah.ok("from", *words, f"localhost/{IMAGE}").strip()


pytestmark = pytest.mark.needs("buildah")


def test_run_executes_in_the_vm_and_changes_the_container(buildah: Buildah, working: str) -> None:
    """`buildah run`: what it writes is there for the next one."""
    script = "uname -r; echo kept >/file"
    release = buildah.ok(*buildah.run_words(working, "sh", "-c", script)).strip()
    assert release == os.uname().release + (IN_VM if buildah.podman.runtime == "krun" else "")
    assert buildah.ok(*buildah.run_words(working, "cat", "/file")) == "kept\n"


def test_runs_status_and_streams_are_the_payloads(buildah: Buildah, working: str) -> None:
    """Both streams stay apart, stdin arrives; a status that is not 0 comes out."""
    script = "cat; echo err >&2; exit 3"
    answer = buildah.podman.call("buildah", *buildah.run_words(working, "sh", "-c", script), stdin=b"in\n")
    assert answer.status == 3, answer
    assert answer.out == "in\n"
    assert answer.err.startswith("err\n")


def test_bud_builds_from_scratch(buildah: Buildah, tmp_path: Path) -> None:
    """`buildah bud`: copies, runs, environment, users, a working directory; podman runs the result."""
    (tmp_path / "busybox").write_bytes(Path("/bin/busybox").read_bytes())
    (tmp_path / "busybox").chmod(0o755)
    (tmp_path / "Containerfile").write_text(
        "FROM scratch\n"
        "COPY busybox /bin/busybox\n"
        'RUN ["/bin/busybox", "mkdir", "-m", "1777", "/work"]\n'
        'RUN ["/bin/busybox", "ln", "/bin/busybox", "/bin/sh"]\n'
        "WORKDIR /work\n"
        "ENV FRUIT=medlar\n"
        "USER 1234\n"
        "RUN echo $FRUIT >built; busybox id -u >>built; busybox uname -r >>built\n"
        'CMD ["/bin/sh", "-c", "busybox cat built"]\n'
    )
    isolation = ["--isolation", "oci", "--runtime", buildah.runtime, "--network", "none"]
    # The container gets just this cgroup, none below it.
    parent = f"--cgroup-parent=/{buildah.podman.bed.cgroup}/build"
    buildah.ok("bud", *isolation, parent, "--tag", "built", str(tmp_path))
    try:
        lines = buildah.podman.output("localhost/built").splitlines()
    finally:
        buildah.podman.ok("rmi", "--force", "localhost/built")
    mark = IN_VM if buildah.podman.runtime == "krun" else ""
    assert lines == ["medlar", "1234", os.uname().release + mark]

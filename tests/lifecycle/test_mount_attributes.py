"""Recursive attributes of bind mounts (config.md#linux-mount-options), as the payload sees them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.bundles import Bundle, MakeBundle
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]

# Option -> the word of mountinfo.
SETTING = {
    "rro": "ro",
    "rnosuid": "nosuid",
    "rnodev": "nodev",
    "rnoexec": "noexec",
    "rnoatime": "noatime",
    "rnodiratime": "nodiratime",
    "rnosymfollow": "nosymfollow",
}
CLEARING = {
    "rrw": "ro",
    "rsuid": "nosuid",
    "rdev": "nodev",
    "rexec": "noexec",
    "ratime": "noatime",
    "rrelatime": "noatime",
    "rstrictatime": "relatime",
    "rdiratime": "nodiratime",
    "rsymfollow": "nosymfollow",
}
ALL = "ro,nosuid,nodev,noexec,noatime,nodiratime,nosymfollow"


@pytest.fixture
def sources(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """Return two trees with a mount below each: one without attributes, one with all of them."""
    places = []
    for name, options in (("plain", "relatime"), ("full", ALL)):
        below = tmp_path / name / "below"
        below.mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "below", below], check=True)
        places.append(below)
    yield places[0].parent, places[1].parent
    for place in places:
        subprocess.run(["umount", place], check=True)


def shown(runner: Runner, made: Bundle) -> dict[str, set[str]]:
    """Return mount point -> its attributes, as the payload sees them."""
    out = runner.ok("run", "--bundle", made, "c").out
    return {line.split()[4]: set(line.split()[5].split(",")) for line in out.splitlines()}


def mount(option: str, source: Path, *more: str) -> dict[str, Any]:
    """Return a mount of a tree at a place that has the option's name."""
    return {"destination": f"/{option}", "source": str(source), "options": ["rbind", *more, option]}


def test_recursive_attributes_are_set_on_every_mount(
    either_runtime: Runner, bundle: MakeBundle, sources: tuple[Path, Path]
) -> None:
    """And only those that are named."""
    made = bundle(["cat", "/proc/self/mountinfo"], mounts=[mount(option, sources[0]) for option in SETTING])
    found = shown(either_runtime, made)
    for option, word in SETTING.items():
        for place in (f"/{option}", f"/{option}/below"):
            assert found[place] & set(ALL.split(",")) == {word}, (place, found[place])


def test_recursive_attributes_are_taken_from_every_mount(
    either_runtime: Runner, bundle: MakeBundle, sources: tuple[Path, Path]
) -> None:
    """The mount below has all of them before; the others stay."""
    made = bundle(["cat", "/proc/self/mountinfo"], mounts=[mount(option, sources[1]) for option in CLEARING])
    found = shown(either_runtime, made)
    for option, word in CLEARING.items():
        assert word not in found[f"/{option}/below"], (option, found)
    assert set(ALL.split(",")) - found["/rsuid/below"] == {"nosuid"}


def test_attributes_of_the_top_are_not_those_below(
    either_runtime: Runner, bundle: MakeBundle, sources: tuple[Path, Path]
) -> None:
    """`ro` and `rnodev` together: one for the top mount, one for all."""
    made = bundle(["cat", "/proc/self/mountinfo"], mounts=[mount("rnodev", sources[0], "ro")])
    found = shown(either_runtime, made)
    assert {"ro", "nodev"} <= found["/rnodev"]
    assert "nodev" in found["/rnodev/below"]
    assert "ro" not in found["/rnodev/below"]

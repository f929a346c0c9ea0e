"""The home directory that the image names: what clients leave to the runtime, from a hostile file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from krun.host.image import home_of, parse_home

USERS = "root:x:0:0:root:/root:/bin/sh\nbad line\nuser:x:1000:1000::/home/user:\nagain:x:1000:1000::/other:\n"


@pytest.fixture
def rootfs(tmp_path: Path) -> Path:
    """Return a root file system with a passwd."""
    (tmp_path / "rootfs" / "etc").mkdir(parents=True)
    (tmp_path / "rootfs" / "etc" / "passwd").write_text(USERS)
    return tmp_path / "rootfs"


@pytest.mark.parametrize(("uid", "home"), [(0, "/root"), (1000, "/home/user"), (5, "/")])
def test_home_is_the_first_line_s(rootfs: Path, uid: int, home: str) -> None:
    """Who is not in the file has `/`."""
    assert home_of(str(rootfs), uid) == home


@pytest.mark.parametrize(
    "line",
    ["u:x:7:7:c::/sh", "u:x:7:7:c:/h", "u:x:07:7:c:/h:/sh", "u:x:7:7:c:/h:/sh:more", "u:x:7:7:c:/a\0b:/sh"],
)
def test_line_that_is_none_is_skipped(line: str) -> None:
    """passwd(5) has seven fields, a number is written in one way, and no environment holds a NUL."""
    assert parse_home(line, 7) == "/"


def test_missing_file_and_missing_root_give_a_slash(tmp_path: Path) -> None:
    """Neither is an error here: krun-init reports a missing root."""
    assert home_of(str(tmp_path), 0) == "/"
    assert home_of(str(tmp_path / "none"), 0) == "/"


def test_link_does_not_lead_out_of_the_root(rootfs: Path, tmp_path: Path) -> None:
    """An absolute link is resolved inside the root, as a process in the container would see it."""
    (tmp_path / "outside").write_text("root:x:0:0:root:/leaked:/bin/sh\n")
    passwd = rootfs / "etc" / "passwd"
    passwd.rename(rootfs / "etc" / "real")
    passwd.symlink_to(tmp_path / "outside")
    assert home_of(str(rootfs), 0) == "/"
    passwd.unlink()
    passwd.symlink_to("/etc/real")
    assert home_of(str(rootfs), 0) == "/root"


def test_named_pipe_does_not_hold_us_up(rootfs: Path) -> None:
    """Opening one for reading would wait for ever."""
    (rootfs / "etc" / "passwd").unlink()
    os.mkfifo(rootfs / "etc" / "passwd")
    assert home_of(str(rootfs), 0) == "/"


def test_only_the_beginning_of_a_huge_file_is_read(rootfs: Path) -> None:
    """A sparse file of a terabyte costs a megabyte."""
    os.truncate(rootfs / "etc" / "passwd", 1 << 40)
    assert home_of(str(rootfs), 0) == "/root"

"""krun.os gives what the standard os gives."""

from __future__ import annotations

import os
import posixpath
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krun import os as own

PATHS = st.text(alphabet="a./b\u00e9", max_size=12)


@given(PATHS)
@pytest.mark.parametrize("name", ["split", "dirname", "basename", "normpath", "abspath"])
def test_a_path_is_taken_apart_as_by_the_standard_library(name: str, path: str) -> None:
    """Any mixture of names, dots and slashes."""
    assert getattr(own.path, name)(path) == getattr(posixpath, name)(path)


@given(PATHS, st.lists(PATHS, max_size=3))
def test_paths_are_joined_as_by_the_standard_library(path: str, parts: list[str]) -> None:
    """Absolute, relative and empty parts."""
    assert own.path.join(path, *parts) == posixpath.join(path, *parts)


@given(st.binary(max_size=20))
def test_a_name_that_is_not_utf_8_survives(name: bytes) -> None:
    """The kernel's names are bytes."""
    assert own.fsdecode(name) == name.decode("utf-8", "surrogateescape")
    assert own.fsencode(own.fsdecode(name)) == name


@pytest.mark.parametrize("name", ["exists", "lexists", "isdir"])
def test_what_a_path_leads_to(name: str, tmp_path: Path) -> None:
    """A file, a directory, links to something and to nothing, nothing, and what cannot be a path."""
    (tmp_path / "file").touch()
    (tmp_path / "directory").mkdir()
    (tmp_path / "link").symlink_to("directory")
    (tmp_path / "dangling").symlink_to("nothing")
    for entry in ("file", "directory", "link", "dangling", "nothing", "file/below", "nul\0"):
        path = f"{tmp_path}/{entry}"
        assert getattr(own.path, name)(path) == getattr(os.path, name)(path), entry


def test_missing_directories_are_made(tmp_path: Path) -> None:
    """The last one gets the mode, one that is there is left alone, and a file in the way is an error."""
    own.makedirs(f"{tmp_path}/a/b/c", 0o711)
    assert (tmp_path / "a/b/c").stat().st_mode & 0o777 == 0o711
    own.makedirs(f"{tmp_path}/a/b/c", 0o700)
    assert (tmp_path / "a/b/c").stat().st_mode & 0o777 == 0o711
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        own.makedirs(f"{tmp_path}/file")


def test_a_variable_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """As krun was started with it."""
    monkeypatch.setitem(own.environ, b"KRUN_OS", b"w\xffrd")
    assert own.getenv("KRUN_OS") == "w\udcffrd"
    assert own.getenv("KRUN_NONE", "default") == "default"

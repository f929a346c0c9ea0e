"""By what names a program is known that was executed by a path, by a descriptor, or as a script."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.needs("kvm", "busybox")

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def executed(static: Callable[[str], Path], in_vm: Run, tmp_path: Path) -> Callable[[str, str], str]:
    """Return a function that has the payload execute a file in one of its ways; returns what that prints."""
    (tmp_path / "program").hardlink_to(static("executed"))
    (tmp_path / "link").symlink_to("program")
    (tmp_path / "script").write_text("#!/bin/busybox sh\nread -r comm </proc/$$/comm\necho $comm $0\n")
    (tmp_path / "script").chmod(0o755)

    def execute(way: str, name: str) -> str:
        result = in_vm(tmp_path / "program", way, tmp_path, name)
        assert (result.stderr, result.returncode) == ("", 0)
        return result.stdout.rstrip("\n")

    return execute


@pytest.mark.parametrize(
    ("way", "name", "printed"),
    [
        ("self", "", "exe /proc/self/exe zero"),
        ("deleted", "program", "exe /proc/self/exe zero"),
        ("replaced", "program", "exe /proc/self/exe zero"),
        ("linked", "program", "myself myself zero"),
        ("path", "./program", "program ./program zero"),
        ("path", "link", "link link zero"),
        ("descriptor", "link", "program /dev/fd/40 zero"),
        ("closing", "program", "program /dev/fd/40 zero"),
        ("below", "link", "link /dev/fd/40/link zero"),
        ("nofollow", "program", "program /dev/fd/40/program zero"),
    ],
)
def test_program_is_known_by_the_name_of_its_call(
    way: str, name: str, printed: str, executed: Callable[[str, str], str]
) -> None:
    """comm, AT_EXECFN and argv[0] are the kernel's: a descriptor is /dev/fd/N, its comm the file's name."""
    assert executed(way, name) == printed


@pytest.mark.parametrize(
    ("way", "printed"),
    [
        ("path", "script script"),
        ("descriptor", "busybox /dev/fd/40"),
        ("below", "script /dev/fd/40/script"),
    ],
)
def test_script_is_opened_by_a_name_that_leads_to_it(
    way: str, printed: str, executed: Callable[[str, str], str]
) -> None:
    """The interpreter gets the path, or /dev/fd/N of the descriptor that the caller left open."""
    assert executed(way, "script") == printed


def test_script_behind_a_descriptor_that_is_closed_is_not_found(
    executed: Callable[[str, str], str],
) -> None:
    """The interpreter could not open it: ENOENT, as fexecve(3) says."""
    assert executed("closing", "script") == "ENOENT"


def test_link_is_not_followed_where_that_is_asked_for(executed: Callable[[str, str], str]) -> None:
    """AT_SYMLINK_NOFOLLOW: ELOOP."""
    assert executed("nofollow", "link") == "ELOOP"

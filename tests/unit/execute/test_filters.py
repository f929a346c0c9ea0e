"""The cache of compiled seccomp profiles."""

from __future__ import annotations

from pathlib import Path

import pytest

from krun.errors import Unsupported, UsageError
from krun.execute import filters
from krun.spec.ids import check_id
from krun.spec.model import Seccomp, SeccompRule

PROFILE = Seccomp(
    default_action="SCMP_ACT_ERRNO",
    architectures=("SCMP_ARCH_X86_64",),
    syscalls=(SeccompRule(names=("read", "write", "no_such_call"), action="SCMP_ACT_ALLOW"),),
)


class Cache:
    """A cache in the test's own directory."""

    def __init__(self, base: Path) -> None:
        """Use `base` as the user's runtime directory."""
        self.base, self.path = base, base / "krun" / ".cache"

    def compile(self, profile: Seccomp = PROFILE) -> bytes:
        """Compile through the cache."""
        return filters.compile_filter(profile, str(self.base))

    def entries(self) -> list[Path]:
        """Return the entries."""
        return list(self.path.iterdir())


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    """Return an empty cache."""
    return Cache(tmp_path)


def test_a_profile_is_compiled_once(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time it comes from the cache."""
    code = cache.compile()
    assert len(code) > 0
    assert len(code) % 8 == 0
    (entry,) = cache.entries()
    assert entry.read_bytes() == code
    monkeypatch.setattr(filters, "_compile", lambda _profile: pytest.fail("compiled again"))
    assert cache.compile() == code


def test_another_profile_is_another_entry(cache: Cache) -> None:
    """The name is the profile's hash."""
    cache.compile()
    cache.compile(PROFILE.replace(default_action="SCMP_ACT_KILL"))
    assert len(cache.entries()) == 2


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_an_entry_that_others_may_write_is_not_used(cache: Cache, mode: int) -> None:
    """It could hold anything."""
    code = cache.compile()
    (entry,) = cache.entries()
    entry.write_bytes(b"\0" * 8)
    entry.chmod(mode)
    assert cache.compile() == code


def test_a_directory_that_others_may_write_is_not_used(cache: Cache) -> None:
    """Neither read nor written; the profile is compiled anew."""
    cache.compile()
    (entry,) = cache.entries()
    entry.write_bytes(b"\0" * 8)
    cache.path.chmod(0o777)
    assert cache.compile() != b"\0" * 8


def test_a_link_in_the_place_of_the_directory_is_not_followed(cache: Cache, tmp_path: Path) -> None:
    """Somebody else could have made it."""
    (tmp_path / "elsewhere").mkdir()
    cache.path.parent.mkdir()
    cache.path.symlink_to(tmp_path / "elsewhere")
    assert cache.compile()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_the_cache_does_not_grow_for_ever(cache: Cache) -> None:
    """It is emptied when it is full."""
    cache.path.mkdir(parents=True)
    for number in range(64):
        (cache.path / f"old{number}").touch()
    cache.compile()
    assert len(cache.entries()) == 1


def test_what_cannot_be_compiled_is_refused(cache: Cache) -> None:
    """By its JSON path."""
    with pytest.raises(Unsupported, match=r"\$\.linux\.seccomp: 'SCMP_ACT_NO' is not known"):
        cache.compile(PROFILE.replace(default_action="SCMP_ACT_NO"))


def test_the_cache_takes_no_containers_name(cache: Cache) -> None:
    """It stands in the default root; an id like its directory's could never be used."""
    cache.compile()
    (directory,) = cache.path.parent.iterdir()
    with pytest.raises(UsageError):
        check_id(directory.name)

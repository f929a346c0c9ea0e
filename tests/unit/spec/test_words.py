"""Ids, kernel parameters' names and formats: the small languages of a configuration."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krun.errors import UsageError
from krun.spec import sysctl
from krun.spec.faults import json_path
from krun.spec.formats import FORMATS, is_number_list
from krun.spec.ids import check_id, is_id

ID = re.compile(r"[A-Za-z0-9_+-][A-Za-z0-9_+.-]*", re.ASCII)


@given(st.one_of(st.text(max_size=8), st.text("aZ09_+.-/", max_size=8)))
def test_ids_follow_the_pattern(text: str) -> None:
    """An id is `[A-Za-z0-9_+-][A-Za-z0-9_+.-]*`."""
    assert is_id(text) == (ID.fullmatch(text) is not None)


def test_ids_have_at_most_1024_characters() -> None:
    """The limit is runc's."""
    assert is_id("x" * 1024)
    assert not is_id("x" * 1025)


@pytest.mark.parametrize("text", ["", ".", "..", "a/b", "../x", "a b", "ä", "x" * 1025, "a\n"])
def test_invalid_ids_are_refused_with_the_rule(text: str) -> None:
    """An id never leaves the state directory."""
    with pytest.raises(UsageError, match=r"^invalid container id .*: it must be letters") as caught:
        check_id(text)
    assert len(str(caught.value)) < 200


@given(st.text("netkrl./", max_size=10))
def test_sysctl_paths_stay_below_proc_sys(name: str) -> None:
    """Whatever the name, no component is empty or leads up."""
    path = sysctl.path(name)
    if path:
        assert not {"", ".", ".."} & set(path.split("/"))


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("net.ipv4.ip_forward", "net/ipv4/ip_forward"),
        ("net/ipv4/ip_forward", "net/ipv4/ip_forward"),
        ("net.ipv4.conf.eth0/100.forwarding", "net/ipv4/conf/eth0.100/forwarding"),
        ("net/ipv4/conf/eth0.100/forwarding", "net/ipv4/conf/eth0.100/forwarding"),
        ("kernel", ""),
        ("", ""),
    ],
)
def test_both_spellings_of_a_sysctl_are_one(name: str, path: str) -> None:
    """The separator that comes first separates (sysctl(8))."""
    assert sysctl.path(name) == path


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("", True),
        ("0", True),
        ("0-3,7", True),
        ("3-1", False),
        ("0-", False),
        ("a", False),
        (",", False),
        ("٣", False),
    ],
)
def test_number_lists(text: str, valid: bool) -> None:
    """A comma-separated list, with dashes to represent ranges."""
    assert is_number_list(text) is valid


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_takes_a_nul(name: str) -> None:
    """The kernel would end the string there."""
    predicate = FORMATS[name][0]
    assert not any(
        predicate(text) for text in ("\0", "/a\0", "A=\0", "MB:\0", "1.0.0\0", "rw\0", "2MB\0", "0\0")
    )


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ((), "$"),
        (("linux", "namespaces", 2, "type"), "$.linux.namespaces[2].type"),
        (("annotations", 'a."b'), '$.annotations["a.\\"b"]'),
        (("annotations", "ä\n"), '$.annotations["\\u00e4\\n"]'),
    ],
)
def test_places_are_written_as_json_paths(place: tuple[str | int, ...], path: str) -> None:
    """Names that are no identifiers are quoted, so that a path is one line of ASCII."""
    assert json_path(place) == path

"""The record and what is printed of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from krun.state.model import (
    CREATED,
    CREATING,
    RUNNING,
    STOPPED,
    Container,
    StoredHook,
    can_delete,
    can_kill,
    from_document,
    listing,
    runtime_state,
    to_document,
)

CONTAINER = Container(
    id="c",
    bundle="/b",
    rootfs="/b/rootfs",
    oci_version="1.3.0",
    created="2026-01-02T03:04:05.000000006Z",
    owner_uid=0,
    monitor="builtin",
    annotations={"a": "b"},
    pid=42,
    pid_start=4711,
    cgroup={"version": "v1", "paths": {"pids": "/x"}},
    poststop=(StoredHook("/h", ("h", "x"), ("A=B",), 3),),
)


def test_a_record_survives_the_disk() -> None:
    """What is read back equals what was written."""
    assert from_document(json.loads(json.dumps(to_document(CONTAINER)))) == CONTAINER


@pytest.mark.parametrize(
    "document", [None, [], {}, {"format": 2}, {"format": 1}, {"format": 1, "id": "c"}], ids=str
)
def test_what_is_no_record_is_refused(document: Any) -> None:
    """Another format and missing fields alike."""
    with pytest.raises(ValueError, match="is "):
        from_document(document)


def test_the_state_is_the_specifications() -> None:
    """runtime.md#state: annotations may be left out; pid is required only for created and running."""
    assert runtime_state(CONTAINER, RUNNING) == {
        "ociVersion": "1.3.0",
        "id": "c",
        "status": "running",
        "pid": 42,
        "bundle": "/b",
        "annotations": {"a": "b"},
    }
    bare: Container = CONTAINER.replace(annotations={})
    assert runtime_state(bare, STOPPED).keys() == {"ociVersion", "id", "status", "bundle"}


def test_the_listing_has_runcs_order() -> None:
    """Scripts print it as it is."""
    assert list(listing(CONTAINER, CREATED)) == [
        "ociVersion",
        "id",
        "pid",
        "status",
        "bundle",
        "rootfs",
        "created",
        "annotations",
        "owner",
    ]
    assert listing(CONTAINER, STOPPED)["pid"] == 0


def test_an_owner_without_a_name_is_a_number() -> None:
    """A user may be gone."""
    nobody: Container = CONTAINER.replace(owner_uid=3_999_999_999)
    assert listing(nobody, CREATED)["owner"] == "#3999999999"


@pytest.mark.parametrize(
    ("status", "kill", "delete"),
    [
        (CREATING, False, False),
        (CREATED, True, True),
        (RUNNING, True, False),
        (STOPPED, False, True),
    ],
)
def test_what_a_status_allows(status: str, kill: bool, delete: bool) -> None:
    """runtime.md#operations."""
    assert (can_kill(status), can_delete(status)) == (kill, delete)

"""The log's lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from krun.errors import KrunError
from krun.log import Log, level_named


def test_a_json_line_has_level_msg_and_time(tmp_path: Path) -> None:
    """containerd and podman read these three."""
    log = Log(str(tmp_path / "log"), "json")
    log.error('a "quoted" line\nand é')
    entry = json.loads((tmp_path / "log").read_text())
    assert entry.keys() == {"level", "msg", "time"}
    assert (entry["level"], entry["msg"]) == ("error", 'a "quoted" line\nand é')


def test_a_text_line_is_one_line(tmp_path: Path) -> None:
    """As logrus writes them."""
    log = Log(str(tmp_path / "log"))
    log.error('two\n"lines"')
    (line,) = (tmp_path / "log").read_text().splitlines()
    assert line.endswith('level=error msg="two\\n\\"lines\\""')


def test_lines_are_appended(tmp_path: Path) -> None:
    """A shim uses one file for every call."""
    for word in ("one", "two"):
        Log(str(tmp_path / "log"), "json").error(word)
    lines = (tmp_path / "log").read_text().splitlines()
    assert [json.loads(line)["msg"] for line in lines] == ["one", "two"]


@pytest.mark.parametrize(("level", "expected"), [("error", 1), ("warning", 2), ("debug", 3)])
def test_the_level_decides(tmp_path: Path, level: str, expected: int) -> None:
    """At the default level nothing but errors is logged."""
    log = Log(str(tmp_path / "log"), "json", level)
    log.debug("d")
    log.warning("w")
    log.error("e")
    assert len((tmp_path / "log").read_text().splitlines()) == expected


def test_logruss_names_of_levels_are_known() -> None:
    """Callers of runc use them."""
    assert (level_named("WARN"), level_named("fatal")) == ("warning", "error")
    with pytest.raises(KrunError, match="--log-level: 'loud'"):
        level_named("loud")


def test_a_log_that_cannot_be_opened_is_named_by_path_and_errno(tmp_path: Path) -> None:
    """The C library's words would make dockerd believe that the payload is missing."""
    with pytest.raises(KrunError, match=f"^--log {tmp_path}/no/log: cannot be opened: ENOENT$"):
        Log(f"{tmp_path}/no/log")

"""What clients read beside a verb's result: the log, the version, the help."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.bundles import MakeBundle
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]


class TestLog:
    """--log: the file that callers learn of an error from."""

    def read(self, path: Path) -> list[dict[str, str]]:
        """Parse the log as containerd does, line by line."""
        return [json.loads(line) for line in path.read_text().splitlines()]

    @pytest.mark.parametrize(
        "words",
        [
            ["state", "nothing"],
            ["--nonsense", "state", "x"],
            ["frobnicate"],
            ["create", "--bundle", "/", "x"],
        ],
        ids=" ".join,
    )
    def test_an_error_is_one_json_line(self, runner: Runner, tmp_path: Path, words: list[str]) -> None:
        """Whatever is wrong, also with the command line itself; podman parses the file as one object."""
        log = tmp_path / "log.json"
        shown = runner.refused("--log", log, "--log-format=json", *words)
        (entry,) = self.read(log)
        assert entry["level"] == "error"
        assert f"krun: {entry['msg']}" == shown
        assert entry["time"].endswith("Z")

    def test_nothing_else_is_logged(self, runner: Runner, bundle: MakeBundle, tmp_path: Path) -> None:
        """A successful verb leaves an empty log."""
        log = tmp_path / "log.json"
        options = ("--log", log, "--log-format", "json")
        runner.ok(*options, "run", "--bundle", bundle(["true"]), "c")
        assert log.read_text() == ""

    def test_a_log_that_cannot_be_opened_is_an_error(self, runner: Runner, tmp_path: Path) -> None:
        """Better than a caller that waits for a file."""
        path = tmp_path / "missing" / "log"
        assert runner.refused("--log", path, "list").startswith(f"krun: --log {path}: cannot be opened")


class TestVersionAndHelp:
    """What clients ask once, when they start."""

    def test_the_version_is_what_clients_parse(self, runner: Runner) -> None:
        """dockerd reads the word version and the line `commit: …`; CRI-O wants nothing on stderr."""
        result = runner.ok("--version")
        first, commit, spec = result.out.splitlines()
        assert first.startswith("krun version ")
        assert commit.startswith("commit: ")
        assert spec == "spec: 1.3.0"
        assert result.err == ""

    def test_help_lists_every_verb(self, runner: Runner) -> None:
        """With its summary; and each verb has a page of its own."""
        listed = runner.ok("--help").out
        for verb in ("create", "start", "state", "kill", "delete", "run", "list", "spec", "features"):
            assert f"\n  {verb} " in listed
            assert runner.ok(verb, "--help").out.startswith(f"usage: krun [global options] {verb}")

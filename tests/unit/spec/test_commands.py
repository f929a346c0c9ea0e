"""`krun spec` and `krun validate`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from krun.commands import spec, validate
from krun.commands.options import Arguments, Context
from krun.errors import KrunError
from krun.log import Log
from krun.spec.load import load, load_bundle


class Verb:
    """Runs a verb and keeps what it prints."""

    def __init__(self) -> None:
        """Start with nothing printed."""
        self.printed = ""
        self.context = Context(root="/nowhere", log=Log(), out=self._print)

    def _print(self, text: str) -> None:
        self.printed += text

    def spec(self, bundle: Path, *flags: str) -> int:
        """Run `krun spec` on a bundle."""
        given = {"bundle": (str(bundle),), **dict.fromkeys(flags, ("true",))}
        return spec.run(Arguments(given), self.context)

    def validate(self, bundle: Path) -> int:
        """Run `krun validate` on a bundle."""
        return validate.run(Arguments({"bundle": (str(bundle),)}), self.context)


@pytest.fixture
def verb() -> Verb:
    """Return a Verb."""
    return Verb()


@pytest.mark.parametrize("flags", [(), ("rootless",)])
def test_spec_writes_a_valid_configuration(tmp_path: Path, verb: Verb, flags: tuple[str, ...]) -> None:
    """What `krun spec` writes is what `krun create` takes."""
    assert verb.spec(tmp_path, *flags) == 0
    written = load_bundle(str(tmp_path))
    assert (written.linux.namespace("user") is not None) == ("rootless" in flags)
    assert verb.validate(tmp_path) == 0
    assert verb.printed == ""


def test_spec_never_overwrites(tmp_path: Path, verb: Verb) -> None:
    """A person's configuration is not lost to a repeated command."""
    (tmp_path / "config.json").write_text("mine")
    with pytest.raises(KrunError, match=r"config\.json exists; remove it first$"):
        verb.spec(tmp_path)
    assert (tmp_path / "config.json").read_text() == "mine"


def test_validate_prints_every_fault_and_fails(tmp_path: Path, verb: Verb) -> None:
    """One line per fault with its JSON path, exit status 1."""
    document = {
        "ociVersion": "1.0.2",
        "root": {},
        "process": {"user": {"uid": -1, "gid": 0}, "args": ["sh"], "cwd": "tmp"},
        "linux": {"namespaces": [{"type": "pid"}, {"type": "pid"}]},
    }
    (tmp_path / "config.json").write_text(json.dumps(document))
    assert verb.validate(tmp_path) == 1
    assert sorted(verb.printed.splitlines()) == [
        "$.linux.namespaces[1].type: repeats pid of namespaces[0]",
        "$.process.cwd: must be absolute, got 'tmp'",
        "$.process.user.uid: must be at least 0, got -1",
        "$.root.path: is missing",
    ]


def test_validate_says_where_json_ends(tmp_path: Path, verb: Verb) -> None:
    """Text that is not JSON has no paths, but lines and columns."""
    (tmp_path / "config.json").write_text("{\n]")
    with pytest.raises(KrunError, match=r"/config\.json: invalid JSON: line 2 column 1: "):
        verb.validate(tmp_path)


def test_the_default_configuration_grants_little(tmp_path: Path, verb: Verb) -> None:
    """A read-only root, no new privileges, three capabilities, and no device but the default ones."""
    verb.spec(tmp_path)
    written = load((tmp_path / "config.json").read_bytes())
    assert written.root.readonly
    assert written.process is not None
    assert written.process.no_new_privileges
    assert written.process.capabilities is not None
    assert len(written.process.capabilities.bounding) == 3
    assert [rule.allow for rule in written.linux.resources.devices] == [False]

"""Reading configurations: what real clients write is taken, and what is wrong is said in one line each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krun.errors import KrunError, SpecError
from krun.spec.load import load, load_bundle, load_process, load_resources

DATA = Path(__file__).parents[2] / "data"
CONFIGS = sorted(DATA.glob("configs/*.config.json"))
MINIMAL: dict[str, Any] = {
    "ociVersion": "1.0.2",
    "root": {"path": "rootfs"},
    "process": {"user": {"uid": 0, "gid": 0}, "args": ["sh"], "cwd": "/"},
}


def faults(document: Any) -> list[str]:
    """Return the faults of a configuration as the user reads them."""
    with pytest.raises(SpecError) as caught:
        load(json.dumps(document).encode())
    return [str(fault) for fault in caught.value.faults]


def test_there_are_configurations_of_real_clients() -> None:
    """The parametrized tests below are not empty."""
    assert len(CONFIGS) > 30


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name.removesuffix(".config.json"))
def test_what_clients_write_is_accepted(path: Path) -> None:
    """Configurations of dockerd, podman and containerd's CRI plugin load without a fault."""
    spec = load(path.read_bytes())
    document = json.loads(path.read_bytes())
    assert spec.process is not None
    assert list(spec.process.args) == document["process"]["args"]
    assert len(spec.mounts) == len(document["mounts"])


@pytest.mark.parametrize("path", sorted(DATA.glob("configs/*.process.json")), ids=lambda path: path.stem)
def test_what_clients_write_for_exec_is_accepted(path: Path) -> None:
    """The documents of `exec --process` have the form of `process`."""
    process, document = load_process(path.read_bytes()), json.loads(path.read_bytes())
    assert (process.cwd, list(process.args)) == (document["cwd"], document["args"])


def test_zeros_of_docker_update_are_kept() -> None:
    """Zero is not absent: whoever applies resources decides that it means "leave"."""
    resources = load_resources((DATA / "configs" / "docker-update-memory.resources.json").read_bytes())
    assert resources.cpu.shares == 0
    assert resources.memory.limit == 67108864
    assert resources.pids.limit is None


def test_unknown_properties_are_ignored() -> None:
    """Runtimes MUST otherwise ignore unknown properties."""
    extended = {**MINIMAL, "futureFeature": {"x": None}, "linux": {"unknown": [1.5]}, "windows": {}}
    assert load(json.dumps(extended).encode()) == load(json.dumps(MINIMAL).encode())


@pytest.mark.parametrize(
    "version", ["1.0.0", "1.0.0-rc5", "1.0.2-dev", "1.2.0+dev", "1.3.0-rc.1+build.7", "1.99.0"]
)
def test_every_version_1_is_accepted(version: str) -> None:
    """The version MUST be SemVer; every 1.x.y is compatible, pre-releases too."""
    assert load(json.dumps({**MINIMAL, "ociVersion": version}).encode()).oci_version == version


@pytest.mark.parametrize(
    "version", ["", "1", "1.0", "2.0.0", "0.9.0", "1.0.0.0", "1.0.x", "v1.0.0", "1.01.0", "1.0.0-"]
)
def test_other_versions_are_refused(version: str) -> None:
    """An unsupported or malformed version is an error."""
    assert faults({**MINIMAL, "ociVersion": version}) == [
        f"$.ociVersion: must be a version 1.x.y, got {version!r}"
    ]


def test_all_faults_are_reported_at_once() -> None:
    """Faults of single values and of rules stand together, each with its JSON path."""
    document = {
        **MINIMAL,
        "process": {"user": {"uid": "0", "gid": 0}, "args": [], "cwd": "tmp"},
        "hostname": "box",
        "mounts": [{"type": "tmpfs"}],
        "linux": {"namespaces": [{"type": "pid"}, {"type": "pid"}], "sysctl": {"net.core.somaxconn": "1"}},
    }
    assert faults(document) == [
        "$.process.user.uid: must be an integer, got '0'",
        "$.process.args: must not be empty",
        "$.process.cwd: must be absolute, got 'tmp'",
        "$.mounts[0].destination: is missing",
        "$.hostname: needs a uts namespace",
        "$.linux.namespaces[1].type: repeats pid of namespaces[0]",
        '$.linux.sysctl["net.core.somaxconn"]: needs a network namespace',
    ]


def test_rules_are_silent_about_what_is_of_the_wrong_type() -> None:
    """A misspelled namespace is one fault, not one more for everything that would have needed it."""
    document = {**MINIMAL, "hostname": "box", "linux": {"namespaces": [{"type": "utss"}]}}
    assert [fault.partition(":")[0] for fault in faults(document)] == ["$.linux.namespaces[0].type"]


def test_a_property_that_is_null_is_absent() -> None:
    """Clients written in Go spell an absent list or object as null."""
    plain = load(b'{"ociVersion": "1.0.2", "root": {"path": "r"}, "mounts": [{"destination": "/x"}]}')
    nulls = (
        b'{"ociVersion": "1.0.2", "root": {"path": "r"}, "linux": null, "hooks": {"prestart": null},'
        b' "mounts": [{"destination": "/x", "options": null}]}'
    )
    assert load(nulls).replace(hooks=plain.hooks) == plain


@pytest.mark.parametrize("data", [b"[]", b"null", b'"x"', b"7"])
def test_a_configuration_is_an_object(data: bytes) -> None:
    """JSON of another kind is one fault at the root."""
    with pytest.raises(SpecError, match=r"^\$: must be an object, got "):
        load(data)


def test_invalid_json_is_reported_with_line_and_column() -> None:
    """Where the text stops being JSON is said in a person's coordinates."""
    with pytest.raises(KrunError, match=r"^config\.json: invalid JSON: line 3 column 1: "):
        load(b'{\n"ociVersion": "1.0.0",\n}')


@given(st.binary(max_size=64) | st.text('{}[]",:0123456789.eE-nulltruefalse\\u', max_size=64).map(str.encode))
def test_bytes_that_are_no_configuration_are_one_error(data: bytes) -> None:
    """Whatever the file holds, the caller gets krun's own error."""
    with pytest.raises(KrunError) as caught:
        load(data)
    assert "\n" not in str(caught.value)


def test_a_missing_configuration_is_said_in_words_that_dockerd_does_not_misread(tmp_path: Path) -> None:
    """It takes "no such file or directory" for a program that the container lacks."""
    with pytest.raises(KrunError) as caught:
        load_bundle(str(tmp_path))
    assert str(caught.value) == f"configuration {tmp_path}/config.json is missing"


def test_an_unreadable_configuration_is_named(tmp_path: Path) -> None:
    """A directory in the file's place cannot be read."""
    (tmp_path / "config.json").mkdir()
    with pytest.raises(KrunError, match=r"config\.json cannot be read: EISDIR$"):
        load_bundle(str(tmp_path))


def test_the_configuration_may_have_another_name(tmp_path: Path) -> None:
    """`create --config FILE` takes a file of the bundle or an absolute path."""
    (tmp_path / "other.json").write_text(json.dumps(MINIMAL))
    assert load_bundle(str(tmp_path), "other.json") == load_bundle("/", str(tmp_path / "other.json"))


@pytest.mark.parametrize(
    "value", ["\n" + "x" * 100_000, [[0] * 100_000], json.loads("[" * 400 + "]" * 400), 10**99]
)
def test_messages_stay_on_one_line_and_short(value: Any) -> None:
    """A hostile value cannot fill the caller's log, or the stack."""
    (fault,) = faults({**MINIMAL, "process": {**MINIMAL["process"], "cwd": value}})
    assert "\n" not in fault
    assert len(fault) < 120


@pytest.mark.parametrize("text", ["a\0b", "\0"])
def test_a_nul_is_refused(text: str) -> None:
    """The kernel ends strings at a NUL: what follows it would silently be lost."""
    (fault,) = faults({**MINIMAL, "process": {**MINIMAL["process"], "args": ["sh", text]}})
    assert fault.startswith("$.process.args[1]: must not contain a NUL")


def test_a_configuration_without_process_is_accepted() -> None:
    """`process` is OPTIONAL until `start` is called."""
    document = {key: value for key, value in MINIMAL.items() if key != "process"}
    assert load(json.dumps(document).encode()).process is None


def test_true_is_not_a_number_and_one_is_not_true() -> None:
    """JSON's types are kept apart where Python's are not."""
    process = {**MINIMAL["process"], "oomScoreAdj": True, "terminal": 1}
    assert faults({**MINIMAL, "process": process}) == [
        "$.process.oomScoreAdj: must be an integer, got true",
        "$.process.terminal: must be a boolean, got 1",
    ]


def test_a_file_without_an_end_is_refused() -> None:
    """`--config /dev/zero` is one clear line, and not all of the memory."""
    with pytest.raises(KrunError, match=r"^configuration /dev/zero cannot be read: EFBIG$"):
        load_bundle("/", "/dev/zero")

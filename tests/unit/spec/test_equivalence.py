"""create's fast check and `krun validate` find the same faults, at the same places, in the same words."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from krun.spec import _schema, schema
from krun.spec.check import check
from krun.spec.rules import CONFIG_RULES, PROCESS_RULES, RESOURCES_RULES, apply
from krun.spec.schema import SchemaCheck

DATA = Path(__file__).parents[2] / "data"
NAMES = (
    "everything.config.json",
    "configs/docker-run-seccomp-unconf.config.json",
    "configs/cri-start.config.json",
    "configs/docker-run-seccomp-file.config.json",
)
STRANGE = st.sampled_from(
    [
        None, True, False, 0, 1, -1, -2, 7, 2**31, 2**32, 2**63, 2**64, 1.0, 1.5, 1e300,
        "", "x", "/", "a/b", "..", "a\0b", "\n", "MB:\n", "RLIMIT_NOFILE", "CAP_KILL", "rwm", "0-3,7", "2MB",
        "1.0.2", "A=B", "é" * 70, [], [None], ["x"], [{}], {}, {"": ""}, {"type": "pid"}, {"a/b": 1},
    ]
).map(copy.deepcopy)  # fmt: skip


@cache
def document(name: str) -> Any:
    """Read a document of the test data."""
    return json.loads((DATA / name).read_bytes())


@cache
def slow(part: str) -> SchemaCheck:
    """Return the schema's check by jsonschema."""
    return SchemaCheck(part)


def places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return every place of a document, the root first."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place, *(p for key, item in inner for p in places(item, (*place, key)))]


def break_at(target: Any, place: tuple[Any, ...], how: str, value: Any) -> Any:
    """Replace, remove, repeat or extend what stands at a place; return the document."""
    if not place:
        return value if how == "replace" else target
    holder = target
    for step in place[:-1]:
        holder = holder[step]
    last = place[-1]
    if how == "replace":
        holder[last] = value
    elif how == "remove":
        del holder[last]
    elif isinstance(holder, list):
        holder.append(copy.deepcopy(holder[last]))
    else:
        holder[value if isinstance(value, str) else "strange"] = copy.deepcopy(holder[last])
    return target


@st.composite
def broken(draw: st.DrawFn, names: tuple[str, ...] = NAMES) -> Any:
    """Draw a valid document and break it at up to three places."""
    target = copy.deepcopy(document(draw(st.sampled_from(names))))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(places(target)))
        target = break_at(
            target, place, draw(st.sampled_from(["replace", "remove", "repeat"])), draw(STRANGE)
        )
    return target


relaxed = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@relaxed
@given(broken())
def test_both_checks_find_the_same_faults(target: Any) -> None:
    """Whatever is wrong with a configuration, both say the same about it; the rules then follow."""
    fast = check(_schema.CONFIG, target)
    assert sorted(fast, key=repr) == sorted(slow(schema.CONFIG).faults(target), key=repr)
    apply(CONFIG_RULES, target, fast)


def test_a_wrong_name_and_a_wrong_value_are_two_faults() -> None:
    """They have the same place, and neither hides the other."""
    target = {"ociVersion": "1.0.0", "root": {"path": "r"}, "linux": {"netDevices": {"": 7}}}
    fast = check(_schema.CONFIG, target)
    assert len(fast) == 2
    assert sorted(fast, key=repr) == sorted(slow(schema.CONFIG).faults(target), key=repr)


@pytest.mark.parametrize(
    ("part", "compiled", "rules", "name"),
    [
        (schema.PROCESS, _schema.PROCESS, PROCESS_RULES, "configs/docker-exec-opts.process.json"),
        (schema.RESOURCES, _schema.RESOURCES, RESOURCES_RULES, "configs/docker-update-cpu.resources.json"),
    ],
)
def test_both_checks_agree_on_parts(part: str, compiled: Any, rules: Any, name: str) -> None:
    """So it is with the documents of `exec` and `update`."""

    @settings(relaxed, max_examples=60)
    @given(broken((name,)))
    def agree(target: Any) -> None:
        fast = check(compiled, target)
        assert sorted(fast, key=repr) == sorted(slow(part).faults(target), key=repr)
        apply(rules, target, fast)

    agree()


def test_breaking_documents_finds_faults_of_every_keyword() -> None:
    """Each keyword that the schema may use is one on which both checks agree."""
    cases = {
        "type": ("process", "cwd", 7),
        "enum": ("linux", "rootfsPropagation", "sideways"),
        "minimum": ("process", "oomScoreAdj", -1001),
        "maximum": ("process", "oomScoreAdj", 1001),
        "minItems": ("process", "args", []),
        "maxItems": ("linux", "personality", {"domain": "LINUX", "flags": ["X"]}),
        "minLength": ("root", "path", ""),
        "maxLength": ("hostname", None, "x" * 65),
        "format": ("process", "cwd", "tmp"),
        "required": ("process", "user", {}),
        "propertyNames": ("linux", "timeOffsets", {"realtime": {}}),
        "additionalProperties": ("linux", "sysctl", {"net.x": 1}),
    }
    for keyword, (section, name, value) in cases.items():
        target = copy.deepcopy(document("everything.config.json"))
        if name is None:
            target[section] = value
        else:
            target[section][name] = value
        fast = check(_schema.CONFIG, target)
        assert fast, keyword
        assert sorted(fast) == sorted(slow(schema.CONFIG).faults(target)), keyword

"""Valid configurations, broken in every field: a fault is found where it is, or the configuration works.

Out of scope: whether both checks of the schema agree (test_equivalence), and the host (tests/lifecycle).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from krun.errors import KrunError
from krun.host.facts import host_facts
from krun.plan.build import build_plan
from krun.plan.explain import plan_text
from krun.plan.model import Options
from krun.spec._schema import CONFIG
from krun.spec.check import check
from krun.spec.faults import json_path
from krun.spec.load import load, parse
from krun.spec.rules import CONFIG_RULES, apply

Place: TypeAlias = tuple[str | int, ...]

DATA = Path(__file__).parents[2] / "data"
FACTS = host_facts(json.loads((DATA.parent / "golden/facts/full.json").read_text()))
FILES = (
    DATA / "everything.config.json",
    DATA / "made/listener.config.json",
    DATA / "made/mounts.config.json",
)
DOCUMENTS = {path.name: json.loads(path.read_text()) for path in FILES}
ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    1 << 64,
    1.5,
    "",
    "a/../..",
    "NUL\0",
    "line\nline",
    "\ud800",
    "x" * 5000,
    [],
    [["", 0]],
    {},
    {"": ""},
)


def places(node: Any, at: Place = ()) -> Iterator[Place]:
    """Return every property and every element of a document."""
    if isinstance(node, dict | list):
        for key, inner in node.items() if isinstance(node, dict) else enumerate(node):
            yield (*at, key)
            yield from places(inner, (*at, key))


def broken(name: str, place: Place, value: Any, *, removed: bool = False) -> Any:
    """Return a document with another value at one place, or without it."""
    document = copy.deepcopy(DOCUMENTS[name])
    node = document
    for step in place[:-1]:
        node = node[step]
    if removed:
        del node[place[-1]]
    else:
        node[place[-1]] = value
    return document


def overlap(one: Place, other: Place) -> bool:
    """Tell whether one place lies in the other."""
    return one[: len(other)] == other[: len(one)]


def refusal(work: Callable[[], object]) -> str:
    """Return what is refused, which is one line; empty when nothing is.  Any other exception is a failure."""
    try:
        work()
    except KrunError as error:
        line = str(error)
        assert line.isprintable() or line.splitlines() == [line], line
        return line
    return ""


def plan(text: bytes) -> None:
    """Compile and print a configuration that is valid."""
    spec = load(text)
    terminal = spec.process is not None and spec.process.terminal
    options = Options(id="c1", bundle="/bundle", monitor="none", console_socket=terminal)
    assert plan_text(build_plan(spec, FACTS, options)).startswith("op 0: ")


def check_outcome(document: Any, place: Place) -> None:
    """Assert that what is wrong is said of the place, or of what depends on it; else that there is a plan."""
    text = json.dumps(document).encode()
    if (invalid := refusal(lambda: parse(text, "config.json"))) != "":
        assert invalid.startswith("config.json: invalid JSON: line ")
        return
    parsed = parse(text, "config.json")
    faults = check(CONFIG, parsed)
    for where, message in faults:
        assert overlap(where, place), (where, message)
    findings = []
    for rule in CONFIG_RULES:
        for where, message in apply((rule,), parsed, faults):
            assert any(overlap(reads, place) for reads in rule.places), (where, message)
            findings.append((where, message))
    expected = "; ".join(f"{json_path(where)}: {message}" for where, message in faults + findings)
    assert refusal(lambda: load(text)) == expected
    if expected == "":
        refused = refusal(lambda: plan(text))
        assert refused == "" or refused.startswith("$."), refused


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_field_with_every_odd_value(name: str) -> None:
    """SpecError with the right path, or it works; never anything else."""
    for place in places(DOCUMENTS[name]):
        check_outcome(broken(name, place, None, removed=True), place[:-1] if place else ())
        for value in ODD:
            check_outcome(broken(name, place, value), place)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 65), 1 << 65) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_field_with_any_value(data: st.DataObject) -> None:
    """The same for values that nobody has thought of, drawn by hypothesis."""
    name = data.draw(st.sampled_from(sorted(DOCUMENTS)))
    place = data.draw(st.sampled_from(list(places(DOCUMENTS[name]))))
    check_outcome(broken(name, place, data.draw(JSON)), place)

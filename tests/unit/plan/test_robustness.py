"""Broken and odd configurations: whatever the loader takes, the compiler answers with a plan or one line."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from krun.errors import KrunError, SpecError
from krun.host.facts import host_facts
from krun.plan.build import build_plan
from krun.plan.explain import plan_document, plan_text
from krun.plan.model import Options
from krun.spec.load import load
from krun.sys.json import dumps

TESTS = Path(__file__).parents[2]
CONFIGS = [json.loads(path.read_text()) for path in sorted((TESTS / "data/configs").glob("*.config.json"))]
HOSTS = [host_facts(json.loads(path.read_text())) for path in sorted((TESTS / "golden/facts").glob("*.json"))]
ODD: list[Any] = [
    "",
    "/",
    "a/../..",
    "//x",
    0,
    1,
    -1,
    1 << 63,
    True,
    None,
    [],
    {},
    "rshared",
    "bind",
    "ro",
    "user",
]


def spoil(document: Any, random: Random) -> None:
    """Remove, replace or double something at a random place."""
    node = document
    while isinstance(node, dict | list) and node:
        key = random.choice(list(node) if isinstance(node, dict) else range(len(node)))
        if not isinstance(node[key], dict | list) or random.random() < 0.25:
            what = random.random()
            if what < 0.4:
                del node[key]
            elif what < 0.9:
                node[key] = random.choice(ODD)
            elif isinstance(node, list):
                node.append(copy.deepcopy(node[key]))
            return
        node = node[key]


@settings(max_examples=400, deadline=None)
@given(st.randoms(use_true_random=False), st.sampled_from(["builtin", "none"]))
def test_every_valid_configuration_has_a_plan_or_a_refusal_in_one_line(random: Random, monitor: str) -> None:
    """Nothing but krun's own errors comes out, and whatever comes out can be printed."""
    document = copy.deepcopy(random.choice(CONFIGS))
    for _ in range(random.randint(1, 3)):
        spoil(document, random)
    try:
        spec = load(json.dumps(document).encode())
    except SpecError:
        return
    options = Options(
        id="c1",
        bundle="/bundle",
        monitor=monitor,
        console_socket=spec.process is not None and spec.process.terminal,
        cgroup_manager=random.choice(["cgroupfs", "disabled"]),
    )
    try:
        plan = build_plan(spec, random.choice(HOSTS), options)
    except KrunError as error:
        refusal = str(error)
        assert "\n" not in refusal
        return
    assert plan_text(plan).startswith("op 0: ")
    assert json.loads(dumps(plan_document(plan)))["program"]

"""Real configurations, compiled for three hosts, and the plans that a person has read and agreed to.

A change of a plan is a change of what krun does to somebody's machine: it has to be seen in a diff.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from krun.errors import KrunError
from krun.host.facts import HostFacts, host_facts
from krun.plan.build import build_plan
from krun.plan.explain import plan_text
from krun.plan.model import Options, Plan
from krun.spec.load import load

HERE = Path(__file__).parent
CONFIGS = HERE.parent / "data" / "configs"
EXPECTED = HERE / "expected"

NAMES = sorted(path.name.removesuffix(".config.json") for path in CONFIGS.glob("*.config.json"))
# The hosts, each with the monitor that is of interest there.
HOSTS = {"hybrid": "builtin", "v2": "none", "userns": "builtin"}


def facts_named(host: str) -> HostFacts:
    """Load the facts about one of the hosts."""
    return host_facts(json.loads((HERE / "facts" / f"{host}.json").read_text()))


def plan_of(name: str, host: str) -> Plan:
    """Return the plan for a configuration on a host."""
    spec = load((CONFIGS / f"{name}.config.json").read_bytes())
    options = Options(
        id="container1",
        bundle="/bundle",
        monitor=HOSTS[host],
        console_socket=spec.process is not None and spec.process.terminal,
    )
    return build_plan(spec, facts_named(host), options)


def compiled(name: str, host: str) -> str:
    """Return the plan for a configuration on a host as text, or the refusal."""
    try:
        return plan_text(plan_of(name, host))
    except KrunError as error:
        return f"refused: {error}\n"


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("name", NAMES)
def test_plan_is_the_agreed_one(name: str, host: str, update_golden: bool) -> None:
    """The same configuration, facts and options give the same plan, on every machine."""
    path = EXPECTED / f"{name}.{host}.txt"
    text = compiled(name, host)
    if update_golden:
        path.write_text(text)
    assert text == path.read_text()


def test_every_expected_plan_has_its_configuration() -> None:
    """No expectation is left behind when a configuration goes."""
    assert {path.name for path in EXPECTED.iterdir()} == {
        f"{name}.{host}.txt" for name in NAMES for host in HOSTS
    }


def test_there_are_configurations_of_every_client() -> None:
    """The configurations come from dockerd, podman and containerd's CRI plugin."""
    assert {name.partition("-")[0] for name in NAMES} >= {"docker", "podman", "cri"}

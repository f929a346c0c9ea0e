"""Configurations made for what no client writes, compiled, and the plans that a person has agreed to.

With those of the clients they hold every operation that there is.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from krun.errors import KrunError
from krun.host.facts import host_facts
from krun.host.namespaces import JoinableNamespace
from krun.plan.build import build_plan
from krun.plan.describe import describe
from krun.plan.exec import ExecPlan, build_exec_plan
from krun.plan.exec_process import shared_linux
from krun.plan.explain import plan_text
from krun.plan.model import Options, Plan
from krun.spec.load import load
from krun.sys import native

HERE = Path(__file__).parent
MADE = HERE.parent / "data" / "made"
EXPECTED = HERE / "expected_made"
OPTIONS = Options(id="container1", bundle="/bundle", monitor="none")
# Name of the expected plan -> the configuration and what the caller asks for.
CASES = {
    "process.none": ("process", OPTIONS),
    "process.builtin": ("process", OPTIONS.replace(monitor="builtin")),
    "listener.none": ("listener", OPTIONS),
    "listener.builtin": ("listener", OPTIONS.replace(monitor="builtin")),
    "mounts.none": ("mounts", OPTIONS),
    "mounts.no-pivot": ("mounts", OPTIONS.replace(no_pivot=True, no_new_keyring=True)),
}
JOINED = {
    "process.exec-none": ("process", OPTIONS.replace(init_pid=42, listen_fds=1)),
    "process.exec-builtin": ("process", OPTIONS.replace(monitor="builtin", init_pid=42)),
    "listener.exec-none": ("listener", OPTIONS.replace(init_pid=42)),
    "listener.exec-builtin": ("listener", OPTIONS.replace(monitor="builtin", init_pid=42)),
}


def facts() -> dict[str, object]:
    """Load the facts about a host that has everything."""
    document: dict[str, object] = json.loads((HERE / "facts" / "full.json").read_text())
    return document


def created(name: str) -> Plan:
    """Return the plan of `create`."""
    config, options = CASES[name]
    return build_plan(load((MADE / f"{config}.config.json").read_bytes()), host_facts(facts()), options)


def joined(name: str) -> ExecPlan:
    """Return the plan of `exec`."""
    config, options = JOINED[name]
    spec = load((MADE / f"{config}.config.json").read_bytes())
    assert spec.process is not None
    namespaces = tuple(
        JoinableNamespace(type, f"/proc/42/ns/{type}", is_owned=True) for type in ("pid", "mount")
    )
    linux = shared_linux(spec.linux)
    return build_exec_plan(spec.process, linux, namespaces, host_facts(facts()), options, spec.annotations)


def text_of(name: str) -> str:
    """Return a plan as a person reads it."""
    if name in CASES:
        return plan_text(created(name))
    plan = joined(name)
    lines = [f"op {index}: {describe(op)}" for index, op in enumerate(plan.program)]
    lines += [f"initial CPUs: {plan.initial_cpus}", *(f"warning: {warning}" for warning in plan.warnings)]
    return "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize("name", [*CASES, *JOINED])
def test_plan_is_the_agreed_one(name: str, update_golden: bool) -> None:
    """The same configuration, facts and options give the same plan, on every machine."""
    path = EXPECTED / f"{name}.txt"
    text = text_of(name)
    if update_golden:
        path.write_text(text)
    assert text == path.read_text()


def test_every_expected_plan_has_its_case() -> None:
    """No expectation is left behind when a case goes."""
    assert {path.name for path in EXPECTED.iterdir()} == {f"{name}.txt" for name in (*CASES, *JOINED)}


def beside(name: str) -> ModuleType:
    """Load another module of this folder."""
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_operation_is_in_a_plan() -> None:
    """No plan operation without a golden case: csrc/include/kr/ops.h has none that no agreed plan has."""
    seen = {op.OP for name in CASES for op in created(name).program}
    seen |= {op.OP for name in JOINED for op in joined(name).program}
    clients, processes = beside("test_plans"), beside("test_exec_plans")
    for name in clients.NAMES:
        for host in clients.HOSTS:
            try:
                seen |= {op.OP for op in clients.plan_of(name, host).program}
            except KrunError:  # a refusal is agreed to as well
                continue
    seen |= {op.OP for name in processes.NAMES for op in processes.compiled(name, "none").program}
    assert set(native.op_table()) - seen == set()

"""Hooks: config.md#posix-platform-hooks, and runtime.md#lifecycle for their places."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from krun.plan import ops
from krun.plan.hooks import state_around_pid
from krun.plan.model import Options, Plan
from krun.spec.model import Hook, Hooks, Spec


def test_places_of_the_hooks(spec: Spec, compile_spec: Callable[..., Plan]) -> None:
    """All of them before the change of root, in the order of the lifecycle."""
    hook = (Hook("/h"),)
    plan = compile_spec(spec.replace(hooks=Hooks(prestart=hook, create_runtime=hook, create_container=hook)))
    names = [
        f"{op.OP} {getattr(op, 'point', '')}".strip()
        for op in plan.program
        if isinstance(op, ops.RunHooks | ops.Hook | ops.PivotRoot | ops.SpawnInit | ops.OpenRoot)
    ]
    assert names == [
        "SPAWN_INIT",
        "OPEN_ROOT",
        "RUN_HOOKS prestart",
        "RUN_HOOKS createRuntime",
        "HOOK createContainer",
        "PIVOT_ROOT",
    ]


def test_points_without_hooks_ask_for_nothing(spec: Spec, compile_spec: Callable[..., Plan]) -> None:
    """No conversation with the runtime for an empty list."""
    assert not any(isinstance(op, ops.RunHooks | ops.Hook) for op in compile_spec(spec).program)


def test_hook_is_run_exactly_as_configured(spec: Spec, compile_spec: Callable[..., Plan]) -> None:
    """Arguments and environment as they stand; without arguments, the path is the first."""
    first = Hook("/h", ("name", "x y"), ("A=1",), 3)
    plan = compile_spec(spec.replace(hooks=Hooks(create_container=(first, Hook("/i")))))
    found = [op for op in plan.program if isinstance(op, ops.Hook)]
    assert [(op.index, op.path, op.args, op.env, op.timeout_ms) for op in found] == [
        (0, "/h", ("name", "x y"), ("A=1",), 3000),
        (1, "/i", ("/i",), (), 0),
    ]


@pytest.mark.parametrize("annotations", [{}, {"a": 'quote " and \\ and \u00fc'}])
def test_state_is_json_around_the_pid(spec: Spec, options: Options, annotations: dict[str, str]) -> None:
    """The state of the container MUST be passed to hooks over stdin."""
    head, tail = state_around_pid(spec.replace(annotations=annotations), options, "creating")
    expected = {
        "ociVersion": options.oci_version,
        "id": "c1",
        "status": "creating",
        "pid": 4711,
        "bundle": "/bundle",
    }
    if annotations:
        expected["annotations"] = annotations
    assert json.loads(f"{head}4711{tail}") == expected


def test_plan_keeps_the_hooks_of_later(spec: Spec, compile_spec: Callable[..., Plan]) -> None:
    """Those of poststart and poststop run after the plan is carried out."""
    hooks = Hooks(poststart=(Hook("/a"),), poststop=(Hook("/b"),))
    assert compile_spec(spec.replace(hooks=hooks)).hooks == hooks

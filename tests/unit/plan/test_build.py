"""The whole plan: its order, its purity, and what it refuses."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from krun.errors import SpecError, UsageError
from krun.host.facts import HostFacts
from krun.plan import ops
from krun.plan.build import build_plan
from krun.plan.explain import plan_text
from krun.plan.model import Options, Plan
from krun.spec.load import load
from krun.spec.model import (
    Box,
    CpuAffinity,
    Namespace,
    Process,
    Spec,
    Vm,
    VmHwConfig,
    VmHypervisor,
    VmImage,
    VmKernel,
)

CONFIGS = Path(__file__).parents[2] / "data" / "configs"


def test_order_of_a_small_container(spec: Spec, compile_spec: Callable[..., Plan]) -> None:
    """What happens up to the change of root, without devices."""
    kinds = [type(op) for op in compile_spec(spec).program]
    assert kinds[: kinds.index(ops.MakeDevice)] == [
        ops.Unshare,
        ops.SpawnInit,
        ops.NewSession,
        ops.SessionKeyring,
        ops.OpenProc,
        ops.HostPropagation,
        ops.OpenRoot,
    ]


def test_compiling_reads_nothing_of_the_host(facts: HostFacts) -> None:
    """No file, no process, no socket: the same input gives the same plan on every machine."""
    seen: list[str] = []
    watching = [False]

    def watch(event: str, _args: tuple[Any, ...]) -> None:
        if watching[0] and event.partition(".")[0] in ("open", "os", "socket", "subprocess", "fcntl", "time"):
            seen.append(event)

    spec = load((CONFIGS / "docker-run-it.config.json").read_bytes())
    options = Options(id="c1", bundle="/bundle", console_socket=True)
    build_plan(spec, facts, options)  # what is imported late is imported now
    sys.addaudithook(watch)  # for ever, and so only this once
    watching[0] = True
    try:
        plan = build_plan(spec, facts, options)
    finally:
        watching[0] = False
    assert seen == []
    assert plan == build_plan(spec, facts, options)


@pytest.mark.parametrize(("no_new_keyring", "names"), [(False, ["_ses.c1"]), (True, [])])
def test_session_keyring(
    spec: Spec, compile_spec: Callable[..., Plan], no_new_keyring: bool, names: list[str]
) -> None:
    """The caller's keys stay out unless `--no-new-keyring` lets them in."""
    plan = compile_spec(spec, no_new_keyring=no_new_keyring)
    assert [op.name for op in plan.program if isinstance(op, ops.SessionKeyring)] == names


@pytest.mark.parametrize(("path", "is_up"), [("", True), ("/n", False)])
def test_loopback_of_a_new_network_namespace_is_up(
    spec: Spec, compile_spec: Callable[..., Plan], path: str, is_up: bool
) -> None:
    """A joined one is left as it is."""
    linux = spec.linux.replace(namespaces=(*spec.linux.namespaces, Namespace("network", path)))
    assert (ops.LoopbackUp() in compile_spec(spec.replace(linux=linux)).program) is is_up


def test_names_are_set(spec: Spec, compile_spec: Callable[..., Plan]) -> None:
    """Each by an operation of its own."""
    program = compile_spec(spec.replace(hostname="h", domainname="d")).program
    assert ops.Hostname(name="h") in program
    assert ops.Domainname(name="d") in program


@pytest.mark.parametrize(("size", "rows", "columns"), [(None, 0, 0), (Box(height=24, width=80), 24, 80)])
def test_terminal_comes_after_the_change_of_root(
    spec: Spec, process: Process, compile_spec: Callable[..., Plan], size: Box | None, rows: int, columns: int
) -> None:
    """It is one of the container's own devpts."""
    plan = compile_spec(
        spec.replace(process=process.replace(terminal=True, console_size=size)), console_socket=True
    )
    assert plan.terminal
    assert plan.program.index(ops.PivotRoot()) < plan.program.index(ops.Terminal(rows=rows, columns=columns))


def test_console_size_is_ignored_without_a_terminal(
    spec: Spec, process: Process, compile_spec: Callable[..., Plan]
) -> None:
    """Runtimes MUST ignore consoleSize if terminal is false or unset."""
    plan = compile_spec(spec.replace(process=process.replace(console_size=Box(height=1, width=1))))
    assert not plan.terminal
    assert not any(isinstance(op, ops.Terminal) for op in plan.program)


@pytest.mark.parametrize(("terminal", "socket"), [(True, False), (False, True)])
def test_terminal_and_console_socket_go_together(
    spec: Spec, process: Process, compile_spec: Callable[..., Plan], terminal: bool, socket: bool
) -> None:
    """A master that goes nowhere, or a socket that nothing comes over, is a mistake of the caller."""
    with pytest.raises(UsageError, match="a console socket is"):
        compile_spec(spec.replace(process=process.replace(terminal=terminal)), console_socket=socket)


def test_cgroups_can_be_disabled(spec: Spec, compile_spec: Callable[..., Plan]) -> None:
    """As podman may ask for with `--cgroup-manager disabled`."""
    assert compile_spec(spec, cgroup_manager="disabled").cgroup is None
    assert compile_spec(spec, cgroup_manager="cgroupfs").cgroup is not None


def test_systemds_scope_is_in_the_plan_and_in_its_words(
    spec: Spec, compile_spec: Callable[..., Plan]
) -> None:
    """The cgroup is the scope's, and `krun plan` names it with its properties."""
    plan = compile_spec(spec, cgroup_manager="systemd")
    assert plan.cgroup is not None
    assert plan.cgroup.unit is not None
    assert next(iter(plan.cgroup.paths.values())).endswith(f"/{plan.cgroup.unit.name}")
    words = plan_text(plan)
    assert f"cgroup unit of systemd: {plan.cgroup.unit.name}\n" in words
    assert "cgroup unit: Delegate = True\n" in words


def changed(spec: Spec, part: str, name: str, value: object) -> Spec:
    """Return the specification with one property of `process`, `linux` or itself changed."""
    if part == "":
        return spec.replace(**{name: value})  # type: ignore[no-any-return]  # replace() returns its own type
    return spec.replace(**{part: getattr(spec, part).replace(**{name: value})})  # type: ignore[no-any-return]  # as above


@pytest.mark.parametrize(
    ("part", "name", "value", "path"),
    [
        ("", "vm", Vm(VmKernel("/k")), "$.vm.kernel"),
    ],
)
def test_what_is_not_done_is_refused_by_name(
    spec: Spec, compile_spec: Callable[..., Plan], part: str, name: str, value: object, path: str
) -> None:
    """A property that cannot be applied is an error, never ignored."""
    with pytest.raises(SpecError) as caught:
        compile_spec(changed(spec, part, name, value))
    assert [fault.path for fault in caught.value.faults] == [path]


def test_every_wish_for_another_machine_is_named(spec: Spec, compile_spec: Callable[..., Plan]) -> None:
    """config-vm.md: each object of `vm` that a configuration has."""
    vm = Vm(VmKernel("/k"), VmHypervisor("/h"), VmImage("/i", "raw"), VmHwConfig(vcpus=2))
    with pytest.raises(SpecError) as caught:
        compile_spec(spec.replace(vm=vm))
    paths = [fault.path for fault in caught.value.faults]
    assert paths == ["$.vm.hypervisor", "$.vm.kernel", "$.vm.image", "$.vm.hwConfig"]


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("process", "apparmor_profile", "unconfined"),
        ("process", "exec_cpu_affinity", CpuAffinity("0", "1")),
    ],
)
def test_what_asks_for_nothing_is_taken(
    spec: Spec, compile_spec: Callable[..., Plan], part: str, name: str, value: object
) -> None:
    """The host's own state, and what is not for a container's init."""
    assert plan_text(compile_spec(changed(spec, part, name, value))) == plan_text(compile_spec(spec))

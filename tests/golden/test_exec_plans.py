"""Processes that clients have run in containers, compiled, and the plans that a person has agreed to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from krun.errors import UsageError
from krun.host.facts import HostFacts, host_facts
from krun.host.namespaces import JoinableNamespace
from krun.plan import ops
from krun.plan.describe import describe
from krun.plan.exec import ExecPlan, build_exec_plan
from krun.plan.exec_process import completed_process, shared_linux
from krun.plan.model import Options
from krun.spec.build import build, document_of
from krun.spec.load import load, load_process
from krun.spec.model import Linux, Process

HERE = Path(__file__).parent
CONFIGS = HERE.parent / "data" / "configs"
EXPECTED = HERE / "expected_exec"
SUFFIX = ".process.json"
NAMES = sorted(path.name.removesuffix(SUFFIX) for path in CONFIGS.glob(f"*{SUFFIX}"))
CONTAINERS = {"docker": "docker-run-true", "podman": "podman-run-d"}
MONITORS = ("builtin", "none")
OF_DOCKER = ("ipc", "uts", "network", "pid", "mount")


def facts() -> HostFacts:
    """Load the facts about docker's host."""
    return host_facts(json.loads((HERE / "facts" / "hybrid.json").read_text()))


def joinable(*types: str, foreign: tuple[str, ...] = ()) -> tuple[JoinableNamespace, ...]:
    """Return the namespaces of process 42."""
    files = {"network": "net", "mount": "mnt"}
    return tuple(
        JoinableNamespace(type, f"/proc/42/ns/{files.get(type, type)}", is_owned=type not in foreign)
        for type in types
    )


def compiled(name: str, monitor: str) -> ExecPlan:
    """Return the plan for a process that a client sent, in a container of that client's."""
    config = load((CONFIGS / f"{CONTAINERS[name.partition('-')[0]]}.config.json").read_bytes())
    process = completed_process(load_process((CONFIGS / f"{name}{SUFFIX}").read_bytes()), config.process)
    options = Options(id="c1", bundle="/bundle", monitor=monitor, console_socket=process.terminal)
    return build_exec_plan(process, shared_linux(config.linux), joinable(*OF_DOCKER), facts(), options, {})


def text_of(plan: ExecPlan) -> str:
    """Return a plan as a person reads it."""
    lines = [f"op {index}: {describe(op)}" for index, op in enumerate(plan.program)]
    return "".join(f"{line}\n" for line in (*lines, *(f"warning: {w}" for w in plan.warnings)))


@pytest.mark.parametrize("monitor", MONITORS)
@pytest.mark.parametrize("name", NAMES)
def test_plan_is_the_agreed_one(name: str, monitor: str, update_golden: bool) -> None:
    """The same process, container and host give the same plan, on every machine."""
    path = EXPECTED / f"{name}.{monitor}.txt"
    text = text_of(compiled(name, monitor))
    if update_golden:
        path.write_text(text)
    assert text == path.read_text()


def test_every_expected_plan_has_its_process() -> None:
    """No expectation is left behind when a process goes."""
    assert {path.name for path in EXPECTED.iterdir()} == {f"{n}.{m}.txt" for n in NAMES for m in MONITORS}


def plan_of(
    namespaces: tuple[JoinableNamespace, ...], *, terminal: bool = False, console: bool = False
) -> ExecPlan:
    """Return the plan for a small process."""
    process = load_process(b'{"args":["sh"],"cwd":"/","user":{"uid":0,"gid":0}}').replace(terminal=terminal)
    options = Options(id="c1", bundle="/bundle", monitor="none", console_socket=console)
    return build_exec_plan(process, Linux(), namespaces, facts(), options, {})


def test_all_namespaces_are_open_before_one_is_joined() -> None:
    """Joining may hide the paths of the others."""
    kinds = [type(op) for op in plan_of(joinable(*OF_DOCKER)).program]
    last = max(at for at, kind in enumerate(kinds) if kind is ops.OpenNamespace)
    assert last < kinds.index(ops.JoinNamespace) < kinds.index(ops.SpawnInit)


def test_namespaces_of_the_containers_user_namespace_come_after_it() -> None:
    """And those of somebody else's, whom its root may not ask, before it."""
    plan = plan_of(joinable("user", "ipc", "network", "pid", "mount", foreign=("network",)))
    words = [describe(op) for op in plan.program if isinstance(op, ops.JoinNamespace | ops.BecomeRoot)]
    assert words == [
        "join the network namespace",
        "join the user namespace",
        "become root of the user namespace",
        "join the ipc namespace",
        "join the pid namespace",
        "join the mount namespace",
    ]


def test_a_terminal_is_no_console_and_a_directory_is_not_made() -> None:
    """What is there belongs to the container: exec changes none of it."""
    plan = plan_of(joinable(*OF_DOCKER), terminal=True, console=True)
    assert ops.Terminal(rows=0, columns=0, console=0) in plan.program
    assert ops.ChangeDirectory(path="/", create=0) in plan.program


@pytest.mark.parametrize(("terminal", "console"), [(True, False), (False, True)])
def test_a_terminal_and_a_socket_come_together(terminal: bool, console: bool) -> None:
    """One without the other is a mistake of the caller's."""
    with pytest.raises(UsageError, match="a console socket is"):
        plan_of(joinable(*OF_DOCKER), terminal=terminal, console=console)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.config.json")), ids=lambda path: path.name)
def test_what_is_kept_for_exec_is_what_the_configuration_says(path: Path) -> None:
    """Process and profile are written as JSON and read back: nothing is lost on the way."""
    config = load(path.read_bytes())
    if config.process is not None:
        kept = json.loads(json.dumps(document_of(config.process)))
        assert build(Process, kept) == config.process
    shared = shared_linux(config.linux)
    assert build(Linux, json.loads(json.dumps(document_of(shared)))) == shared

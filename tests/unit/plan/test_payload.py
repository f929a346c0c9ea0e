"""The way to the payload: environment, search path, order of the last operations."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from krun.errors import HostError
from krun.plan import ops
from krun.plan.model import Options, Plan
from krun.plan.notify import wants_notify
from krun.plan.payload import environment, lacks_home, search_path
from krun.spec.model import Hook, Hooks, Process, Rlimit, Spec


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("PATH=/a", "HOME=/r", "PATH=/b"), ("PATH=/b", "HOME=/r")),
        (("A=1",), ("A=1", "HOME=/home/u")),
        (("HOME=",), ("HOME=/home/u",)),
        (("HOME=/x", "HOME="), ("HOME=/home/u",)),
        (("A=b=c", "HOME=/r"), ("A=b=c", "HOME=/r")),
    ],
)
def test_environment(
    process: Process, options: Options, given: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    """The last of equal names wins, as clients expect of runc; HOME comes from the image's passwd."""
    assert environment(process.replace(env=given), options.replace(home="/home/u")) == expected


@pytest.mark.parametrize(
    ("env", "lacks"), [((), True), (("HOME=",), True), (("HOME=/x",), False), (("HOME=", "HOME=/x"), False)]
)
def test_home_is_looked_up_only_where_it_is_missing(
    process: Process, env: tuple[str, ...], lacks: bool
) -> None:
    """The image's passwd is not read for nothing."""
    assert lacks_home(process.replace(env=env)) is lacks


def test_handed_over_sockets_are_announced(process: Process, options: Options) -> None:
    """sd_listen_fds(3); krun-init, which knows the pid, adds LISTEN_PID."""
    given = process.replace(env=("HOME=/", "LISTEN_PID=7", "LISTEN_FDNAMES=x"))
    assert environment(given, options.replace(listen_fds=2)) == ("HOME=/", "LISTEN_FDS=2")
    named = environment(given, options.replace(listen_fds=2, listen_names="web:api"))
    assert named == ("HOME=/", "LISTEN_FDS=2", "LISTEN_FDNAMES=web:api")
    assert environment(given, options) == given.env


def test_a_notify_socket_is_announced(process: Process, options: Options) -> None:
    """sd_notify(3), at the place where runc has it."""
    env = environment(process.replace(env=("HOME=/",)), options.replace(notify_directory="/host/notify"))
    assert env == ("HOME=/", "NOTIFY_SOCKET=/run/notify/notify.sock")


@pytest.mark.parametrize(("env", "wants"), [((), True), (("NOTIFY_SOCKET=/own",), False)])
def test_a_socket_of_the_clients_own_is_left_alone(
    process: Process, env: tuple[str, ...], wants: bool
) -> None:
    """podman hands its own proxy on in the configuration."""
    assert wants_notify(process.replace(env=env)) is wants


@pytest.mark.parametrize(
    ("env", "directories"),
    [
        (("PATH=/a:/b",), ("/a", "/b")),
        (("PATH=:/b:",), (".", "/b", ".")),
        (("XPATH=/a",), ("/bin", "/usr/bin")),
    ],
)
def test_search_path(env: tuple[str, ...], directories: tuple[str, ...]) -> None:
    """As execvp(3): an empty entry is the working directory, without PATH there is a default."""
    assert search_path(env) == directories


def test_order_without_a_monitor(spec: Spec, process: Process, compile_spec: Callable[..., Plan]) -> None:
    """Descriptors and directory as the container's root, then limits, then less and less may be done."""
    process = process.replace(no_new_privileges=True, rlimits=(Rlimit("RLIMIT_NOFILE", 1, 2),))
    assert [type(op) for op in compile_spec(spec.replace(process=process)).program[-10:]] == [
        ops.ContainDescriptors,
        ops.ChangeDirectory,
        ops.Rlimit,
        ops.BoundCapabilities,
        ops.User,
        ops.Capabilities,
        ops.NoNewPrivileges,
        ops.FindProgram,
        ops.Barrier,
        ops.Execute,
    ]


def test_monitor_waits_at_the_barrier_itself(spec: Spec, compile_spec: Callable[..., Plan]) -> None:
    """The machine stands ready before `create` returns."""
    plan = compile_spec(spec, monitor="builtin")
    assert plan.program[-2:] == (
        ops.FindProgram(name="sh", search_path=("/bin", "/usr/bin")),
        ops.ExecuteMonitor(args=("sh",), env=("HOME=/root",), filter=None, barrier=1),
    )
    assert not any(isinstance(op, ops.Barrier) for op in plan.program)


@pytest.mark.parametrize(("monitor", "needed"), [("builtin", True), ("none", False)])
def test_kvm_is_needed_by_the_monitor_alone(
    spec: Spec, compile_spec: Callable[..., Plan], monitor: str, needed: bool
) -> None:
    """Whoever asks for no VM needs no KVM."""
    assert compile_spec(spec, monitor=monitor).needs_kvm is needed


def test_unknown_monitor_is_refused(spec: Spec, compile_spec: Callable[..., Plan]) -> None:
    """Never a silent native run."""
    with pytest.raises(HostError, match="monitor 'qemu': not supported; use one of builtin, none"):
        compile_spec(spec, monitor="qemu")


def test_descriptors_are_the_announced_and_the_preserved_ones(
    spec: Spec, compile_spec: Callable[..., Plan]
) -> None:
    """0 to 2, LISTEN_FDS and --preserve-fds, nothing else."""
    plan = compile_spec(spec, listen_fds=2, preserve_fds=3)
    assert ops.ContainDescriptors(preserved=5) in plan.program


def test_start_container_hooks_run_between_barrier_and_exec(
    spec: Spec, compile_spec: Callable[..., Plan]
) -> None:
    """They MUST be called before the user-specified process is executed."""
    plan = compile_spec(spec.replace(hooks=Hooks(start_container=(Hook("/a"), Hook("/b")))))
    assert [type(op) for op in plan.program[-4:]] == [ops.Barrier, ops.Hook, ops.Hook, ops.Execute]


def test_start_container_hooks_run_in_vms_of_their_own(spec: Spec, compile_spec: Callable[..., Plan]) -> None:
    """Their programs are the image's: outside the VM, the image would run on the host's kernel."""
    plan = compile_spec(spec.replace(hooks=Hooks(start_container=(Hook("/a"),))), monitor="builtin")
    barrier, hook, execute = plan.program[-3:]
    assert isinstance(barrier, ops.Barrier)
    assert isinstance(hook, ops.Hook)
    assert isinstance(execute, ops.ExecuteMonitor)
    assert (hook.monitor, hook.filter, execute.barrier) == (1, execute.filter, 0)


@pytest.mark.parametrize("monitor", ["builtin", "none"])
def test_container_without_process_waits_for_its_deletion(
    spec: Spec, compile_spec: Callable[..., Plan], monitor: str
) -> None:
    """It can be created, not started: there is nothing to execute and no need for a VM."""
    plan = compile_spec(spec.replace(process=None), monitor=monitor)
    assert plan.program[-1] == ops.Barrier()
    assert not plan.needs_kvm

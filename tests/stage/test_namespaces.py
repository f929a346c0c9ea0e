"""OPEN_NAMESPACE, JOIN_NAMESPACE, UNSHARE, TIME_OFFSETS, MAP_IDS, BECOME_ROOT, SPAWN_INIT."""

from __future__ import annotations

import ctypes
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import stage as s
from support.stage import PROC, StageRunner, opening, shell

from krun.plan import ops
from krun.sys import native

pytestmark = pytest.mark.needs("root", "busybox")

NAMES = ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")


def links(outcome: s.Outcome) -> dict[str, str]:
    """Read the output of SHOW."""
    return dict(line.split("=") for line in outcome.output.split())


SHOW = "; ".join(f"echo {name}=$(readlink /proc/self/ns/{name})" for name in NAMES)


def test_every_namespace_is_new(stage: StageRunner, root: Path) -> None:
    """A namespace without a path is a new one."""
    flags = s.NEW_NAMESPACES | s.CLONE_NEWTIME | s.CLONE_NEWCGROUP
    outcome = stage.run([*opening(root, namespaces=flags), PROC, ops.PivotRoot(), *shell(SHOW)])
    inside = links(outcome)
    new = {name for name in NAMES if inside[name] != os.readlink(f"/proc/self/ns/{name}")}
    assert new == set(NAMES) - {"user"}


@pytest.fixture
def open_root() -> Iterator[Path]:
    """Return a root file system that an unprivileged user can reach."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        yield s.make_root(Path(folder) / "root")


def test_user_namespace_has_the_maps_and_root(stage: StageRunner, open_root: Path) -> None:
    """The runtime writes the maps; init is root in there, and the id that the map says outside."""
    stage.maps = ("0 100000 65536\n", "0 200000 65536\n")
    program = [
        ops.Unshare(s.CLONE_NEWUSER),
        ops.MapIds(),
        ops.BecomeRoot(),
        *opening(open_root),
        PROC,
        ops.PivotRoot(),
        *shell("id -u; cat /proc/self/uid_map /proc/self/gid_map; touch /proc/self/comm && echo own"),
    ]
    outcome = stage.run(program)
    assert outcome.error is None
    assert outcome.output.split() == ["0", "0", "100000", "65536", "0", "200000", "65536", "own"]


def test_namespaces_are_joined_by_path(stage: StageRunner, root: Path) -> None:
    """A namespace with a path is joined."""
    child = os.fork()
    if child == 0:
        ctypes.CDLL(None).unshare(s.CLONE_NEWUTS | s.CLONE_NEWNET)
        os.kill(os.getpid(), signal.SIGSTOP)
        os._exit(0)
    os.waitpid(child, os.WUNTRACED)
    try:
        program = [
            ops.OpenNamespace(s.CLONE_NEWUTS, f"/proc/{child}/ns/uts"),
            ops.OpenNamespace(s.CLONE_NEWNET, f"/proc/{child}/ns/net"),
            ops.JoinNamespace(s.CLONE_NEWUTS),
            ops.JoinNamespace(s.CLONE_NEWNET),
            *opening(root, namespaces=s.CLONE_NEWNS | s.CLONE_NEWPID),
            PROC,
            ops.PivotRoot(),
            *shell(SHOW),
        ]
        inside = links(stage.run(program))
        assert inside["uts"] == os.readlink(f"/proc/{child}/ns/uts")
        assert inside["net"] == os.readlink(f"/proc/{child}/ns/net")
        assert inside["uts"] != os.readlink("/proc/self/ns/uts")
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/proc/self/ns/net", "EINVAL /proc/self/ns/net is not a uts namespace"),
        ("/etc/passwd", "EINVAL /etc/passwd is not a uts namespace"),
        ("/proc/self/ns/nothing", "ENOENT open the uts namespace /proc/self/ns/nothing"),
    ],
)
def test_wrong_namespace_is_refused(stage: StageRunner, path: str, error: str) -> None:
    """Config-linux.md: the runtime must generate an error if the path is not of the type."""
    outcome = stage.run([ops.OpenNamespace(s.CLONE_NEWUTS, path)])
    assert outcome.error == (0, error)


def test_time_offsets_shift_the_clock(stage: StageRunner, root: Path) -> None:
    """The offsets of a new time namespace are set before init enters it."""
    opened = opening(root, namespaces=s.NEW_NAMESPACES | s.CLONE_NEWTIME)
    offsets = ops.TimeOffsets("boottime 1000000 0\n")
    outcome = stage.run([opened[0], offsets, *opened[1:], PROC, ops.PivotRoot(), *shell("cat /proc/uptime")])
    assert outcome.error is None
    assert float(outcome.output.split()[0]) > 1000000


def test_init_is_the_runtimes_child(stage: StageRunner, root: Path) -> None:
    """CLONE_PARENT: whoever called the runtime can wait for init."""
    outcome = stage.run([*opening(root), ops.PivotRoot(), *shell("exit 3")])
    assert outcome.status is not None  # os.waitpid would have raised ChildProcessError
    assert os.waitstatus_to_exitcode(outcome.status) == 3
    assert os.waitstatus_to_exitcode(outcome.stage_status or 0) == 0


def test_hooks_of_the_runtime_are_asked_for(stage: StageRunner, root: Path) -> None:
    """RUN_HOOKS asks the runtime, and goes on when it says so."""
    program = [*opening(root), ops.RunHooks("createRuntime"), ops.PivotRoot(), *shell("echo on")]
    outcome = stage.run(program)
    assert (outcome.hooks, outcome.output) == (["createRuntime"], "on\n")


def test_failed_hooks_of_the_runtime_end_init(stage: StageRunner, root: Path) -> None:
    """ABORT ends init."""
    stage.abort_hooks = True
    outcome = stage.run([*opening(root), ops.RunHooks("createRuntime"), *shell("echo on")])
    assert outcome.error == (6, "ECANCELED run the hooks of createRuntime: the runtime gave up")
    assert os.waitstatus_to_exitcode(outcome.status or 0) == 1


def test_constants_agree_with_the_kernels_headers() -> None:
    """The roles of descriptors are numbered without a gap."""
    roles = {
        native.FD_SYNC,
        native.FD_FIFO,
        native.FD_STARTED,
        native.FD_CONSOLE,
        native.FD_MONITOR,
        native.FD_KVM,
        native.FD_LISTENER,
    }
    assert roles == set(range(native.FD_COUNT))

"""Plans and operations in words, which are also the words of errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from krun.host.facts import HostFacts
from krun.plan import mount_options as m
from krun.plan import ops
from krun.plan.build import build_plan
from krun.plan.describe import describe
from krun.plan.explain import plan_document, plan_text
from krun.plan.model import Options, Plan
from krun.spec.load import load
from krun.spec.model import Hook, Hooks, IdMapping, Namespace, Seccomp, Spec
from krun.sys.json import dumps

CONFIGS = Path(__file__).parents[2] / "data" / "configs"
PROFILE = Seccomp("SCMP_ACT_ERRNO")


@pytest.mark.parametrize(
    ("op", "words"),
    [
        (
            ops.Mount("proc", "proc", (), "/proc", m.MOUNT_ATTR_NOSUID, 0, 0),
            "mount proc on /proc (nosuid)",
        ),
        (
            ops.Mount("tmpfs", "t", ("ro", "size=1k"), "/x", m.MOUNT_ATTR_RDONLY, 0, m.MS_SHARED),
            "mount tmpfs on /x (size=1k,ro,shared)",
        ),
        (
            ops.Bind("/a", "/b", 1, m.MOUNT_ATTR_RDONLY, m.MOUNT_ATTR_NODEV, 1, 0),
            "rbind /a on /b (recursively ro,recursively dev)",
        ),
        (ops.Bind("/a", "/b", 0, 0, m.MOUNT_ATTR__ATIME, 0, 0), "bind /a on /b (relatime)"),
        (ops.SetMount("/a", 1, m.MOUNT_ATTR_NOATIME, 0x70, 0), "set the mount /a and all below it: noatime"),
        (ops.Unshare(0x20020000), "make namespaces: pid mount"),
        (ops.OpenNamespace(0x40000000, "/n"), "open the network namespace /n"),
        (ops.JoinNamespace(0x10000000), "join the user namespace"),
        (ops.TimeOffsets("monotonic 1 2\nboottime 3 4\n"), "set clock offsets: monotonic 1 2, boottime 3 4"),
        (ops.HostPropagation(m.MS_SLAVE | m.MS_REC), "make the host's mounts rslave"),
        (ops.RootPropagation(0x5), "make the root mount 0x5"),
        (
            ops.Hook("createContainer", 1, "/h", ("h", "x"), (), 0, "", ""),
            "run the hook createContainer[1] h x",
        ),
        (
            ops.MakeDevice("/dev/x", 0o020000, 1, 3, 0o666, 0, 5),
            "make the character device /dev/x 1:3 mode 0666 owner 0:5",
        ),
        (ops.MakeDevice("/dev/p", 0o010000, 0, 0, 0o600, 0, 0), "make the pipe /dev/p mode 0600 owner 0:0"),
        (ops.Terminal(0, 0), "make the terminal"),
        (ops.Terminal(24, 80), "make the terminal of 24 x 80"),
        (ops.Rlimit(7, 10, (1 << 64) - 1), "set RLIMIT_NOFILE soft 10 hard unlimited"),
        (ops.Rlimit(99, 1, 1), "set 99 soft 1 hard 1"),
        (ops.User(1, 2, b"\x05\x00\x00\x00\x00\x01\x00\x00"), "become uid 1 gid 2 groups 5,256"),
        (ops.BoundCapabilities(0), "bound capabilities to none"),
        (ops.BoundCapabilities((1 << 41) - 1), "bound capabilities to all"),
        (ops.BoundCapabilities(((1 << 41) - 1) & ~(1 << 24)), "bound capabilities to all but sys_resource"),
        (ops.ContainDescriptors(2), "let descriptors 0 to 4 through"),
        (ops.FindProgram("sh", ("/bin", ".")), "find the program sh in /bin:."),
        (ops.ExecuteMonitor(("sh",), (), None, 0), "execute the monitor, with sh"),
        (
            ops.ExecuteMonitor(("x",), (), Seccomp("SCMP_ACT_LOG"), 1),
            "execute the monitor, which waits for start, with x, seccomp profile with default SCMP_ACT_LOG",
        ),
        (ops.Umask(0o22), "set umask 0022"),
    ],
)
def test_operation_in_words(op: Any, words: str) -> None:
    """One line, as in `op 17: mount proc on /proc: EPERM`."""
    assert describe(op) == words


def test_every_operation_has_words_of_its_own() -> None:
    """No two kinds of operation read the same."""
    values: dict[str, Any] = {"int": 1, "str": "x", "bytes": b"", "tuple[str, ...]": ("x",)}
    classes = [c for c in vars(ops).values() if isinstance(c, type) and issubclass(c, ops.Operation) and c.OP]
    lines = [
        describe(c(**{f: values.get(c.__annotations__[f], PROFILE) for f in c._fields}))  # type: ignore[arg-type]
        for c in classes
    ]
    assert len(set(lines)) == len(classes)
    assert not any("\n" in line for line in lines)


def test_lines_have_the_numbers_of_error_messages(spec: Spec, compile_spec: Callable[..., Plan]) -> None:
    """The index in the program, from 0."""
    plan = compile_spec(spec)
    lines = plan_text(plan).splitlines()
    assert lines[0] == f"op 0: {describe(plan.program[0])}"
    assert lines[len(plan.program) - 1] == f"op {len(plan.program) - 1}: {describe(plan.program[-1])}"


def test_text_also_has_what_the_runtime_does(spec: Spec, compile_spec: Callable[..., Plan]) -> None:
    """Maps, cgroup, hooks and warnings stand behind the program."""
    maps = (IdMapping(0, 1000, 10),)
    linux = spec.linux.replace(
        namespaces=(*spec.linux.namespaces, Namespace("user")), uid_mappings=maps, gid_mappings=maps
    )
    plan = compile_spec(
        spec.replace(linux=linux, hooks=Hooks(poststop=(Hook("/h", ("h", "x")),))), cgroup_manager="cgroupfs"
    )
    rest = plan_text(plan.replace(warnings=("w",))).splitlines()[len(plan.program) :]
    assert rest[:2] == ["uid map: 0 1000 10", "gid map: 0 1000 10"]
    assert any(line.startswith("cgroup unified: /sys/fs/cgroup/") for line in rest)
    assert rest[-2:] == ["hook poststop[0]: h x", "warning: w"]


def test_document_is_json_with_all_operands(facts: HostFacts) -> None:
    """Whoever reads it by program finds names, words and operands."""
    spec = load((CONFIGS / "docker-run-it.config.json").read_bytes())
    plan = build_plan(spec, facts, Options(id="c1", bundle="/b", console_socket=True))
    document = json.loads(dumps(plan_document(plan)))
    assert len(document["program"]) == len(plan.program)
    assert document["program"][0] == {
        "op": "OOM_SCORE_ADJ",
        "description": "set oom_score_adj 0",
        "operands": {"value": 0},
    }
    assert document["terminal"] is True
    assert document["needs_kvm"] is True

"""Seccomp: config-linux.md#seccomp, and where the profile goes."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from krun.errors import Unsupported
from krun.host.facts import HostFacts
from krun.plan import ops
from krun.plan.model import Plan
from krun.plan.seccomp import FLAGS
from krun.spec.model import Process, Seccomp, SeccompRule, Spec

PROFILE = Seccomp("SCMP_ACT_ERRNO", flags=("SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"))


def filtered(spec: Spec, profile: Seccomp = PROFILE) -> Spec:
    """Return the specification with a profile."""
    changed: Spec = spec.replace(linux=spec.linux.replace(seccomp=profile))
    return changed


def place(plan: Plan, kind: type) -> int:
    """Return the index of the only operation of that kind."""
    (index,) = [index for index, op in enumerate(plan.program) if isinstance(op, kind)]
    return index


def test_profile_needs_privilege_and_is_loaded_before_it_goes(
    spec: Spec, compile_spec: Callable[..., Plan]
) -> None:
    """seccomp(2): without no_new_privs, CAP_SYS_ADMIN is needed."""
    plan = compile_spec(filtered(spec))
    assert place(plan, ops.ChangeDirectory) < place(plan, ops.Seccomp) < place(plan, ops.BoundCapabilities)


def test_with_no_new_privs_it_is_loaded_last(
    spec: Spec, process: Process, compile_spec: Callable[..., Plan]
) -> None:
    """So that it meets as few of krun's own calls as can be."""
    plan = compile_spec(filtered(spec.replace(process=process.replace(no_new_privileges=True))))
    assert [type(op) for op in plan.program[-3:]] == [ops.Barrier, ops.Seccomp, ops.Execute]
    assert place(plan, ops.NoNewPrivileges) < place(plan, ops.Seccomp)


@pytest.mark.parametrize("no_new_privileges", [False, True])
def test_monitor_gets_the_profile_and_the_kernel_does_not(
    spec: Spec, process: Process, compile_spec: Callable[..., Plan], no_new_privileges: bool
) -> None:
    """The profile speaks about the guest's calls, which the monitor sees."""
    process = process.replace(no_new_privileges=no_new_privileges)
    plan = compile_spec(filtered(spec.replace(process=process)), monitor="builtin")
    assert not any(isinstance(op, ops.Seccomp) for op in plan.program)
    last = plan.program[-1]
    assert isinstance(last, ops.ExecuteMonitor)
    assert last.filter == PROFILE


def test_flags_are_the_kernel_s(spec: Spec, compile_spec: Callable[..., Plan]) -> None:
    """linux/seccomp.h."""
    plan = compile_spec(filtered(spec))
    assert plan.program[place(plan, ops.Seccomp)] == ops.Seccomp(flags=2 | 4, filter=PROFILE)
    assert FLAGS["SECCOMP_FILTER_FLAG_TSYNC"] == 1


@pytest.mark.parametrize(
    ("monitor", "flag", "lost"),
    [
        ("builtin", "SECCOMP_FILTER_FLAG_LOG", True),
        ("builtin", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", False),
        ("none", "SECCOMP_FILTER_FLAG_LOG", False),
    ],
)
def test_flag_that_the_monitor_does_not_heed_is_a_warning(
    spec: Spec, compile_spec: Callable[..., Plan], monitor: str, flag: str, lost: bool
) -> None:
    """Nothing is dropped in silence; what is for the loading has no meaning where nothing is loaded."""
    plan = compile_spec(filtered(spec, PROFILE.replace(flags=(flag,))), monitor=monitor)
    assert any(flag in warning for warning in plan.warnings) is lost


def test_no_profile_loads_nothing(spec: Spec, compile_spec: Callable[..., Plan]) -> None:
    """Neither here nor in the monitor."""
    assert not any(isinstance(op, ops.Seccomp) for op in compile_spec(spec).program)
    last = compile_spec(spec, monitor="builtin").program[-1]
    assert isinstance(last, ops.ExecuteMonitor)
    assert last.filter is None


NOTIFYING = PROFILE.replace(
    listener_path="/run/agent",
    listener_metadata="m",
    syscalls=(SeccompRule(("mkdir",), "SCMP_ACT_NOTIFY"),),
)


@pytest.mark.parametrize(
    ("changes", "status"), [({}, "creating"), ({"no_new_privileges": True}, "created")], ids=["early", "late"]
)
def test_listener_is_sent_with_the_state(
    spec: Spec, process: Process, compile_spec: Callable[..., Plan], changes: dict[str, bool], status: str
) -> None:
    """config-linux.md#containerprocessstate: the pid of the process stands in it twice."""
    spec = filtered(spec.replace(process=process.replace(**changes), annotations={"a": "b"}), NOTIFYING)
    plan = compile_spec(spec)
    op = plan.program[place(plan, ops.SeccompNotify)]
    assert isinstance(op, ops.SeccompNotify)
    assert plan.listener == "/run/agent"
    assert json.loads("42".join(op.state)) == {
        "ociVersion": "1.3.0",
        "fds": ["seccompFd"],
        "pid": 42,
        "metadata": "m",
        "state": {
            "ociVersion": "1.3.0",
            "id": "c1",
            "status": status,
            "pid": 42,
            "bundle": "/bundle",
            "annotations": {"a": "b"},
        },
    }


@pytest.mark.parametrize("no_new_privileges", [False, True])
def test_the_monitor_s_listener_is_sent_early(
    spec: Spec, process: Process, compile_spec: Callable[..., Plan], no_new_privileges: bool
) -> None:
    """With the privilege that loading needs; the profile itself goes to the monitor alone."""
    spec = filtered(spec.replace(process=process.replace(no_new_privileges=no_new_privileges)), NOTIFYING)
    plan = compile_spec(spec, monitor="builtin")
    op = plan.program[place(plan, ops.SeccompMonitor)]
    assert isinstance(op, ops.SeccompMonitor)
    assert place(plan, ops.SeccompMonitor) < place(plan, ops.BoundCapabilities)
    assert not any(isinstance(op, ops.Seccomp | ops.SeccompNotify) for op in plan.program)
    assert (plan.listener, op.flags) == ("/run/agent", 0)
    assert json.loads("42".join(op.state))["state"]["status"] == "creating"
    last = plan.program[-1]
    assert isinstance(last, ops.ExecuteMonitor)
    assert last.filter == NOTIFYING


def test_of_the_flags_the_monitor_s_listener_has_what_concerns_the_asking(
    spec: Spec, compile_spec: Callable[..., Plan]
) -> None:
    """SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV is the kernel's business in a VM too."""
    plan = compile_spec(filtered(spec, NOTIFYING.replace(flags=tuple(FLAGS))), monitor="builtin")
    op = plan.program[place(plan, ops.SeccompMonitor)]
    assert isinstance(op, ops.SeccompMonitor)
    assert op.flags == 32


def test_state_of_a_process_that_joins_has_both_pids(spec: Spec, compile_spec: Callable[..., Plan]) -> None:
    """Its own, and that of the container's init."""
    plan = compile_spec(filtered(spec, NOTIFYING.replace(listener_metadata="")), init_pid=7)
    op = plan.program[place(plan, ops.SeccompNotify)]
    assert isinstance(op, ops.SeccompNotify)
    state = json.loads("42".join(op.state))
    assert (state["pid"], state["state"]["pid"], "metadata" in state) == (42, 7, False)


@pytest.mark.parametrize(
    ("notifies", "flag", "expected"),
    [
        (True, "SECCOMP_FILTER_FLAG_TSYNC", 0),
        (True, "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", 32),
        (False, "SECCOMP_FILTER_FLAG_TSYNC", 1),
        (False, "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", 0),
    ],
)
def test_flags_that_the_kernel_takes_only_with_or_without_a_listener(
    spec: Spec, compile_spec: Callable[..., Plan], notifies: bool, flag: str, expected: int
) -> None:
    """Where they have no meaning they are left out, and change nothing."""
    profile = (NOTIFYING if notifies else PROFILE).replace(flags=(flag,))
    plan = compile_spec(filtered(spec, profile))
    (op,) = (op for op in plan.program if isinstance(op, ops.Seccomp | ops.SeccompNotify))
    assert op.flags == expected


def test_listener_path_is_ignored_without_the_action(spec: Spec, compile_spec: Callable[..., Plan]) -> None:
    """If the SCMP_ACT_NOTIFY action is not used this value is ignored."""
    plan = compile_spec(filtered(spec, PROFILE.replace(listener_path="/l")), monitor="builtin")
    assert plan.listener == ""


@pytest.mark.parametrize(
    ("monitor", "names", "path"),
    [
        ("builtin", ("mkdir", "openat"), "$.linux.seccomp.syscalls[0].names[1]"),
        ("builtin", ("bpf",), "$.linux.seccomp.syscalls[0].names[0]"),
        ("builtin", ("epoll_wait",), "$.linux.seccomp.syscalls[0].names[0]"),
        ("none", ("mkdir", "sendmsg"), "$.linux.seccomp.syscalls[0].names[1]"),
    ],
)
def test_listener_that_cannot_be_had_is_refused(
    spec: Spec, compile_spec: Callable[..., Plan], monitor: str, names: tuple[str, ...], path: str
) -> None:
    """By name; a profile is never weakened."""
    profile = NOTIFYING.replace(syscalls=(SeccompRule(names, "SCMP_ACT_NOTIFY"),))
    with pytest.raises(Unsupported) as caught:
        compile_spec(filtered(spec, profile), monitor=monitor)
    assert caught.value.faults[0].path == path


def test_names_that_only_other_architectures_have_do_not_matter(
    spec: Spec, compile_spec: Callable[..., Plan]
) -> None:
    """Profiles name them for all machines at once."""
    profile = NOTIFYING.replace(syscalls=(SeccompRule(("chown", "chown32"), "SCMP_ACT_NOTIFY"),))
    assert compile_spec(filtered(spec, profile), monitor="builtin").listener == "/run/agent"


def test_kernel_without_seccomp_is_refused(
    spec: Spec, facts: HostFacts, compile_spec: Callable[..., Plan]
) -> None:
    """A container that was to be confined does not run unconfined."""
    with pytest.raises(Unsupported, match="no seccomp filters"):
        compile_spec(filtered(spec), facts.replace(seccomp=False))

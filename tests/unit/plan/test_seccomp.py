"""Seccomp: config-linux.md#seccomp, and where the profile goes."""

from __future__ import annotations

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


@pytest.mark.parametrize(
    ("profile", "path"),
    [
        (PROFILE.replace(listener_path="/l"), "$.linux.seccomp.listenerPath"),
        (PROFILE.replace(default_action="SCMP_ACT_NOTIFY"), "$.linux.seccomp.defaultAction"),
        (
            PROFILE.replace(syscalls=(SeccompRule(("read",), "SCMP_ACT_NOTIFY"),)),
            "$.linux.seccomp.syscalls[0].action",
        ),
        (PROFILE.replace(flags=("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",)), "$.linux.seccomp.flags[0]"),
    ],
)
def test_what_needs_a_listener_is_refused(
    spec: Spec, compile_spec: Callable[..., Plan], profile: Seccomp, path: str
) -> None:
    """By name; a profile is never weakened."""
    with pytest.raises(Unsupported) as caught:
        compile_spec(filtered(spec, profile))
    assert caught.value.faults[0].path == path


def test_kernel_without_seccomp_is_refused(
    spec: Spec, facts: HostFacts, compile_spec: Callable[..., Plan]
) -> None:
    """A container that was to be confined does not run unconfined."""
    with pytest.raises(Unsupported, match="no seccomp filters"):
        compile_spec(filtered(spec), facts.replace(seccomp=False))

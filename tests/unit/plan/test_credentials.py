"""User, capabilities, limits: config.md#posix-process and #linux-process."""

from __future__ import annotations

import resource

import pytest

from krun.errors import SpecError
from krun.host.facts import HostFacts
from krun.plan import ops
from krun.plan.credentials import (
    CAPABILITIES,
    RLIMITS,
    inherited_operations,
    limit_operations,
    plan_capabilities,
    user_operations,
)
from krun.spec.model import Capabilities, Linux, Namespace, Process, Rlimit, User

CHOWN, KILL, SYS_ADMIN, SYS_RESOURCE = 1 << 0, 1 << 5, 1 << 21, 1 << 24
USER_NAMESPACE = Linux(namespaces=(Namespace("mount"), Namespace("user")))


def granting(process: Process, **sets: tuple[str, ...]) -> Process:
    """Return the process with these capability sets."""
    changed: Process = process.replace(capabilities=Capabilities(**sets))
    return changed


def test_capabilities_are_numbered_as_in_the_kernel() -> None:
    """linux/capability.h."""
    assert (len(CAPABILITIES), len(set(CAPABILITIES))) == (41, 41)
    numbers = {
        name: CAPABILITIES.index(name) for name in ("CAP_CHOWN", "CAP_SYS_ADMIN", "CAP_CHECKPOINT_RESTORE")
    }
    assert numbers == {"CAP_CHOWN": 0, "CAP_SYS_ADMIN": 21, "CAP_CHECKPOINT_RESTORE": 40}


def test_each_set_becomes_a_mask(process: Process, linux: Linux, facts: HostFacts) -> None:
    """Five sets, each by itself."""
    both = ("CAP_CHOWN", "CAP_KILL")
    sets, warnings = plan_capabilities(
        granting(
            process, bounding=both, permitted=both, effective=both[:1], inheritable=both[1:], ambient=both[1:]
        ),
        linux,
        facts,
    )
    assert (sets.bounding, sets.permitted, sets.effective) == (CHOWN | KILL, CHOWN | KILL, CHOWN)
    assert (sets.inheritable, sets.ambient) == (KILL, KILL)
    assert warnings == ()


def test_absent_capabilities_are_none_at_all(process: Process, linux: Linux, facts: HostFacts) -> None:
    """Nothing that the runtime has is handed on by silence."""
    sets, warnings = plan_capabilities(process, linux, facts)
    assert (sets.bounding, sets.permitted, sets.effective, sets.inheritable, sets.ambient) == (0, 0, 0, 0, 0)
    assert warnings == ()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("CAP_NOPE", "unknown"),
        ("CAP_BPF", "unknown to the kernel"),
        ("CAP_SYS_RESOURCE", "krun does not have it"),
    ],
)
def test_capability_that_cannot_be_granted_is_a_warning(
    process: Process, linux: Linux, facts: HostFacts, name: str, why: str
) -> None:
    """What cannot be granted MUST be logged as a warning by the runtime, which SHOULD NOT fail."""
    facts = facts.replace(last_capability=38, bounding=facts.bounding & ~SYS_RESOURCE)
    names = (name, "CAP_KILL")
    sets, warnings = plan_capabilities(granting(process, bounding=names, permitted=names), linux, facts)
    assert (sets.bounding, sets.permitted) == (KILL, KILL)
    assert warnings == (f"$.process.capabilities: {name} is not granted: {why}",)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"effective": ("CAP_KILL",)}, "effective but not permitted"),
        (
            {"permitted": ("CAP_KILL",), "inheritable": ("CAP_KILL",)},
            "inheritable but not in the bounding set",
        ),
        (
            {"bounding": ("CAP_KILL",), "permitted": ("CAP_KILL",), "ambient": ("CAP_KILL",)},
            "ambient but not both permitted and inheritable",
        ),
    ],
)
def test_sets_that_the_kernel_refuses_are_cut_with_a_warning(
    process: Process, linux: Linux, facts: HostFacts, given: dict[str, tuple[str, ...]], why: str
) -> None:
    """capset(2) would refuse the whole set because of one member."""
    sets, warnings = plan_capabilities(granting(process, **given), linux, facts)
    assert (sets.effective, sets.inheritable, sets.ambient) == (0, 0, 0)
    assert warnings == (f"$.process.capabilities: CAP_KILL is not granted: {why}",)


def test_user_namespace_grants_everything_inside(process: Process, facts: HostFacts) -> None:
    """user_namespaces(7): who makes one has all capabilities in it, whatever bounds the runtime."""
    names = ("CAP_SYS_ADMIN",)
    sets, warnings = plan_capabilities(
        granting(process, bounding=names), USER_NAMESPACE, facts.replace(bounding=0)
    )
    assert (sets.bounding, warnings) == (SYS_ADMIN, ())


def test_user_is_become_between_the_capability_sets(process: Process, linux: Linux, facts: HostFacts) -> None:
    """capabilities(7): dropping from the bounding set needs CAP_SETPCAP, changing the user CAP_SETUID."""
    process = process.replace(user=User(uid=7, gid=8, umask=0o77, additional_gids=(1, 70000)))
    sets, _ = plan_capabilities(granting(process, bounding=("CAP_KILL",)), linux, facts)
    assert user_operations(process, sets) == [
        ops.BoundCapabilities(bounding=KILL),
        ops.User(uid=7, gid=8, groups=b"\x01\x00\x00\x00\x70\x11\x01\x00"),
        ops.Capabilities(effective=0, permitted=0, inheritable=0, ambient=0),
        ops.Umask(mask=0o77),
    ]


def test_umask_that_is_not_set_is_not_changed(process: Process, linux: Linux, facts: HostFacts) -> None:
    """No operation."""
    sets, _ = plan_capabilities(process, linux, facts)
    assert not any(isinstance(op, ops.Umask) for op in user_operations(process, sets))


@pytest.mark.parametrize("name", sorted(RLIMITS))
def test_limits_have_the_kernel_s_numbers(name: str) -> None:
    """The C library of this machine has the same, as far as Python knows their names."""
    if name == "RLIMIT_LOCKS":
        assert RLIMITS[name] == 10  # Python leaves out what Linux 2.4 had
    else:
        assert RLIMITS[name] == getattr(resource, name)


def test_limits_keep_soft_and_hard(process: Process) -> None:
    """The largest value means unlimited."""
    unlimited = (1 << 64) - 1
    process = process.replace(rlimits=(Rlimit("RLIMIT_NOFILE", 10, 20), Rlimit("RLIMIT_CORE", 0, unlimited)))
    assert limit_operations(process) == [
        ops.Rlimit(resource=7, soft=10, hard=20),
        ops.Rlimit(resource=4, soft=0, hard=unlimited),
    ]


def test_unknown_limit_is_a_fault(process: Process) -> None:
    """The runtime MUST generate an error for a value without a relevant kernel interface."""
    with pytest.raises(SpecError, match=r"^\$\.process\.rlimits\[0\]\.type: there is no 'RLIMIT_NOPE'$"):
        limit_operations(process.replace(rlimits=(Rlimit("RLIMIT_NOPE", 1, 1),)))


def test_oom_score_is_set_before_any_namespace(process: Process, linux: Linux) -> None:
    """If oomScoreAdj is set, the runtime MUST set it; in a user namespace it could not lower it."""
    assert inherited_operations(process.replace(oom_score_adj=-500), linux) == [ops.OomScoreAdj(value=-500)]


def test_oom_score_that_is_not_set_is_not_changed(process: Process, linux: Linux) -> None:
    """If oomScoreAdj is not set, the runtime MUST NOT change the value of oom_score_adj."""
    assert inherited_operations(process, linux) == []


def test_hard_limits_are_raised_outside_a_user_namespace(process: Process) -> None:
    """CAP_SYS_RESOURCE counts on the host only; the soft limit follows at the end."""
    process = process.replace(rlimits=(Rlimit("RLIMIT_NOFILE", 10, 20),))
    assert inherited_operations(process, USER_NAMESPACE) == [ops.Rlimit(resource=7, soft=20, hard=20)]

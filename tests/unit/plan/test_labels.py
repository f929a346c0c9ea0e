"""AppArmor profiles and SELinux labels: written where the host has them, refused where not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from krun.errors import Unsupported
from krun.host.facts import HostFacts
from krun.plan import ops
from krun.plan.model import Plan
from krun.spec.model import Mount, Spec

Compile = Callable[..., Plan]


def labelled(spec: Spec, **labels: str) -> Spec:
    """Return the specification with labels of its process."""
    assert spec.process is not None
    return spec.replace(process=spec.process.replace(**labels))  # type: ignore[no-any-return]  # replace() returns its own type


@pytest.mark.parametrize("profile", ["docker-default", "unconfined"])
def test_profile_is_taken_with_the_exec(
    spec: Spec, facts: HostFacts, compile_spec: Compile, profile: str
) -> None:
    """Also `unconfined`: the runtime might be under a profile itself."""
    plan = compile_spec(labelled(spec, apparmor_profile=profile), facts.replace(apparmor=True))
    kinds = [type(op) for op in plan.program]
    assert ops.AppArmorProfile(profile) in plan.program
    assert kinds.index(ops.PivotRoot) < kinds.index(ops.AppArmorProfile) < kinds.index(ops.BoundCapabilities)


def test_label_is_taken_with_the_exec(spec: Spec, facts: HostFacts, compile_spec: Compile) -> None:
    """As the configuration has it."""
    plan = compile_spec(labelled(spec, selinux_label="u:r:t:s0"), facts.replace(selinux=True))
    assert ops.SelinuxLabel("u:r:t:s0") in plan.program


@pytest.mark.parametrize("name", ["apparmor_profile", "selinux_label"])
def test_empty_labels_are_none(spec: Spec, facts: HostFacts, compile_spec: Compile, name: str) -> None:
    """Clients write them that way."""
    host = facts.replace(apparmor=True, selinux=True)
    assert compile_spec(labelled(spec, **{name: ""}), host) == compile_spec(spec, host)


def test_unconfined_is_the_state_without_apparmor(spec: Spec, compile_spec: Compile) -> None:
    """So it is no error there."""
    assert compile_spec(labelled(spec, apparmor_profile="unconfined")) == compile_spec(spec)


@pytest.mark.parametrize(
    ("name", "path", "module"),
    [
        ("apparmor_profile", "$.process.apparmorProfile", "AppArmor"),
        ("selinux_label", "$.process.selinuxLabel", "SELinux"),
    ],
)
def test_a_label_without_its_module_is_refused(
    spec: Spec, compile_spec: Compile, name: str, path: str, module: str
) -> None:
    """A process that is not confined as asked must not run."""
    with pytest.raises(Unsupported) as caught:
        compile_spec(labelled(spec, **{name: "x"}))
    assert str(caught.value) == f"{path}: {module} is not enabled on this host"


@pytest.mark.parametrize(
    ("type", "is_labelled"),
    [("tmpfs", True), ("devpts", True), ("proc", False), ("sysfs", False), ("mqueue", False)],
)
def test_new_file_systems_have_the_mount_label(
    spec: Spec, facts: HostFacts, compile_spec: Compile, type: str, is_labelled: bool
) -> None:
    """But for the kernel's own, which label themselves."""
    spec = spec.replace(
        mounts=(Mount("/m", type, type),), linux=spec.linux.replace(mount_label="u:object_r:t:s0:c1,c2")
    )
    program = compile_spec(spec, facts.replace(selinux=True)).program
    (mount,) = (op for op in program if isinstance(op, ops.Mount))
    assert ("context=u:object_r:t:s0:c1,c2" in mount.parameters) is is_labelled


def test_a_mount_label_without_selinux_is_a_warning(spec: Spec, compile_spec: Compile) -> None:
    """Where no mount has a label, none can be missing; the file system does not get to see the option."""
    spec = spec.replace(mounts=(Mount("/m", "tmpfs", "tmpfs"),), linux=spec.linux.replace(mount_label="l"))
    plan = compile_spec(spec)
    (mount,) = (op for op in plan.program if isinstance(op, ops.Mount))
    assert mount.parameters == ()
    assert plan.warnings == ("$.linux.mountLabel: without effect, SELinux is not enabled on this host",)

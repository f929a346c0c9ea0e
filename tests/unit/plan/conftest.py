"""What every test of the compiler starts from: a small specification, a plain host, ordinary options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.facts import make_facts

from krun.host.cgroups import CgroupFacts, Hierarchy
from krun.host.facts import HostFacts
from krun.plan.build import build_plan
from krun.plan.model import Options, Plan
from krun.spec.model import Linux, Namespace, Process, Root, Spec, User

ALL_CAPABILITIES = (1 << 41) - 1


@pytest.fixture
def facts() -> HostFacts:
    """Return a host with everything, and cgroup v2."""
    cgroups = CgroupFacts(
        version="v2",
        unified=Hierarchy(mount="/sys/fs/cgroup", own="/own"),
        controllers=("cpu", "memory", "pids"),
    )
    return make_facts(cgroups, bounding=ALL_CAPABILITIES, kvm="usable")


@pytest.fixture
def options() -> Options:
    """Return options without a VM, whose programs show every step."""
    return Options(id="c1", bundle="/bundle", monitor="none", cgroup_manager="disabled")


@pytest.fixture
def process() -> Process:
    """Return root's shell in an empty environment but for HOME."""
    return Process(user=User(uid=0, gid=0), args=("sh",), cwd="/", env=("HOME=/root",))


@pytest.fixture
def linux() -> Linux:
    """Return new mount and pid namespaces and nothing else."""
    return Linux(namespaces=(Namespace("mount"), Namespace("pid")))


@pytest.fixture
def spec(process: Process, linux: Linux) -> Spec:
    """Return a container that is as small as can be."""
    return Spec(oci_version="1.0.2", root=Root("rootfs"), process=process, linux=linux)


@pytest.fixture
def compile_spec(facts: HostFacts, options: Options) -> Callable[..., Plan]:
    """Return the compiler on the plain host; `option=value` changes one of the options."""

    def compile_spec(spec: Spec, facts: HostFacts = facts, **changed: Any) -> Plan:
        return build_plan(spec, facts, options.replace(**changed))

    return compile_spec

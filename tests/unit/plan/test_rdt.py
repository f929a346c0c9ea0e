"""Intel RDT in the plan: config-linux.md#intelrdt."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from krun.errors import SpecError, Unsupported
from krun.host.facts import HostFacts
from krun.plan.explain import plan_text
from krun.plan.model import Plan
from krun.plan.rdt import RdtPlan
from krun.spec.model import IntelRdt, Spec

L3, MB, L2 = "L3:0=f", "MB:0=20", "L2:0=1"


@pytest.fixture
def planned(spec: Spec, facts: HostFacts, compile_spec: Callable[..., Plan]) -> Callable[[IntelRdt], RdtPlan]:
    """Return a planner on a host with resctrl."""

    def planned(rdt: IntelRdt) -> RdtPlan:
        plan = compile_spec(
            spec.replace(linux=spec.linux.replace(intel_rdt=rdt)), facts.replace(resctrl="/sys/fs/resctrl")
        )
        assert plan.rdt is not None
        return plan.rdt

    return planned


def test_without_a_class_it_is_the_containers_own(planned: Callable[[IntelRdt], RdtPlan]) -> None:
    """Runtimes MUST use the container ID and create the directory."""
    plan = planned(IntelRdt(l3_cache_schema=L3))
    assert plan == RdtPlan("/sys/fs/resctrl/c1", True, False, (), (L3,), "")


def test_schemata_are_written_last(planned: Callable[[IntelRdt], RdtPlan]) -> None:
    """l3CacheSchema first, memBwSchema then, and `schemata` after both."""
    plan = planned(IntelRdt("class", (L2, "L3:0=1"), L3, MB))
    assert plan.schemata == (L3, MB, L2, "L3:0=1")
    assert plan.compared == (L3, MB)
    assert not plan.is_own
    assert not plan.must_exist


def test_a_class_without_schemata_has_to_be_there(planned: Callable[[IntelRdt], RdtPlan]) -> None:
    """The runtime MUST check if the pre-configured directory is present."""
    assert planned(IntelRdt("class")) == RdtPlan("/sys/fs/resctrl/class", False, True, (), (), "")


def test_a_slash_is_the_default_class(planned: Callable[[IntelRdt], RdtPlan]) -> None:
    """The container MUST be assigned to the root of the file system."""
    plan = planned(IntelRdt("/", enable_monitoring=True))
    assert plan.directory == "/sys/fs/resctrl"
    assert plan.monitoring_group == "/sys/fs/resctrl/mon_groups/c1"


def test_monitoring_group_lies_in_the_class(planned: Callable[[IntelRdt], RdtPlan]) -> None:
    """Under the top-level group, with the container's ID."""
    assert (
        planned(IntelRdt("k", enable_monitoring=True)).monitoring_group == "/sys/fs/resctrl/k/mon_groups/c1"
    )


@pytest.mark.parametrize("name", ["info", "mon_groups", "mon_data"])
def test_a_directory_of_the_kernels_is_no_class(planned: Callable[[IntelRdt], RdtPlan], name: str) -> None:
    """It is there, and means something else."""
    with pytest.raises(SpecError, match=r"^\$\.linux\.intelRdt\.closID: must not be"):
        planned(IntelRdt(name))


def test_without_resctrl_it_is_an_error(spec: Spec, compile_spec: Callable[..., Plan]) -> None:
    """The runtime MUST generate an error, also for an empty object."""
    with pytest.raises(Unsupported, match=r"^\$\.linux\.intelRdt: no resctrl file system is mounted"):
        compile_spec(spec.replace(linux=spec.linux.replace(intel_rdt=IntelRdt())))


def test_without_the_property_nothing_is_planned(
    spec: Spec, facts: HostFacts, compile_spec: Callable[..., Plan]
) -> None:
    """The runtime MUST NOT manipulate any resctrl file system."""
    assert compile_spec(spec, facts.replace(resctrl="/sys/fs/resctrl")).rdt is None


def test_plan_in_words(spec: Spec, facts: HostFacts, compile_spec: Callable[..., Plan]) -> None:
    """Directory, schemata and monitoring, a line each."""
    linux = spec.linux.replace(intel_rdt=IntelRdt("k", l3_cache_schema=L3, enable_monitoring=True))
    text = plan_text(compile_spec(spec.replace(linux=linux), facts.replace(resctrl="/r")))
    assert "resctrl: /r/k\nresctrl schema: L3:0=f\nresctrl monitoring: /r/k/mon_groups/c1\n" in text

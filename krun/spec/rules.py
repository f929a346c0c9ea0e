"""The rules that need several properties at once: what specs/config.yaml cannot say.

A rule is a function from a section of the document to findings, and the places that it reads.  It is applied
only when the schema found no fault there, so it may take the types for granted, and one wrong property hides
nothing that is wrong elsewhere.  The fast path and `krun validate` apply the same rules.

Out of scope: rules about single values (the schema), and about what the host has (the plan).
"""

from __future__ import annotations

from krun.spec import rules_linux, rules_process, rules_resources
from krun.types import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any

    from krun.spec.faults import Finding, Place


class Rule(Record):
    """What must hold in one section: `check` yields findings, placed relative to the section.

    reads: the places that `check` looks at, relative to the section.  section: where the section stands.
    """

    check: Callable[[Any], Iterator[Finding]]
    reads: tuple[Place, ...]
    section: Place = ()

    @property
    def places(self) -> Iterator[Place]:
        """The places that the rule reads, from the document's root."""
        return ((*self.section, *place) for place in self.reads)


def apply(rules: Sequence[Rule], document: object, faults: Iterable[Finding]) -> list[Finding]:
    """Apply each rule that reads nothing faulty, in order.

    faults: what `check` found in the document.
    """
    broken = [place for place, _ in faults]
    findings: list[Finding] = []
    for rule in rules:
        if broken and any(_overlap(place, fault) for place in rule.places for fault in broken):
            continue
        section: Any = document
        for step in rule.section:
            section = section.get(step, {})
        if section:
            findings.extend(((*rule.section, *place), message) for place, message in rule.check(section))
    return findings


def _overlap(one: Place, other: Place) -> bool:
    """Tell whether one place lies in the other."""
    return one[: len(other)] == other[: len(one)]


def _within(section: Place, rules: Sequence[Rule]) -> tuple[Rule, ...]:
    return tuple(Rule(rule.check, rule.reads, section) for rule in rules)


PROCESS_RULES: tuple[Rule, ...] = (
    Rule(rules_process.rlimits_are_unique, (("rlimits",),)),
    Rule(rules_process.soft_limits_are_within_hard_ones, (("rlimits",),)),
    Rule(rules_process.scheduler_parameters_fit_the_policy, (("scheduler",),)),
)

RESOURCES_RULES: tuple[Rule, ...] = (
    Rule(rules_resources.swap_includes_memory, (("memory",),)),
    Rule(rules_resources.burst_is_within_quota, (("cpu",),)),
    Rule(rules_resources.weights_are_in_range, (("blockIO",),)),
    Rule(rules_resources.weight_devices_have_a_weight, (("blockIO", "weightDevice"),)),
    Rule(rules_resources.rdma_devices_have_a_limit, (("rdma",),)),
)

_NAMESPACES: Place = ("linux", "namespaces")

CONFIG_RULES: tuple[Rule, ...] = (
    *_within(("process",), PROCESS_RULES),
    Rule(rules_linux.names_need_a_uts_namespace, (("hostname",), ("domainname",), _NAMESPACES)),
    Rule(rules_linux.mount_mappings_come_in_pairs, (("mounts",),)),
    Rule(rules_linux.idmapped_mounts_have_mappings, (("mounts",), _NAMESPACES)),
    Rule(rules_linux.namespaces_are_unique, (_NAMESPACES,)),
    Rule(
        rules_linux.mappings_belong_to_a_user_namespace,
        (("linux", "uidMappings"), ("linux", "gidMappings"), _NAMESPACES),
    ),
    Rule(
        rules_linux.mappings_do_not_overlap,
        (("linux", "uidMappings"), ("linux", "gidMappings"), ("mounts",)),
    ),
    Rule(rules_linux.time_offsets_need_a_new_time_namespace, (("linux", "timeOffsets"), _NAMESPACES)),
    Rule(rules_linux.devices_have_numbers, (("linux", "devices"),)),
    Rule(rules_linux.net_devices_need_a_network_namespace, (("linux", "netDevices"), _NAMESPACES)),
    Rule(rules_linux.net_devices_have_different_names, (("linux", "netDevices"),)),
    Rule(rules_linux.cgroups_path_stays_in_the_hierarchy, (("linux", "cgroupsPath"),)),
    *_within(("linux", "resources"), RESOURCES_RULES),
    Rule(
        rules_linux.sysctls_belong_to_the_containers_namespaces,
        (("linux", "sysctl"), ("hostname",), ("domainname",), _NAMESPACES),
    ),
    Rule(
        rules_linux.covered_paths_need_a_mount_namespace,
        (("linux", "maskedPaths"), ("linux", "readonlyPaths"), _NAMESPACES),
    ),
    Rule(rules_linux.errno_is_given_to_actions_that_return_one, (("linux", "seccomp"),)),
    Rule(rules_linux.seccomp_listener_is_complete, (("linux", "seccomp"),)),
    Rule(rules_linux.memory_policy_has_the_nodes_its_mode_wants, (("linux", "memoryPolicy"),)),
)

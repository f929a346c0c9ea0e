"""`krun features`: what this krun implements, as JSON in the form of the specification's features.md.

Every list comes from the table that the code works with, so that nothing is promised that is refused.
"""

from __future__ import annotations

from krun.commands.options import Argument, Arguments, Context, Option
from krun.host.probe import probe
from krun.plan import mount_options, seccomp
from krun.plan.credentials import CAPABILITIES
from krun.plan.model import OCI_VERSION
from krun.plan.namespaces import FLAGS
from krun.plan.scheduling import MEMORY_FLAGS, MEMORY_MODES
from krun.spec._schema import CONFIG
from krun.sys import native
from krun.sys.json import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from krun.host.facts import HostFacts

SUMMARY = "print what this krun implements, as JSON"
OPTIONS: tuple[Option, ...] = ()
ARGUMENTS: tuple[Argument, ...] = ()

_OCI_VERSION_MIN = "1.0.0"


def run(args: Arguments, context: Context) -> int:  # noqa: ARG001  # every verb has this form
    """Print the features, and not one byte on standard error."""
    context.out(dumps(features(probe()), indent=4) + "\n")
    return 0


def features(facts: HostFacts) -> dict[str, Any]:
    """Return the document.  `facts` only say which of the features the kernel has."""
    return {
        "ociVersionMin": _OCI_VERSION_MIN,
        "ociVersionMax": OCI_VERSION,
        "hooks": list(_schema("hooks")["properties"]),
        "mountOptions": mount_option_names(),
        "linux": {
            "namespaces": sorted(FLAGS),
            "capabilities": list(CAPABILITIES),
            "cgroup": {"v1": True, "v2": True, "systemd": True, "systemdUser": True, "rdma": True},
            "seccomp": _seccomp(facts),
            "apparmor": {"enabled": True},
            "selinux": {"enabled": True},
            "intelRdt": {"enabled": True, "schemata": True, "monitoring": True},
            "memoryPolicy": {"modes": list(MEMORY_MODES), "flags": list(MEMORY_FLAGS)},
            "mountExtensions": {"idmap": {"enabled": True}},
            "netDevices": {"enabled": True},
        },
    }


def mount_option_names() -> list[str]:
    """Return every option that is understood, and so not passed on to a file system."""
    return sorted(
        {
            *mount_options.ATTRIBUTES,
            *mount_options.RECURSIVE_ATTRIBUTES,
            *mount_options.PROPAGATION,
            *mount_options.SUPERBLOCK,
            *mount_options.WITHOUT_EFFECT,
            *mount_options.KIND,
            *mount_options.COPY,
            *mount_options.IDMAP,
        }
    )


def _seccomp(facts: HostFacts) -> dict[str, Any]:
    profile = _schema("linux", "seccomp")["properties"]
    rule = profile["syscalls"]["items"]["properties"]
    operators = rule["args"]["items"]["properties"]["op"]["enum"]
    return {
        "enabled": facts.seccomp,
        "actions": sorted(profile["defaultAction"]["enum"]),
        "operators": sorted(operators),
        "archs": sorted(filter(native.knows_architecture, profile["architectures"]["items"]["enum"])),
        "knownFlags": sorted(seccomp.FLAGS),
        "supportedFlags": sorted(seccomp.FLAGS) if facts.seccomp else [],
    }


def _schema(*names: str) -> Mapping[str, Any]:
    """Return the part of the configuration's schema below these properties."""
    part: Mapping[str, Any] = CONFIG
    for name in names:
        part = part["properties"][name]
    return part

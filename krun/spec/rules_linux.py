"""Rules about namespaces and what depends on them, each taking the whole document.  See `krun.spec.rules`.

Out of scope: whether a namespace's file exists and is of its type, which only the host can tell.
"""

from __future__ import annotations

from krun.spec import sysctl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from krun.spec.faults import Finding, Place

_MAPPINGS = ("uidMappings", "gidMappings")
_ID_COUNT = 1 << 32
_ERRNO_ACTIONS = ("SCMP_ACT_ERRNO", "SCMP_ACT_TRACE")
_NODELESS_MODES = ("MPOL_DEFAULT", "MPOL_LOCAL")
_NODES_OPTIONAL_MODE = "MPOL_PREFERRED"


def _linux(config: dict[str, Any], name: str, default: Any = ()) -> Any:
    return config.get("linux", {}).get(name, default)


def _namespaces(config: dict[str, Any]) -> dict[str, str]:
    """Return the path of each namespace that the container does not inherit, "" for a new one."""
    return {ns["type"]: ns.get("path", "") for ns in _linux(config, "namespaces")}


def namespaces_are_unique(config: dict[str, Any]) -> Iterator[Finding]:
    """Duplicated namespaces with same `type`: the runtime MUST generate an error."""
    seen: dict[str, int] = {}
    for index, namespace in enumerate(_linux(config, "namespaces")):
        first = seen.setdefault(namespace["type"], index)
        if first != index:
            place = ("linux", "namespaces", index, "type")
            yield place, f"repeats {namespace['type']} of namespaces[{first}]"


def names_need_a_uts_namespace(config: dict[str, Any]) -> Iterator[Finding]:
    """Without a uts namespace of the container, a name would become the host's."""
    if "uts" not in _namespaces(config):
        for name in ("hostname", "domainname"):
            if config.get(name, "") != "":
                yield (name,), "needs a uts namespace"


def mount_mappings_come_in_pairs(config: dict[str, Any]) -> Iterator[Finding]:
    """`uidMappings` of a mount MUST be specified along with `gidMappings`, and the reverse."""
    for index, mount in enumerate(config.get("mounts", ())):
        for name, other in (_MAPPINGS, _MAPPINGS[::-1]):
            if mount.get(name) and not mount.get(other):
                yield ("mounts", index, name), f"needs {other} as well"


def idmapped_mounts_have_mappings(config: dict[str, Any]) -> Iterator[Finding]:
    """With `idmap` but neither mappings nor a user namespace, an error MUST be returned."""
    if "user" in _namespaces(config):
        return
    for index, mount in enumerate(config.get("mounts", ())):
        options: list[str] = mount.get("options", [])
        for option in ("idmap", "ridmap"):
            if option in options and not mount.get("uidMappings") and not mount.get("gidMappings"):
                place = ("mounts", index, "options", options.index(option))
                yield place, f"{option} needs uidMappings and gidMappings, or a user namespace"


def mappings_belong_to_a_user_namespace(config: dict[str, Any]) -> Iterator[Finding]:
    """Mappings mean nothing without a user namespace, and a new one is useless without both of them."""
    path = _namespaces(config).get("user")
    for name in _MAPPINGS:
        given = bool(_linux(config, name))
        if given and path is None:
            yield ("linux", name), "needs a user namespace"
        if not given and path == "":
            yield ("linux", name), "is missing, but the container has a new user namespace"


def mappings_do_not_overlap(config: dict[str, Any]) -> Iterator[Finding]:
    """Each id is mapped at most once, and none beyond 32 bits (user_namespaces(7))."""
    for name in _MAPPINGS:
        yield from _overlaps(_linux(config, name), ("linux", name))
        for index, mount in enumerate(config.get("mounts", ())):
            yield from _overlaps(mount.get(name, ()), ("mounts", index, name))


def _overlaps(mappings: Sequence[dict[str, int]], place: Place) -> Iterator[Finding]:
    for index, mapping in enumerate(mappings):
        for side in ("containerID", "hostID"):
            first, end = mapping[side], mapping[side] + mapping["size"]
            if end > _ID_COUNT:
                yield (*place, index, "size"), f"reaches beyond the last {side}, got {mapping['size']}"
            for earlier, other in enumerate(mappings[:index]):
                if first < other[side] + other["size"] and other[side] < end:
                    yield (*place, index, side), f"overlaps with {place[-1]}[{earlier}]"


def time_offsets_need_a_new_time_namespace(config: dict[str, Any]) -> Iterator[Finding]:
    """Offsets are set before the first process enters a time namespace (time_namespaces(7))."""
    if _linux(config, "timeOffsets") and _namespaces(config).get("time") != "":
        yield ("linux", "timeOffsets"), "needs a new time namespace"


def devices_have_numbers(config: dict[str, Any]) -> Iterator[Finding]:
    """`major, minor` are REQUIRED unless `type` is `p`."""
    for index, device in enumerate(_linux(config, "devices")):
        for name in ("major", "minor"):
            if device["type"] != "p" and name not in device:
                yield ("linux", "devices", index, name), f"is missing for type {device['type']}"


def net_devices_need_a_network_namespace(config: dict[str, Any]) -> Iterator[Finding]:
    """Devices are moved into the container's network namespace, so there must be one."""
    if _linux(config, "netDevices") and "network" not in _namespaces(config):
        yield ("linux", "netDevices"), "needs a network namespace"


def net_devices_have_different_names(config: dict[str, Any]) -> Iterator[Finding]:
    """A name already taken in the container is an error, unless it is a template with `%d`."""
    seen: dict[str, str] = {}
    for device, settings in _linux(config, "netDevices", {}).items():
        name = settings.get("name", "") or device
        first = seen.setdefault(name, device)
        if first != device and "%d" not in name:
            yield ("linux", "netDevices", device), f"is named {name} like {first}"


def cgroups_path_stays_in_the_hierarchy(config: dict[str, Any]) -> Iterator[Finding]:
    """A runtime MAY consider certain `cgroupsPath` values to be invalid: krun does those with `..`."""
    path: str = _linux(config, "cgroupsPath", "")
    if ".." in path.split("/"):
        yield ("linux", "cgroupsPath"), f"must not contain .., got {path!r}"


def sysctls_belong_to_the_containers_namespaces(config: dict[str, Any]) -> Iterator[Finding]:
    """A parameter is set only where a namespace of the container has a value of its own, never the host's."""
    namespaces = _namespaces(config)
    for name in _linux(config, "sysctl"):
        place = ("linux", "sysctl", name)
        path = sysctl.path(name)
        namespace = sysctl.namespace(path)
        if path == "":
            yield place, "is not the name of a kernel parameter"
        elif namespace == "":
            yield place, "belongs to the whole host, not to a namespace"
        elif namespace not in namespaces:
            yield place, f"needs a {namespace} namespace"
        elif namespace == "uts" and config.get(path.removeprefix("kernel/"), "") != "":
            yield place, f"conflicts with $.{path.removeprefix('kernel/')}"


def covered_paths_need_a_mount_namespace(config: dict[str, Any]) -> Iterator[Finding]:
    """Covering a path without a mount namespace of the container would cover it on the host."""
    if "mount" not in _namespaces(config):
        for name in ("maskedPaths", "readonlyPaths"):
            if _linux(config, name):
                yield ("linux", name), "needs a mount namespace"


def errno_is_given_to_actions_that_return_one(config: dict[str, Any]) -> Iterator[Finding]:
    """When the action doesn't support an errno, the runtime MUST print an error and fail."""
    seccomp = _linux(config, "seccomp", {})
    if "defaultErrnoRet" in seccomp and seccomp["defaultAction"] not in _ERRNO_ACTIONS:
        place: Place = ("linux", "seccomp", "defaultErrnoRet")
        yield place, f"has no meaning with {seccomp['defaultAction']}"
    for index, rule in enumerate(seccomp.get("syscalls", ())):
        if "errnoRet" in rule and rule["action"] not in _ERRNO_ACTIONS:
            place = ("linux", "seccomp", "syscalls", index, "errnoRet")
            yield place, f"has no meaning with {rule['action']}"


def seccomp_listener_is_complete(config: dict[str, Any]) -> Iterator[Finding]:
    """`listenerMetadata` MUST NOT be set if `listenerPath` is not set; SCMP_ACT_NOTIFY needs a listener."""
    seccomp = _linux(config, "seccomp", {})
    if seccomp.get("defaultAction") == "SCMP_ACT_NOTIFY":
        # The listener's descriptor could not even be handed over: sendmsg(2) would wait for the listener.
        yield ("linux", "seccomp", "defaultAction"), "must not be SCMP_ACT_NOTIFY"
    if seccomp.get("listenerPath", "") != "":
        return
    if seccomp.get("listenerMetadata", "") != "":
        yield ("linux", "seccomp", "listenerMetadata"), "needs listenerPath"
    for index, rule in enumerate(seccomp.get("syscalls", ())):
        if rule["action"] == "SCMP_ACT_NOTIFY":
            yield ("linux", "seccomp", "syscalls", index, "action"), "needs listenerPath"


def memory_policy_has_the_nodes_its_mode_wants(config: dict[str, Any]) -> Iterator[Finding]:
    """Some modes require that there are no nodes, others that there is at least one (set_mempolicy(2))."""
    policy = _linux(config, "memoryPolicy", {})
    mode, nodes = policy.get("mode"), policy.get("nodes", "")
    if mode in _NODELESS_MODES and nodes != "":
        yield ("linux", "memoryPolicy", "nodes"), f"must be empty with {mode}, got {nodes!r}"
    if mode not in (None, _NODES_OPTIONAL_MODE, *_NODELESS_MODES) and nodes == "":
        yield ("linux", "memoryPolicy", "nodes"), f"is missing for {mode}"

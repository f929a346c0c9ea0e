"""features.md and features-linux.md."""

from __future__ import annotations

import json
import os
from typing import Any

import jsonschema
import pytest
from support.bundles import MakeBundle, bind
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]


NAMES = {"type": "array", "items": {"type": "string", "minLength": 1}, "uniqueItems": True}
ENABLED = {
    "type": "object",
    "properties": {"enabled": {"type": "boolean"}},
    "additionalProperties": False,
}
SCHEMATA = {
    "type": "object",
    "properties": {name: {"type": "boolean"} for name in ("enabled", "schemata", "monitoring")},
    "additionalProperties": False,
}
SECCOMP_LISTS = ("actions", "operators", "archs", "knownFlags", "supportedFlags")
VERSION = {"type": "string", "pattern": r"^1\.[0-9]+\.[0-9]+$"}
# The structure of features.md and features-linux.md; nothing beside it, and null nowhere.
FEATURES: dict[str, Any] = {
    "type": "object",
    "required": ["ociVersionMin", "ociVersionMax"],
    "properties": {
        "ociVersionMin": VERSION,
        "ociVersionMax": VERSION,
        "hooks": NAMES,
        "mountOptions": NAMES,
        "annotations": {"type": "object", "additionalProperties": {"type": "string"}},
        "potentiallyUnsafeConfigAnnotations": NAMES,
        "linux": {
            "type": "object",
            "properties": {
                "namespaces": NAMES,
                "capabilities": NAMES,
                "cgroup": {
                    "type": "object",
                    "properties": {
                        name: {"type": "boolean"} for name in ("v1", "v2", "systemd", "systemdUser", "rdma")
                    },
                    "additionalProperties": False,
                },
                "seccomp": {
                    "type": "object",
                    "properties": {
                        "enabled": {"type": "boolean"},
                        **dict.fromkeys(SECCOMP_LISTS, NAMES),
                    },
                    "additionalProperties": False,
                },
                "apparmor": ENABLED,
                "selinux": ENABLED,
                "intelRdt": SCHEMATA,
                "memoryPolicy": {
                    "type": "object",
                    "properties": {"modes": NAMES, "flags": NAMES},
                    "additionalProperties": False,
                },
                "mountExtensions": {
                    "type": "object",
                    "properties": {"idmap": ENABLED},
                    "additionalProperties": False,
                },
                "netDevices": ENABLED,
            },
            "additionalProperties": False,
        },
    },
    "additionalProperties": False,
}


@pytest.fixture
def document(plain_runtime: Runner) -> Any:
    """Return what `krun features` prints; it prints nothing else."""
    result = plain_runtime.ok("features")
    assert result.err == ""
    return json.loads(result.out)


def test_the_structure_is_the_specifications_and_null_is_nowhere(document: Any) -> None:
    """The output MUST NOT have properties beside the structure; null is "unknown", never "none"."""
    jsonschema.validate(document, FEATURES)
    assert "null" not in json.dumps(document)


@pytest.mark.parametrize("key", ["ociVersionMin", "ociVersionMax"])
def test_the_minimal_and_the_maximal_version_are_run(
    plain_runtime: Runner, bundle: MakeBundle, document: Any, key: str
) -> None:
    """The runtime MUST accept both as ociVersion; the minimum is not above the maximum."""
    low, high = (tuple(map(int, document[f"ociVersion{end}"].split("."))) for end in ("Min", "Max"))
    assert low <= high
    made = bundle(["echo", "on"], change=lambda config: config.update(ociVersion=document[key]))
    assert plain_runtime.ok("run", "--bundle", made, "c").out == "on\n"


def test_every_namespace_of_the_list_is_made(
    plain_runtime: Runner, bundle: MakeBundle, document: Any
) -> None:
    """linux.namespaces: the recognized names."""
    listed = document["linux"]["namespaces"]
    kinds = {"mount": "mnt", "network": "net"}

    def all_of_them(config: dict[str, Any]) -> None:
        linux = config["linux"]
        linux["namespaces"] = [{"type": name} for name in listed]
        linux["uidMappings"] = linux["gidMappings"] = [{"containerID": 0, "hostID": 0, "size": 65536}]

    plain_runtime.ok("create", "--bundle", bundle(["sleep", "600"], change=all_of_them), "c")
    pid = plain_runtime.state("c")["pid"]
    for name in listed:
        kind = kinds.get(name, name)
        assert os.readlink(f"/proc/{pid}/ns/{kind}") != os.readlink(f"/proc/self/ns/{kind}"), name
    plain_runtime.ok("delete", "--force", "c")


def test_every_hook_of_the_list_is_run(
    plain_runtime: Runner, bundle: MakeBundle, document: Any, tmp_path: Any
) -> None:
    """hooks: the recognized names."""
    notes = tmp_path / "notes"
    notes.mkdir()
    mount = bind(notes, str(notes))
    hooks = {
        point: [{"path": "/bin/sh", "args": ["sh", "-c", f"echo >{notes}/{point}"], "env": ["PATH=/bin"]}]
        for point in document["hooks"]
    }
    plain_runtime.ok("run", "--bundle", bundle(["true"], hooks=hooks, mounts=[mount]), "c")
    assert sorted(path.name for path in notes.iterdir()) == sorted(document["hooks"])


def test_every_capability_of_the_list_is_known(
    plain_runtime: Runner, bundle: MakeBundle, document: Any, tmp_path: Any
) -> None:
    """linux.capabilities: no warning says that a name is unknown; what the host lacks is another matter."""
    log = tmp_path / "log"
    capabilities = document["linux"]["capabilities"]
    assert len(capabilities) == len(set(capabilities)) >= 41
    made = bundle(["true"], capabilities=capabilities)
    plain_runtime.ok("--log", log, "--log-level", "warning", "run", "--bundle", made, "c")
    assert "CAP_NO_SUCH" not in log.read_text()
    made.config["process"]["capabilities"]["bounding"].append("CAP_NO_SUCH")
    made.write()
    plain_runtime.ok("--log", log, "--log-level", "warning", "run", "--bundle", made, "c")
    assert "CAP_NO_SUCH" in log.read_text()

"""The configurations that real clients wrote, made fit for this machine: their paths lead to things here.

What a configuration asks for stays as the client wrote it; only what names something of the client's host is
replaced: the root file system, sources of bind mounts, namespaces to join, hooks and the cgroup.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import busybox

from support.bundles import Bundle
from support.runner import Runner

CONFIGS = Path(__file__).resolve().parent.parent / "data" / "configs"
NAMES = sorted(path.name.removesuffix(".config.json") for path in CONFIGS.glob("*.config.json"))
REFUSED = {
    "docker-run-noent": 'exec: "/nonexistent": stat /nonexistent: no such file or directory',
    "docker-run-noexec": 'exec: "/etc/passwd": permission denied',
    "podman-run-noent": 'exec: "/nonexistent": stat /nonexistent: no such file or directory',
}
"""Those whose program cannot run, with what clients look for in the error."""

# What the images had that busybox has not.
PROGRAMS = {"pause": "exec sleep 60", "podman-init": '[ "$1" != -- ] || shift; exec "$@"'}
NAMESPACE_FILES = {"network": "net", "pid": "pid_for_children"}


@contextmanager
def namespaces() -> Iterator[int]:
    """Hold namespaces for containers to join; gives the pid of their holder."""
    inner = "sleep 600 >/dev/null & echo; read line; kill $!"
    command = ["unshare", "--net", "--ipc", "--uts", "--pid", "sh", "-c", inner]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        yield holder.pid
        holder.communicate()


def make_client_bundle(folder: Path, name: str, cgroups_path: str, holder: int) -> Bundle:
    """Make the bundle of a client's configuration in a directory that everybody may enter.

    holder: a process in the namespaces that are joined.
    """
    document = json.loads((CONFIGS / f"{name}.config.json").read_text())
    root = busybox.make_tree(folder / "rootfs")
    _write_program(root / "pause")
    document["root"]["path"] = "rootfs"
    linux = document["linux"]
    linux["cgroupsPath"] = cgroups_path
    # One processor is enough for every configuration, and all that the small kernel has.
    linux.get("resources", {}).get("cpu", {}).pop("cpus", None)
    for namespace in linux["namespaces"]:
        if "path" in namespace:
            file = NAMESPACE_FILES.get(namespace["type"], namespace["type"])
            namespace["path"] = f"/proc/{holder}/ns/{file}"
    for number, mount in enumerate(document["mounts"]):
        if {"bind", "rbind"} & set(mount.get("options", ())):
            mount["source"] = str(_make_source(folder / f"source{number}", mount["destination"]))
    for hooks in document.get("hooks", {}).values():
        for hook in hooks:
            hook["path"] = "/bin/true"
    _give_to_root_of(linux, root)
    return Bundle(folder, document)


def _give_to_root_of(linux: dict[str, Any], root: Path) -> None:
    """Let the root file system belong to root of the user namespace, as clients see to."""
    owner, group = (
        next((ids["hostID"] for ids in linux.get(key, ()) if ids["containerID"] == 0), 0)
        for key in ("uidMappings", "gidMappings")
    )
    if owner or group:
        for path in (root, *root.rglob("*")):
            os.chown(path, owner, group, follow_symlinks=False)


def _make_source(path: Path, destination: str) -> Path:
    """Make what a bind mount has for a source: a directory, a file, or a program."""
    name = Path(destination).name
    if name in PROGRAMS:
        return _write_program(path.with_name(name))
    if destination.startswith(("/etc/", "/run/.")):
        path.touch(mode=0o644)
    else:
        path.mkdir(mode=0o755)
    return path


def _write_program(path: Path) -> Path:
    path.write_text(f"#!/bin/sh\n{PROGRAMS[path.name]}\n")
    path.chmod(0o755)
    return path


def live(runner: Runner, bundle: Bundle, name: str) -> None:
    """Assert that a client's configuration is created, started and deleted, or refused for its program."""
    with socket.socket(socket.AF_UNIX) as listener:
        words = ["create", "--bundle", str(bundle)]
        if bundle.config["process"].get("terminal", False):
            address = bundle.path / "console"
            listener.bind(str(address))
            listener.listen()
            words += ["--console-socket", str(address)]
        if name in REFUSED:
            assert REFUSED[name] in runner.refused(*words, "c")
            return
        runner.ok(*words, "c")
        state = runner.state("c")
        assert (state["status"], state["bundle"]) == ("created", str(bundle.path))
        assert state.get("annotations", {}) == bundle.config.get("annotations", {})
        runner.ok("start", "c")
        runner.ok("delete", "--force", "c")

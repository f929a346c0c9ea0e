"""config.md: the version, annotations, extensibility and valid values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.bundles import MakeBundle
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]


def run(runner: Runner, bundle: MakeBundle, change: Callable[[dict[str, Any]], None]) -> str:
    """Run a container with a changed configuration and return what it prints."""
    return runner.ok("run", "--bundle", bundle(["echo", "on"], change=change), "c").out


def test_an_unknown_annotation_is_no_error(plain_runtime: Runner, bundle: MakeBundle) -> None:
    """Readers MUST NOT generate an error for an annotation key that they do not know; values may be empty."""
    annotations = {"org.example.unknown": "", "run.oci.handler": "wasm", "no dots": "\u00e9\n"}
    assert run(plain_runtime, bundle, lambda config: config.update(annotations=annotations)) == "on\n"


def test_an_unknown_property_is_ignored_wherever_it_stands(plain_runtime: Runner, bundle: MakeBundle) -> None:
    """config.md#extensibility: unknown properties MUST be ignored."""

    def extend(config: dict[str, Any]) -> None:
        process, linux = config["process"], config["linux"]
        for part in (config, process, process["user"], config["root"], config["mounts"][0], linux):
            part["org.example.future"] = {"nested": [None, 1]}

    assert run(plain_runtime, bundle, extend) == "on\n"


@pytest.mark.parametrize(
    "version", ["1.0.0-rc5", "1.0.0", "1.0.2-dev", "1.1.0-rc.3", "1.2.0+dev", "1.2.1", "1.3.0"]
)
def test_every_version_up_to_the_own_is_run(plain_runtime: Runner, bundle: MakeBundle, version: str) -> None:
    """The runtime MUST accept configurations of the versions that it supports, pre-releases included."""
    assert run(plain_runtime, bundle, lambda config: config.update(ociVersion=version)) == "on\n"


@pytest.mark.parametrize("version", ["2.0.0", "0.9.0", "1.0", "v1.0.0", "1.0.0-", "invalid", ""])
def test_what_is_no_supported_version_is_an_error(
    plain_runtime: Runner, bundle: MakeBundle, version: str
) -> None:
    """ociVersion MUST be in SemVer form, and an unsupported one MUST be an error."""
    made = bundle(["true"], change=lambda config: config.update(ociVersion=version))
    assert plain_runtime.refused("create", "--bundle", made, "c").startswith("krun: $.ociVersion: ")

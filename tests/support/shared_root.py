"""krun with one container, whose root file system is that of others: making one takes long in some machines.

Out of scope: the machines (conformance/machines).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from support.bundles import Bundle, make_config
from support.runner import Result, Runner

TIMEOUT_S = 300.0  # an emulated processor is slow
_numbers = itertools.count()


class Krun(Runner):
    """krun with fixed global options, and one container that sleeps unless its configuration is changed."""

    def __init__(self, program: Path, root: Path, folder: Path, rootfs: Path, **options: Any) -> None:
        """Use Runner's `program`, `root` and `options`.

        folder: where the bundle and the payload's streams go.  rootfs: the root file system that is shared.
        """
        self.id = f"c{next(_numbers)}"
        super().__init__(program, root, folder / f"streams-{self.id}", **options)
        self.bundle = Bundle(folder, make_config(["sleep", "600"]))
        self.bundle.config["root"]["path"] = str(rootfs)

    def __call__(self, *args: Any, **options: Any) -> Result:
        """Run krun and wait for it, for as long as a slow machine takes."""
        return super().__call__(*args, **{"timeout_s": TIMEOUT_S, **options})

    def create(self, cgroups_path: str, resources: Mapping[str, Any] | None = None) -> Result:
        """Create the container."""
        self.bundle.config["linux"] |= {"resources": dict(resources or {}), "cgroupsPath": cgroups_path}
        self.bundle.write()
        return self("create", "--bundle", self.bundle, self.id)

    def pid(self) -> int:
        """Return the pid of init."""
        return int(self.state(self.id)["pid"])

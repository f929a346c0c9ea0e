"""A containerd of one's own, in namespaces of its own, for its client `ctr`.

Nothing of a former run is left when one begins: sockets and states lie in the private /run, and the data goes
with the bed.  Out of scope: images (`ctr run --rootfs` takes a directory) and the plugin for Kubernetes.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import busybox
from namespaces import Namespaces, environment

CONFIGURATION = """\
version = 2
root = "{folder}/containerd-root"
state = "/run/containerd"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "/run/containerd/containerd.sock"
"""


class ContainerdBed(Namespaces):
    """One containerd in one folder, with a root file system for containers."""

    @property
    def rootfs(self) -> Path:
        """The root file system of busybox that containers share."""
        return self.folder / "rootfs"

    def _furnish(self) -> None:
        if not self.rootfs.exists():
            busybox.make_tree(self.rootfs)
        configuration = self.run / "containerd.toml"
        configuration.write_text(CONFIGURATION.format(folder=self.folder))
        self.start_daemon(["containerd", "--config", str(configuration)])

    def down(self) -> None:
        """End everything inside, and remove the daemon's data."""
        super().down()
        self.remove_data("containerd-root")

    def ctr_command(self, *args: str) -> list[str]:
        """Return the command line of `ctr` for `args`."""
        return self._inside(["ctr", *args])

    def ctr(self, *args: str, **options: Any) -> subprocess.CompletedProcess[Any]:
        """Run ctr; `options` are subprocess.run's."""
        options.setdefault("env", environment(TMPDIR=os.environ.get("TMPDIR", "/tmp")))
        return subprocess.run(self.ctr_command(*args), check=False, **options)

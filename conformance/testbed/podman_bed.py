"""podman and buildah with storage, networks and state of their own, in namespaces of their own.

As root, or as a plain user who exists in the bed alone: with subordinate ids and a home, and, because nobody
may count on the host's /dev/kvm, with a node of that device that everybody can open.  The host's users, nodes
and storage are not touched: all of that is mounted over, in the bed's mount namespace.

Out of scope: systemd's cgroup driver, networks of plain users.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import busybox
from namespaces import Namespaces, TestbedError, environment


class User(NamedTuple):
    """A plain user of a bed."""

    name: str
    uid: int
    first_sub_id: int
    sub_ids: int = 65536

    @property
    def home(self) -> str:
        """A directory in the bed's private /run."""
        return f"/run/home/{self.name}"

    @property
    def runtime_dir(self) -> str:
        """$XDG_RUNTIME_DIR."""
        return f"/run/user/{self.uid}"


CONTAINERS = """\
[containers]
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
[engine.runtimes]
{runtimes}
[network]
network_backend = "cni"
cni_plugin_dirs = ["/usr/lib/cni"]
network_config_dir = "{network}"
"""
# What podman starts when a container ends knows the place of the storage, but not of `static_dir`: that has
# to stay below graphroot, where it is by default.
STORAGE = """\
[storage]
driver = "{driver}"
graphroot = "{graph}"
runroot = "{run}"
"""
# For `--userns=auto` of root, podman takes ids from those of this user.
AUTO_USER = "containers:2000000:1000000\n"
# A plain user cannot walk to every folder of root's: what is needed of them is mounted below /run.
FURNISH = """
umask 022
mkdir -p /run/home /run/user
while read -r name path; do
	mkdir -p "/run/bed/$name"
	mount --bind "$path" "/run/bed/$name"
done <<END
$VISIBLE
END
for file in passwd group subuid subgid; do
	{ cat "/etc/$file" 2>/dev/null || :; cat "$ETC/$file.more"; } >"$ETC/$file"
	[ -e "/etc/$file" ] && mount --bind "$ETC/$file" "/etc/$file"
done
if [ -n "$PLAIN_USER" ]; then
	# A tmpfs because the folder's file system may be mounted without devices.
	mkdir -p /run/nodes
	mount -t tmpfs -o mode=755 nodes /run/nodes
	if [ -e /dev/kvm ]; then
		mknod -m 666 /run/nodes/kvm c 10 232
		mount --bind /run/nodes/kvm /dev/kvm
	fi
	mkdir -p "$PLAIN_HOME" "$PLAIN_RUN"
	chmod 700 "$PLAIN_HOME" "$PLAIN_RUN"
	chown "$PLAIN_USER:$PLAIN_USER" "$PLAIN_HOME" "$PLAIN_RUN"
fi
"""


class PodmanBed(Namespaces):
    """podman and buildah in one folder, for root or for a plain user."""

    def __init__(
        self,
        folder: Path,
        *,
        runtimes: Mapping[str, Path],
        visible: Mapping[str, Path] | None = None,
        user: User | None = None,
    ) -> None:
        """Describe a bed; nothing is started.

        runtimes: name and path, as it is inside, of the runtimes that containers can be run with.
        visible: directories of the host that are seen inside as /run/bed/NAME.
        user: the plain user who calls podman; root without one.
        """
        super().__init__(folder)
        self.runtimes = dict(runtimes)
        self.visible = dict(visible or {})
        self.user = user
        self.settings = folder / "settings"

    @property
    def home(self) -> str:
        """The caller's home directory."""
        return self.user.home if self.user else "/root"

    def _furnish(self) -> None:
        etc = self.folder / "etc"
        for path in (etc, self.settings):
            path.mkdir(exist_ok=True)
        user = self.user
        lines = {
            "passwd": f"{user.name}:x:{user.uid}:{user.uid}::{user.home}:/bin/sh\n" if user else "",
            "group": f"{user.name}:x:{user.uid}:\n" if user else "",
            "subuid": f"{user.name}:{user.first_sub_id}:{user.sub_ids}\n" if user else AUTO_USER,
        }
        lines["subgid"] = lines["subuid"]
        for name, text in lines.items():
            (etc / f"{name}.more").write_text(text)
        graph = f"{user.home}/storage" if user else f"{self.folder}/storage"
        run = f"{user.runtime_dir}/storage" if user else "/run/podman-storage"
        network = f"{user.home}/networks" if user else f"{self.folder}/networks"
        driver = "vfs" if user else "overlay"
        runtimes = "".join(f'{name} = ["{path}"]\n' for name, path in self.runtimes.items())
        (self.settings / "containers.conf").write_text(CONTAINERS.format(runtimes=runtimes, network=network))
        (self.settings / "storage.conf").write_text(STORAGE.format(driver=driver, graph=graph, run=run))
        visible = {"settings": self.settings, **self.visible}
        variables = {
            "ETC": str(etc),
            "PLAIN_USER": "",
            "PLAIN_HOME": "",
            "PLAIN_RUN": "",
            "VISIBLE": "\n".join(f"{name} {path}" for name, path in visible.items()),
        }
        if user:
            variables |= {"PLAIN_HOME": user.home, "PLAIN_RUN": user.runtime_dir, "PLAIN_USER": str(user.uid)}
        self.script(FURNISH, **variables)

    def down(self) -> None:
        """End everything inside, and remove the storage."""
        super().down()
        self.remove_data("storage", "networks")

    def variables(self) -> dict[str, str]:
        """Return the environment of podman and buildah."""
        own = {
            "CONTAINERS_CONF": "/run/bed/settings/containers.conf",
            "CONTAINERS_STORAGE_CONF": "/run/bed/settings/storage.conf",
            "HOME": self.home,
        }
        if self.user:
            own |= {"USER": self.user.name, "XDG_RUNTIME_DIR": self.user.runtime_dir}
        return environment(**own)

    def command(self, *words: str) -> list[str]:
        """Return the command line that runs `words` inside as the bed's user; it wants `variables`."""
        if self.user is None:
            return self._inside(words)
        drop = ["setpriv", "--reuid", str(self.user.uid), "--regid", str(self.user.uid), "--init-groups"]
        return self._inside([*drop, "env", "--chdir", self.user.home, *words])

    def call(self, *words: str, **options: Any) -> subprocess.CompletedProcess[Any]:
        """Run a command inside as the bed's user; `options` are subprocess.run's."""
        options.setdefault("env", self.variables())
        return subprocess.run(self.command(*words), check=False, **options)

    def import_busybox(self, name: str) -> None:
        """Make Debian's static busybox an image.  Raises TestbedError with podman's words."""
        tree = self.folder / "busybox"
        shutil.rmtree(tree, ignore_errors=True)
        busybox.make_tree(tree)
        shutil.make_archive(str(self.settings / "busybox"), "tar", tree)
        words = ("import", "--quiet", "/run/bed/settings/busybox.tar", name)
        done = self.call("podman", *words, capture_output=True, text=True)
        if done.returncode != 0:
            raise TestbedError(f"podman import {name}: {done.stderr.strip()}")

"""What hooks note, for a test to read: who came when, with which state, environment, arguments, namespaces.

Out of scope: running them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from support.bundles import bind

NAMESPACES = ("mnt", "pid", "uts", "ipc", "net")


class Diary:
    """A directory, `/diary` in the container too, in which hooks note what they see."""

    def __init__(self, folder: Path) -> None:
        """Make it."""
        self.path = folder / "diary"
        self.path.mkdir()
        self.mount = bind(self.path, "/diary")

    def hook(self, point: str, name: str = "", *, then: str = "") -> dict[str, Any]:
        """Return a hook that notes its name, its state, environment and namespaces; `then` is run last."""
        folder = "/diary" if point == "startContainer" else str(self.path)
        name = name or point
        script = (
            f"echo {name} >>{folder}/order; cat >{folder}/{name}.state; env >{folder}/{name}.env; "
            f"for n in {' '.join(NAMESPACES)}; do readlink /proc/self/ns/$n; done >{folder}/{name}.ns; "
            f'printf "%s|" "$0" "$@" >{folder}/{name}.args; {then}'
        )
        return {
            "path": "/bin/sh",
            "args": ["sh", "-c", script, "my name", "two  words", "", "$HOOK\n"],
            "env": [f"HOOK={name}", "PATH=/usr/bin:/bin"],
        }

    @property
    def order(self) -> list[str]:
        """The names of the hooks that ran."""
        path = self.path / "order"
        return path.read_text().split() if path.exists() else []

    def state(self, name: str) -> dict[str, Any]:
        """Return the state that a hook was given."""
        state: dict[str, Any] = json.loads((self.path / f"{name}.state").read_text())
        return state

    def namespaces(self, name: str) -> dict[str, str]:
        """Return the namespaces that a hook was in."""
        return dict(zip(NAMESPACES, (self.path / f"{name}.ns").read_text().split(), strict=True))

    def environment(self, name: str) -> set[str]:
        """Return a hook's environment, without what its shell adds."""
        lines = (self.path / f"{name}.env").read_text().splitlines()
        return {line for line in lines if line.partition("=")[0] not in ("PWD", "_", "SHLVL", "OLDPWD")}

    def args(self, name: str) -> list[str]:
        """Return what a hook's script was given."""
        return (self.path / f"{name}.args").read_text().split("|")[:-1]

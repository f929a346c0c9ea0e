"""A named pipe in the container: reading from it waits until the payload says something."""

from __future__ import annotations

import os
from pathlib import Path

from support.bundles import bind


class Gate:
    """A named pipe in the container, `/gate`."""

    def __init__(self, folder: Path) -> None:
        """Make the pipe."""
        self.path = folder / "gate"
        os.mkfifo(self.path)
        self.mount = bind(self.path, "/gate")

    def read(self) -> str:
        """Wait for what the payload writes until it closes the pipe."""
        return self.path.read_text().strip()

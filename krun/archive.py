"""All of krun's modules from one file: their compiled code, found by a table instead of by the file system.

The import system looks for each module in folders, compares times and reads a file of its own: a dozen system
calls for each of the eighty modules of a `krun create`.  The build writes their code into one archive for the
Python that it runs with, and the launcher installs this finder before it imports anything of krun.  Without
an archive for the Python that runs, everything is imported from the modules' own files.

The archive is two marshalled objects, this module's code and the table, and behind them the code of each
module; see csrc/cmake/archive_modules.py, which writes it.

Out of scope: extension modules and other packages, which the import system goes on to find as ever.
"""

from __future__ import annotations

import marshal
import posix
import sys
from _frozen_importlib import ModuleSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType
    from typing import BinaryIO


class Archive:
    """A finder and loader for `sys.meta_path`."""

    def __init__(self, path: str, folder: str, start: int, table: Mapping[str, tuple[str, int, int]]) -> None:
        """Serve the modules of `table` from the file at `path`.

        folder: what the package lies in.
        start: where the first module's code begins, in bytes.
        table: for each module's name its source file, relative to `folder`, and where its code begins,
            from `start`, and how long it is, in bytes.
        """
        self.path, self.folder, self.start, self.table = path, folder, start, table

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 - the import system's signature, as below
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Return where a module comes from, None for one that is not in the archive."""
        entry = self.table.get(fullname)
        if entry is None:
            return None
        source = f"{self.folder}/{entry[0]}"
        is_package = source.endswith("/__init__.py")
        # typeshed asks for a subclass of importlib.abc.Loader, which would have to be imported.
        spec = ModuleSpec(fullname, self, origin=source, is_package=is_package)  # type: ignore[arg-type]
        spec.has_location = True
        if is_package:
            spec.submodule_search_locations = [source.removesuffix("/__init__.py")]
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:  # noqa: ARG002
        """Leave it to the import system to make the module."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Run a module's code.

        The file is opened anew: left open, it would stand among the descriptors that the caller hands on.
        """
        _, offset, size = self.table[module.__name__]
        file = posix.open(self.path, posix.O_RDONLY | posix.O_CLOEXEC)
        try:
            code = posix.pread(file, size, self.start + offset)
        finally:
            posix.close(file)
        exec(marshal.loads(code), module.__dict__)  # noqa: S102, S302 - the code of this installation


def install(folder: str, archive: BinaryIO) -> None:
    """Look into an archive, read up to its table, before the import system looks anywhere else."""
    table = marshal.load(archive)  # noqa: S302 - the table of this installation
    sys.meta_path.insert(0, Archive(archive.name, folder, archive.tell(), table))

"""What the launcher has the interpreter run: finds krun's modules, all in one file, then runs the command.

The import system looks for each module in folders, compares times and reads a file of its own: a dozen system
calls for each of the eighty modules of a `krun create`.  The build writes their code into one archive for the
Python that it runs with, and a finder of krun's own looks there first.  Where there is none for the Python
that runs, everything is imported from the modules' own files.

The archive is a marshalled table and behind it the code of each module; csrc/cmake/archive_modules.py writes
it.  Out of scope: extension modules and other packages, which the import system goes on to find as ever.
"""

from __future__ import annotations

import gc
import marshal
import posix
import sys
from _frozen_importlib import ModuleSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType

INTERRUPTED = 130
"""The exit status after Ctrl-C: 128 and the signal, as a shell has it."""


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


def find_modules(folder: str) -> None:
    """Let `import` find krun, which lies in `folder`: in its archive, if there is one for this Python."""
    sys.path.append(folder)
    try:
        with open(f"{folder}/krun/archive.{sys.implementation.cache_tag}", "rb") as file:
            table = marshal.load(file)  # noqa: S302 - the table of this installation
            sys.meta_path.insert(0, Archive(file.name, folder, file.tell(), table))
    except FileNotFoundError:
        return


def run(argv: Sequence[str]) -> int:
    """Run the command line `argv`, without the program's name; return the exit status."""
    from krun.cli import main

    if "interruptible" not in sys._xoptions:
        return main(argv)
    # The launcher holds SIGINT back until there is somebody to take it: during its own start the interpreter
    # answers a Ctrl-C with a traceback.
    import _signal  # type: ignore[import-not-found] # `signal` would import enum

    try:
        _signal.pthread_sigmask(_signal.SIG_UNBLOCK, (_signal.SIGINT,))
        return main(argv)
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    # The collector finds nothing in a process this short, and _exit skips the tear-down of every module; both
    # are measurable in a `krun state`.
    gc.disable()
    find_modules(__file__.rpartition("/krun/")[0])
    posix._exit(run(sys.argv[1:]))

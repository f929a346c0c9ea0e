"""What the launcher has the interpreter run: finds krun's modules, all in one file, then runs the command.

The import system looks for each module in folders, compares times and reads a file of its own: a dozen system
calls for each of the eighty modules of a `krun create`.  The build writes their code into one archive for the
Python that it runs with, and a finder of krun's own looks there first.  Where there is none for the Python
that runs, everything is imported from the modules' own files.

The archive is the size of a marshalled table in 8 bytes, the table, and behind it the code of each module;
csrc/cmake/archive_modules.py writes it.

The interpreter that is linked into the launcher (csrc/launcher/interpreter.c) begins without what most verbs
never need: the import system's own search of folders, the three streams, `open`.  Extension modules lie in
known folders, and are found here without it; whatever else is imported has the interpreter begin wholly.
"""

from __future__ import annotations

import _imp  # importlib.machinery has the same, and much more
import builtins
import gc
import marshal
import posix
import sys
from _frozen_importlib import ModuleSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import ModuleType
    from typing import Any

INTERRUPTED = 130
"""The exit status after Ctrl-C: 128 and the signal, as a shell has it."""


class Archive:
    """A finder and loader for `sys.meta_path`."""

    def __init__(self, file: int, folder: str, start: int, table: Mapping[str, tuple[str, int, int]]) -> None:
        """Serve the modules of `table` from the open descriptor `file`, which is this object's from now on.

        It stays open: where krun is installed anew meanwhile, another archive has its name, and other code
        at these places.  By its being close-on-exec it is told from the descriptors that a caller hands on.

        folder: what the package lies in.
        start: where the first module's code begins, in bytes.
        table: for each module's name its source file, relative to `folder`, and where its code begins,
            from `start`, and how long it is, in bytes.
        """
        self.file, self.folder, self.start, self.table = file, folder, start, table

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
        if is_package:
            spec.submodule_search_locations = [source.removesuffix("/__init__.py")]
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:  # noqa: ARG002
        """Leave it to the import system to make the module."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Run a module's code."""
        source, offset, size = self.table[module.__name__]
        module.__file__ = f"{self.folder}/{source}"
        code = posix.pread(self.file, size, self.start + offset)
        exec(marshal.loads(code), module.__dict__)  # noqa: S102, S302 - the code of this installation


class Extension:
    """A loader of one extension module."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Load the file.  Raises ImportError."""
        module: ModuleType = _imp.create_dynamic(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Initialise what was loaded."""
        _imp.exec_dynamic(module)


class Beginning:
    """The last finder while the interpreter has begun only halfway."""

    def __init__(self, complete: Callable[[], None]) -> None:
        """Find what is not krun's own.

        complete: has the interpreter begin wholly.
        """
        self._complete = complete
        builtins.open = self._open

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where a module comes from, None for one that is nowhere."""
        _, _, name = fullname.rpartition(".")
        for folder in sys.path if path is None else path:
            for suffix in _imp.extension_suffixes():
                try:
                    posix.stat(f"{folder}/{name}{suffix}")
                except FileNotFoundError:
                    continue
                # As in the archive's finder.
                return ModuleSpec(fullname, Extension(), origin=f"{folder}/{name}{suffix}")  # type: ignore[arg-type]
        self.end()
        return sys.meta_path[-1].find_spec(fullname, path, target)

    def end(self) -> None:
        """Have the interpreter begin wholly; its own finder comes last then."""
        sys.meta_path.remove(self)
        folders = sys.path
        self._complete()
        sys.path.extend(folder for folder in folders if folder not in sys.path)

    def _open(self, *args: Any, **options: Any) -> Any:
        self.end()
        return builtins.open(*args, **options)


def find_modules(folder: str) -> None:
    """Let `import` find krun, which lies in `folder`: in its archive, if there is one for this Python."""
    sys.path.append(folder)
    path = f"{folder}/krun/archive.{sys.implementation.cache_tag}"
    try:
        file = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
    except FileNotFoundError:
        return
    size = int.from_bytes(posix.pread(file, 8, 0), "little")
    table = marshal.loads(posix.pread(file, size, 8))  # noqa: S302 - the table of this installation
    sys.meta_path.insert(0, Archive(file, folder, 8 + size, table))


def interrupt_later(unraisable: sys.UnraisableHookArgs) -> None:
    """Have an interrupt come again that came where no exception can go: it is neither lost nor printed."""
    if unraisable.exc_type is KeyboardInterrupt:
        posix.kill(posix.getpid(), 2)
    else:
        sys.__unraisablehook__(unraisable)


def run(argv: Sequence[str]) -> int:
    """Run the command line `argv`, without the program's name; return the exit status."""
    from krun.cli import main

    if "interruptible" not in sys._xoptions:
        return main(argv)
    # The launcher holds SIGINT back until there is somebody to take it: during its own start the interpreter
    # answers a Ctrl-C with a traceback.
    import _signal  # type: ignore[import-not-found] # `signal` would import enum

    try:
        sys.unraisablehook = interrupt_later
        _signal.pthread_sigmask(_signal.SIG_UNBLOCK, (_signal.SIGINT,))
        return main(argv)
    except KeyboardInterrupt:
        return INTERRUPTED


def report(error: Exception) -> int:
    """Write on standard error, in one line, why krun's own code cannot be run; return the exit status."""
    reason = f"{type(error).__name__}: {error}"
    if isinstance(error, OSError):
        from errno import errorcode  # built into the interpreter

        # By its symbol: clients read a meaning into the C library's sentences.
        symbol = errorcode.get(error.errno or 0, str(error.errno))
        reason = f"{error.filename}: {symbol}" if error.filename else symbol
    try:
        posix.write(2, f"krun: its code cannot be loaded: {reason}\n".encode("utf-8", "surrogateescape"))
    except OSError:
        return 1  # nobody listens there; the status says the rest
    return 1


def begin(script: str, argv: Sequence[str]) -> int:
    """Find the modules beside `script`, this one, and run the command line; return the exit status."""
    try:
        find_modules(script.rpartition("/krun/")[0])
        return run(argv)
    except Exception as error:  # noqa: BLE001 - the command itself has an answer to everything that it meets
        return report(error)


if __name__ == "__main__":
    # The collector finds nothing in a process this short, and _exit skips the tear-down of every module; both
    # are measurable in a `krun state`.
    gc.disable()
    if "_krun_interpreter" in sys.builtin_module_names:
        from _krun_interpreter import complete  # type: ignore[import-not-found]

        sys.meta_path.append(Beginning(complete))
    posix._exit(begin(__file__, sys.argv[1:]))

"""The import graph: one direction, no cycle, heavy libraries in one place each."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.sources import REPOSITORY, source_files

# A layer imports layers of a lower rank, or itself; never beside, never above.
RANKS = {
    "errors": 0,
    "log": 0,
    "types": 0,
    "os": 0,
    "sys": 1,
    "spec": 2,
    "host": 2,
    "state": 2,
    "plan": 3,
    "execute": 4,
    "commands": 5,
    "cli": 6,
    "launch": 7,
    "__main__": 7,
}
# errors and log are records and text: they may use `types` and `os`, which use nothing.
BESIDE = {("errors", "types"), ("log", "types"), ("log", "errors"), ("log", "os")}
HEAVY = ("cffi", "jeepney", "jsonschema", "pyroute2", "yaml")


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of the package: its dotted name and its file."""
    for path in source_files(".py"):
        parts = path.relative_to(REPOSITORY).with_suffix("").parts
        if parts[0] == "krun":
            yield ".".join(parts if parts[-1] != "__init__" else parts[:-1]), path


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Every import statement of a file, wherever it stands: its line and the dotted name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            assert node.module is not None
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def layer(module: str) -> str | None:
    """Return the layer of one of krun's modules, None for the package itself and for foreign modules."""
    parts = module.split(".")
    return parts[1] if parts[0] == "krun" and len(parts) > 1 else None


def test_every_module_has_a_layer() -> None:
    """A new part of the package takes a rank before it is imported."""
    assert {layer(name) for name, _ in modules()} - {None} <= set(RANKS)


@pytest.mark.parametrize("name", [name for name, _ in modules() if layer(name)])
def test_imports_point_downwards(name: str) -> None:
    """errors, log, types < sys < spec, host, state < plan < execute < commands < cli."""
    own = layer(name)
    assert own is not None
    wrong = []
    for line, target in imports(dict(modules())[name]):
        other = layer(target)
        if other is None or other not in RANKS or other == own or (own, other) in BESIDE:
            continue
        if RANKS[other] >= RANKS[own]:
            wrong.append(f"{name}:{line} imports {target}")
    assert not wrong


@pytest.mark.parametrize("library", HEAVY)
def test_a_heavy_library_is_imported_in_one_module(library: str) -> None:
    """Each costs milliseconds: one module imports it, and only the verb that needs it imports that module."""
    users = {
        name for name, path in modules() for _, target in imports(path) if target.split(".")[0] == library
    }
    assert len(users) <= 1


def test_the_search_finds_imports() -> None:
    """The graph is not empty by a mistake of the walk."""
    targets = {target for name, path in modules() if layer(name) == "cli" for _, target in imports(path)}
    assert "krun.errors" in targets or any(target.startswith("krun.errors.") for target in targets)

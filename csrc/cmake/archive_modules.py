"""Write the archive of krun's modules: `archive_modules.py PACKAGE ARCHIVE LAUNCH GENERATED=PLACE...`.

It is for the Python that runs this.  PACKAGE is the folder krun; LAUNCH is krun/launch.py compiled, which the
launcher has the interpreter run; GENERATED is a module that the build wrote, PLACE where it will lie, like
`krun/_build.py`.  krun/launch.py says what the archive is, and reads it.  What only readers and type checkers
use would have to be read at each start, and so is left out: docstrings, annotations of functions, imports for
annotations, and with `-X no_debug_ranges`, as the build calls this, the columns of tracebacks.
"""

# ruff: noqa: INP001  # run by the build, imported by nobody

from __future__ import annotations
import __future__

import ast
import marshal
import sys
from importlib.util import MAGIC_NUMBER
from pathlib import Path

UNCHECKED = (1).to_bytes(4, "little") + bytes(8)
"""What follows the magic number in compiled files that are not compared with a source (PEP 552)."""


def module_name(place: str) -> str:
    """Return the dotted name of the module that lies at a place like `krun/sys/__init__.py`."""
    return place.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


class ForRunning(ast.NodeTransformer):
    """Takes out of a module what is not there to be run.  Annotations of classes stay: records read them."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Drop the docstring of what has one."""
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and ast.get_docstring(node) is not None
        ):
            node.body[0:1] = [ast.Pass()]
        return super().generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        """Drop the annotations of a function, and of what is defined in it."""
        node.returns = None
        arguments = node.args
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            argument.annotation = None
        for argument in filter(None, (arguments.vararg, arguments.kwarg)):
            argument.annotation = None
        self.generic_visit(node)
        return node

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        """Drop what `if TYPE_CHECKING:` guards."""
        self.generic_visit(node)
        is_guard = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        return node.orelse if is_guard else node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom | None:
        """Drop the import that postpones annotations: the compiler is told by a flag."""
        return None if node.module == "__future__" else node


def compiled(source: Path, place: str) -> bytes:
    """Return the marshalled code of a module.  Raises SyntaxError."""
    tree = ast.fix_missing_locations(ForRunning().visit(ast.parse(source.read_bytes(), place)))
    flags = __future__.annotations.compiler_flag
    return marshal.dumps(compile(tree, place, "exec", flags, dont_inherit=True, optimize=0))


def main(package: str, archive: str, launch: str, *generated: str) -> None:
    """Compile every module of the package, write the archive and what is run first."""
    folder = Path(package)
    sources = {f"krun/{path.relative_to(folder)}": path for path in sorted(folder.rglob("*.py"))}
    for word in generated:
        path, _, place = word.partition("=")
        sources[place] = Path(path)
    codes = {place: compiled(path, place) for place, path in sources.items()}
    table, offset = {}, 0
    for place, code in codes.items():
        table[module_name(place)] = (place, offset, len(code))
        offset += len(code)
    head = marshal.dumps(table)
    Path(archive).write_bytes(len(head).to_bytes(8, "little") + head + b"".join(codes.values()))
    Path(launch).write_bytes(MAGIC_NUMBER + UNCHECKED + codes["krun/launch.py"])


if __name__ == "__main__":
    main(*sys.argv[1:])

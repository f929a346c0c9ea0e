"""The project's own files, found by walking: a source distribution has no git.

Out of scope: what stands in them.
"""

from __future__ import annotations

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
NOT_OURS = frozenset({".git", ".venv", "venv", "build", "dist", "bundle", "__pycache__", ".hypothesis"})


def source_files(*suffixes: str) -> list[Path]:
    """Return the project's files whose names end in one of `suffixes`, or all of them, sorted."""
    found: list[Path] = []
    for folder, names, files in os.walk(REPOSITORY):
        names[:] = [
            name for name in names if name not in NOT_OURS and not name.endswith(("_cache", ".egg-info"))
        ]
        found += [
            Path(folder) / name
            for name in files
            if name not in NOT_OURS and (not suffixes or name.endswith(suffixes))
        ]
    return sorted(path for path in found if path.is_file() and not path.is_symlink())


def shell_scripts() -> list[Path]:
    """Return the project's shell scripts: by their first line, since not all have a suffix."""
    scripts = []
    for path in source_files():
        with path.open("rb") as file:
            first = file.readline(100)
        if first.startswith(b"#!") and first.split()[-1].rpartition(b"/")[2] in (b"sh", b"bash"):
            scripts.append(path)
    return scripts

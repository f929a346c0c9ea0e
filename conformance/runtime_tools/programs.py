"""Obtains the validation programs: builds them with Go, from the modules that go.mod and go.sum pin.

Out of scope: running them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent
MODULE = "github.com/opencontainers/runtime-tools"
# What a validation program expects in its working directory, beside itself.
COMPANIONS = ("runtimetest", "oci-runtime-tool", "rootfs-amd64.tar.gz")
GO_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/local/go/bin"
DOWNLOAD_S = 120.0
BUILD_S = 600.0


class BuildError(Exception):
    """The programs cannot be had, in one line; what go said may follow."""


def default_cache() -> Path:
    """Return the folder for what was built: $XDG_CACHE_HOME/krun-runtime-tools, or below ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "krun-runtime-tools"


def download() -> str:
    """Fetch the modules into Go's own cache and return the folder of runtime-tools' sources.

    Raises BuildError: there is no go, or the module proxy does not answer.
    """
    _go(["mod", "download"], DOWNLOAD_S)
    return _go(["list", "-m", "-f", "{{.Dir}}", MODULE], DOWNLOAD_S).strip()


def obtain(cache: Path) -> list[str]:
    """Build whatever `cache` lacks; return the names of the validation programs in it, sorted.

    The cache holds COMPANIONS and the folder `validation`.  It is built anew when go.mod or go.sum changed.
    Raises BuildError.
    """
    wanted = (HERE / "go.mod").read_text() + (HERE / "go.sum").read_text()
    stamp = cache / "built-from"
    if not (stamp.exists() and stamp.read_text() == wanted):
        sources = Path(download())
        shutil.rmtree(cache, ignore_errors=True)
        (cache / "validation").mkdir(parents=True)
        # -s -w: without symbols, a third of the size.
        build = ["build", "-trimpath", "-ldflags=-s -w", "-o"]
        _go([*build, f"{cache}/validation/", f"{MODULE}/validation/..."], BUILD_S)
        _go([*build, f"{cache}/", f"{MODULE}/cmd/runtimetest", f"{MODULE}/cmd/oci-runtime-tool"], BUILD_S)
        shutil.copyfile(sources / "rootfs-amd64.tar.gz", cache / "rootfs-amd64.tar.gz")
        stamp.write_text(wanted)
    return sorted(path.name for path in (cache / "validation").iterdir())


def _environment() -> Mapping[str, str]:
    # runtimetest runs in containers that have no libraries: it has to be static.
    return {
        **os.environ,
        "PATH": GO_PATH,
        "CGO_ENABLED": "0",
        "GOFLAGS": "-mod=readonly",
        "GOTOOLCHAIN": "local",
    }


def _go(arguments: list[str], timeout_s: float) -> str:
    go = shutil.which("go", path=GO_PATH)
    if go is None:
        raise BuildError("go not found; apt-get install golang-go, or Go's own archive in /usr/local/go")
    command = [go, *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=HERE,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BuildError(f"go {' '.join(arguments[:2])} did not end within {timeout_s:.0f} s") from None
    if done.returncode != 0:
        said = "\n".join(done.stderr.strip().splitlines()[-20:])
        raise BuildError(f"go {' '.join(arguments[:2])} failed with status {done.returncode}\n{said}")
    return done.stdout

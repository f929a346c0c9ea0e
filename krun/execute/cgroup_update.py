"""Changing the limits of a container that runs: all of them, or none.

Out of scope: which values (`krun.plan.update`) and how one is written (`cgroup_settings`).
"""

from __future__ import annotations

from krun.errors import KrunError
from krun.execute.cgroup_files import write_file
from krun.execute.cgroup_settings import write_settings
from krun.sys.cgroups import UNIFIED
from krun.sys.files import read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from krun.plan.resources import Setting


def update(
    settings: Sequence[Setting], paths: Mapping[str, str], afterwards: Callable[[], object] = bool
) -> None:
    """Write the limits into the directories `paths`, by v1 controller or UNIFIED, then call `afterwards`.

    When one is refused, or `afterwards` raises, those that were written get their old values back.
    Raises Unsupported with the property's JSON path.
    """
    before = _read_all(settings, paths)
    try:
        write_settings(settings, paths)
        afterwards()
    except BaseException as error:
        failed = _put_back(before)
        if failed and isinstance(error, KrunError):
            error.while_undoing(failed)
        raise


def _read_all(settings: Sequence[Setting], paths: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the file of every setting, and of what stands in for it, with the value that it has."""
    found: list[tuple[str, str]] = []
    for setting in settings:
        directory = paths.get(setting.controller) or paths.get(UNIFIED)
        alternative: Setting | None = setting
        while directory is not None and alternative is not None:
            path = f"{directory}/{alternative.file}"
            text = _read(path)
            if alternative.file == "cpu.idle":
                found += _weight(directory)
            if text is not None:
                found.append((path, old_value(alternative, text)))
            alternative = alternative.otherwise
    return found


def _weight(directory: str) -> list[tuple[str, str]]:
    """Return the weight of a CPU group, which is the default one after it was idle."""
    files = (f"{directory}/{name}" for name in ("cpu.shares", "cpu.weight"))
    return [(path, text.strip()) for path in files if (text := _read(path)) is not None]


def _read(path: str) -> str | None:
    """Return the content; None where there is nothing to read: then writing will say what is wrong."""
    try:
        return read_text(path)
    except OSError:
        return None


def _put_back(before: Sequence[tuple[str, str]]) -> str:
    """Write the old values in reverse order, and once more those that another stood in the way of."""
    failed = [(path, value) for path, value in reversed(before) if not _write(path, value)]
    failed = [(path, value) for path, value in failed if not _write(path, value)]
    return ", ".join(f"write {value!r} to {path}" for path, value in failed)


def _write(path: str, value: str) -> bool:
    try:
        if read_text(path).strip() != value:
            write_file(path, value)
    except OSError:
        return False
    return True


def old_value(setting: Setting, text: str) -> str:
    """Return what has to be written to `setting.file`, whose content is `text`, to have it as it is.

    Files with one line for each device take one line for one device: that of the setting, or what the kernel
    takes for a device without one.
    """
    key, _, _ = setting.value.partition(" ")
    is_keyed = ":" in key or key == "default" or setting.file == "rdma.max"
    if not is_keyed:
        return text.strip()
    for line in text.splitlines():
        if line.split(" ", 1)[0] == key:
            return line
    if setting.file == "io.max":
        return f"{key} rbps=max wbps=max riops=max wiops=max"
    if setting.file == "rdma.max":
        return f"{key} hca_handle=max hca_object=max"
    return f"{key} default" if setting.file.startswith("io.") else f"{key} 0"

"""Writing the limits and the v1 device rules of a plan, and saying which property a refusal is about.

Out of scope: which values there are to write (`krun.plan.resources`, `krun.plan.device_rules`).
"""

from __future__ import annotations

import errno

from krun.errors import Unsupported, symbol
from krun.execute.cgroup_files import write_file
from krun.sys.cgroups import UNIFIED
from krun.sys.files import read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from krun.plan.resources import Setting


def write_settings(settings: Iterable[Setting], paths: Mapping[str, str]) -> None:
    """Write the limits into the directories `paths`, by v1 controller or UNIFIED.

    The kernel checks some values against each other (a limit against that of memory+swap, a quota against its
    period).  A cgroup with older limits may so want another order: what it finds wrong beside the others is
    written once more after them.
    Raises Unsupported with the property's JSON path.
    """
    wrong = []
    for setting in settings:
        try:
            _write(setting, _directory(setting, paths))
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise _refusal(setting, paths, error) from None
            wrong.append(setting)
    for setting in wrong:
        try:
            _write(setting, _directory(setting, paths))
        except OSError as error:
            raise _refusal(setting, paths, error) from None


def write_device_lines(lines: Iterable[tuple[str, str]], directory: str) -> None:
    """Write lines into the files of a v1 device cgroup, in order.  Raises Unsupported."""
    for file, line in lines:
        try:
            write_file(f"{directory}/{file}", line)
        except OSError as error:
            message = f"cannot write {line!r} to {directory}/{file}: {symbol(error)}"
            raise Unsupported("$.linux.resources.devices", message) from None


def _directory(setting: Setting, paths: Mapping[str, str]) -> str:
    directory = paths.get(setting.controller) or paths.get(UNIFIED)
    if directory is None:
        raise Unsupported(setting.path, "the container has no such cgroup: the caller may not make one")
    return directory


def _write(setting: Setting, directory: str) -> None:
    if setting.usage != "":
        usage = int(read_text(f"{directory}/{setting.usage}"))
        if int(setting.value) < usage:
            raise Unsupported(setting.path, f"{setting.value} is below the current usage, {usage}")
    try:
        path, value = f"{directory}/{setting.file}", setting.value
        if setting.keeps_first:
            value = f"{read_text(path).split(maxsplit=1)[0]} {value}"
        write_file(path, value)
    except FileNotFoundError:
        if setting.otherwise is not None:
            _write(setting.otherwise, directory)
        elif not setting.optional:
            raise


def _refusal(setting: Setting, paths: Mapping[str, str], error: OSError) -> Unsupported:
    file = f"{_directory(setting, paths)}/{setting.file}"
    if error.errno == errno.ENOENT:
        return Unsupported(setting.path, f"this kernel, or the cgroup above, does not offer {file}")
    return Unsupported(setting.path, f"cannot write {setting.value!r} to {file}: {symbol(error)}")

"""The host's own configuration, /etc/krun/config.yaml: what its administrator decided for every container.

    monitor: none        # builtin (default) or none

Only the administrator can choose the monitor, here or by the global option; no image, annotation or
environment variable can.
"""

from __future__ import annotations

from krun.errors import KrunError
from krun.sys.files import read_document

PATH = "/etc/krun/config.yaml"
MONITORS = ("builtin", "none")


def configured_monitor(path: str = PATH) -> str:
    """Return the monitor for containers whose caller names none.

    Raises KrunError naming the file when it is not understood: a mistake must not weaken a decision.
    """
    try:
        data = read_document(path)
    except FileNotFoundError:
        return MONITORS[0]
    except OSError as error:
        raise KrunError(f"{path}: cannot be read by this user") from error
    from krun.sys.yaml import YamlError, load_yaml  # heavy, and most hosts have no such file

    try:
        document = load_yaml(data)
    except YamlError as error:
        raise KrunError(f"{path}: {error}") from error
    if document is None:
        return MONITORS[0]
    if not isinstance(document, dict):
        raise KrunError(f"{path}: must be a mapping")
    unknown = sorted(str(key) for key in document if key != "monitor")
    if unknown:
        raise KrunError(f"{path}: {unknown[0]}: unknown setting")
    monitor = document.get("monitor", MONITORS[0])
    if monitor not in MONITORS:
        raise KrunError(f"{path}: monitor: {monitor!r} is none of {', '.join(MONITORS)}")
    return str(monitor)

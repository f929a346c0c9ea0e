"""The socket by which the payload says that it is ready (sd_notify(3)), as runc hands it on.

The service manager's own socket stays outside: the payload sees one of krun's, and `start` passes on what
arrives there.  Out of scope: that (`krun.execute.notify`).
"""

from __future__ import annotations

from krun.spec.model import Mount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.plan.model import Options
    from krun.spec.model import Process

NAME = "NOTIFY_SOCKET"
SOCKET = "notify.sock"
"""The socket in `Options.notify_directory`."""
_DESTINATION = "/run/notify"
_OPTIONS = ("bind", "nosuid", "noexec", "nodev", "ro")


def wants_notify(process: Process | None) -> bool:
    """Tell whether there is a payload, and one whose configuration names no socket of the client's own."""
    return process is not None and not any(entry.startswith(f"{NAME}=") for entry in process.env)


def notify_mounts(options: Options) -> tuple[Mount, ...]:
    """Return what makes the socket visible in the container, behind all configured mounts."""
    if options.notify_directory == "":
        return ()
    return (Mount(_DESTINATION, type="bind", source=options.notify_directory, options=_OPTIONS),)


def notify_entry(options: Options) -> str:
    """Return the entry of the payload's environment, "" for none."""
    return f"{NAME}={_DESTINATION}/{SOCKET}" if options.notify_directory else ""

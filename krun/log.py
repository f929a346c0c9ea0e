"""The log that callers read: one line per event, appended to the file of `--log`, as JSON or as text.

containerd shows its user the last line with level "error"; podman parses the whole file as one object.
So an error is logged exactly once, by cli.py, and at the default level nothing else is.

Out of scope: what is printed on standard error.
"""

from __future__ import annotations

import time

from krun import os
from krun.errors import KrunError, symbol

LEVELS = ("debug", "info", "warning", "error")
_ALIASES = {"warn": "warning", "trace": "debug", "fatal": "error", "panic": "error"}


def level_named(name: str) -> str:
    """Return the level of that name, in krun's or logrus's words.  Raises KrunError for others."""
    level = _ALIASES.get(name.lower(), name.lower())
    if level not in LEVELS:
        raise KrunError(f"--log-level: {name!r} is none of {', '.join(LEVELS)}")
    return level


class Log:
    """An open log.  Without a file, lines below "error" go to standard error and errors nowhere."""

    def __init__(self, path: str = "", form: str = "text", level: str = "error") -> None:
        """Open `path` for appending.  Raises KrunError when that fails."""
        self.path, self.form, self.level = path, form, level
        self.file = -1
        if path:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            try:
                self.file = os.open(path, flags, 0o644)
            except OSError as error:
                # By its number: dockerd would take the words for a program that the container lacks.
                found = symbol(error)
                raise KrunError(f"--log {path}: cannot be opened: {found}") from error

    def write(self, level: str, message: str) -> None:
        """Append one line if `level` is at least the log's own.  That it cannot be written is no failure."""
        if LEVELS.index(level) < LEVELS.index(self.level):
            return
        if self.file < 0 and level == "error":
            return
        line = self._format(level, message).encode("utf-8", "backslashreplace")
        try:
            os.write(self.file if self.file >= 0 else 2, line)
        except OSError:
            return

    def debug(self, message: str) -> None:
        """Write what only a developer wants to know."""
        self.write("debug", message)

    def warning(self, message: str) -> None:
        """Write what the caller may want to mend although it went well."""
        self.write("warning", message)

    def error(self, message: str) -> None:
        """Write why krun failed."""
        self.write("error", message)

    def _format(self, level: str, message: str) -> str:
        import json  # needed for the rare line only; costs more than a whole `krun state`

        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        if self.form == "json":
            return json.dumps({"level": level, "msg": message, "time": now}) + "\n"
        return f'time="{now}" level={level} msg={json.dumps(message, ensure_ascii=False)}\n'

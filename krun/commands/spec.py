"""`krun spec`: write a configuration to start from.

Out of scope: generating one for a given image.
"""

from __future__ import annotations

import os

from krun.commands.options import Argument, Arguments, Context, Option
from krun.errors import KrunError, symbol
from krun.spec.default import default_config, rootless_config
from krun.sys.json import dumps

SUMMARY = "write a config.json to start from"
OPTIONS: tuple[Option, ...] = (
    Option("--bundle", "directory to write it to", short="-b", value="DIR", default="."),
    Option("--rootless", "for a user without privileges"),
)
ARGUMENTS: tuple[Argument, ...] = ()


def run(args: Arguments, context: Context) -> int:
    """Write config.json; one that exists is never overwritten."""
    del context
    config = rootless_config(os.geteuid(), os.getegid()) if args.flag("rootless") else default_config()
    path = os.path.join(args["bundle"], "config.json")
    try:
        with open(path, "x", encoding="ascii") as file:
            file.write(dumps(config, indent=2) + "\n")
    except FileExistsError:
        raise KrunError(f"{path} exists; remove it first") from None
    except OSError as error:
        raise KrunError(f"{path} cannot be written: {symbol(error)}") from None
    return 0

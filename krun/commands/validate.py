"""`krun validate`: check a bundle's configuration against specs/config.yaml itself, with jsonschema.

`create` checks against a compiled form of that schema (krun/spec/check.py); both find the same faults.

Out of scope: what only the host can tell, such as whether the root file system exists.
"""

from __future__ import annotations

import os

from krun.commands.options import Argument, Arguments, Context, Option
from krun.spec.faults import json_path
from krun.spec.load import parse, read_config
from krun.spec.rules import CONFIG_RULES, apply
from krun.spec.schema import CONFIG, SchemaCheck

SUMMARY = "check a bundle's config.json and print every fault"
OPTIONS: tuple[Option, ...] = ()
ARGUMENTS: tuple[Argument, ...] = (Argument("bundle", "directory that holds config.json"),)


def run(args: Arguments, context: Context) -> int:
    """Print one line per fault: `$.process.cwd: must be absolute, got 'tmp'`; nothing when there is none."""
    path = os.path.join(args["bundle"], "config.json")
    document = parse(read_config(path), path)
    faults = SchemaCheck(CONFIG).faults(document)
    faults += apply(CONFIG_RULES, document, faults)
    context.out("".join(f"{json_path(place)}: {message}\n" for place, message in faults))
    return 1 if faults else 0

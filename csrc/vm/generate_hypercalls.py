# ruff: noqa: INP001  # a script of the build, in no package
"""Write what is generated from specs/hypercalls.yaml: the C tables, or what the planner knows of them.

    generate_hypercalls.py YAML OUT.c
    generate_hypercalls.py YAML OUT.py

The YAML's head says what its words mean.  Everything in it is checked here, so that the C may trust the
tables: a fault is one line that names the call, and exit status 1.  Out of scope: what a call does.
"""

from __future__ import annotations

import errno
import re
import sys
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

NR_END = 512
SCALARS = {"int": 4, "uint": 4, "mode": 4, "long": 8, "size": 8, "flags": 8, "address": 8}
SERVE = {"forward": "KR_SERVE_FORWARD", "emulate": "KR_SERVE_EMULATE", "refuse": "KR_SERVE_REFUSE"}
RESTART = {"never": "KR_RESTART_NEVER", "sa": "KR_RESTART_SA", "nohand": "KR_RESTART_NOHAND"}
POINTER = re.compile(r"(in|out|inout) ([a-z][a-z0-9_]*)(?:\*([a-z][a-z0-9_]*))?( or null)?")
NAME = re.compile(r"[a-z][a-z0-9_]*")


class Fault(Exception):
    """The YAML is wrong; the text says where and how."""


class StrictLoader(yaml.SafeLoader):
    """A loader that refuses a key that stands twice in one mapping."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        """Build a mapping, or raise Fault for a duplicate key."""
        seen: set[str] = set()
        for key, _value in node.value:
            if key.value in seen:
                raise Fault(f"line {key.start_mark.line + 1}: {key.value} stands twice")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


@dataclass(frozen=True)
class Arg:
    """One argument: the fields of struct kr_arg."""

    kind: str
    size: int
    count: int | None = None
    nullable: bool = False

    def c(self) -> str:
        """Write the initializer."""
        count = "KR_NO_COUNT" if self.count is None else str(self.count)
        return f"{{ {self.kind}, {count}, {'true' if self.nullable else 'false'}, {self.size} }}"


@dataclass(frozen=True)
class Call:
    """One system call: the fields of struct kr_entry."""

    name: str
    nr: int
    serve: str
    error: str
    restart: str
    args: tuple[Arg, ...]
    notifies: bool

    def c(self) -> str:
        """Write the initializer."""
        handler = f"HANDLER({self.name})" if self.serve == "emulate" else "NULL"
        args = ", ".join(arg.c() for arg in self.args or (Arg("KR_ARG_NONE", 0),))
        return (
            f'\t{{ "{self.name}", {handler}, {self.nr}, {SERVE[self.serve]}, {RESTART[self.restart]}, '
            f"{self.error},\n\t  {{ {args} }}, {'true' if self.notifies else 'false'} }},\n"
        )


def mapping(value: object, where: str) -> Mapping[str, object]:
    """Return `value` as a mapping with names as keys; raises Fault."""
    if not isinstance(value, dict):
        raise Fault(f"{where}: must be a mapping, got {value!r}")
    for key in value:
        if not isinstance(key, str) or NAME.fullmatch(key) is None:
            raise Fault(f"{where}: {key!r} is no name")
    return value


def parse_types(value: object) -> dict[str, int]:
    """Return the sizes of the pointed-to types in bytes."""
    types: dict[str, int] = {}
    for name, size in mapping(value, "types").items():
        if type(size) is not int or not 1 <= size <= 4096:
            raise Fault(f"types.{name}: must be a size of 1 to 4096 bytes, got {size!r}")
        types[name] = size
    return types


def parse_arg(text: object, names: list[str], spec: Mapping[str, object], types: Mapping[str, int]) -> Arg:
    """Return one argument from its type; `names` and `spec` hold all arguments of the call."""
    if not isinstance(text, str):
        raise Fault(f"{text!r} is no type")
    if text in SCALARS:
        return Arg("KR_ARG_VALUE", SCALARS[text])
    if text == "fd":
        return Arg("KR_ARG_FD", 4)
    if text in ("path", "path or null"):
        return Arg("KR_ARG_TEXT", 1, nullable=text != "path")
    found = POINTER.fullmatch(text)
    if found is None:
        raise Fault(f"{text!r} is no type")
    _direction, pointed, counted, nullable = found.groups()
    count = None
    if counted is not None:
        if counted not in names:
            raise Fault(f"{text!r} is counted by {counted}, which is no argument")
        if spec[counted] not in ("int", "uint", "size"):
            raise Fault(f"{text!r} is counted by {counted}, which is no int, uint or size")
        count = names.index(counted)
    if pointed in ("bits", "iovec"):
        if count is None:
            raise Fault(f"{text!r} needs a count")
        return Arg("KR_ARG_BITS" if pointed == "bits" else "KR_ARG_IOVEC", 1, count, nullable is not None)
    if pointed not in types:
        raise Fault(f"{text!r}: {pointed} is not among the types")
    return Arg("KR_ARG_SPAN", types[pointed], count, nullable is not None)


def parse_call(name: str, value: object, types: Mapping[str, int]) -> Call:
    """Return one call from its entry."""
    spec = mapping(value, "the entry")
    unknown = set(spec) - {"nr", "does", "args", "serve", "errno", "restart", "notify"}
    if unknown:
        raise Fault(f"unknown key {min(unknown)}")
    missing = {"nr", "does", "args", "serve"} - set(spec)
    if missing:
        raise Fault(f"{min(missing)} is missing")
    nr, does, serve = spec["nr"], spec["does"], spec["serve"]
    restart, error = spec.get("restart", "never"), spec.get("errno")
    if type(nr) is not int or not 0 <= nr < NR_END:
        raise Fault(f"nr must be 0 to {NR_END - 1}, got {nr!r}")
    if not isinstance(does, str) or not does or "\n" in does:
        raise Fault("does must be one line")
    if not isinstance(serve, str) or serve not in SERVE:
        raise Fault(f"serve must be one of {', '.join(SERVE)}, got {serve!r}")
    if not isinstance(restart, str) or restart not in RESTART:
        raise Fault(f"restart must be one of {', '.join(RESTART)}, got {restart!r}")
    if (serve == "refuse") != (error is not None):
        raise Fault("errno belongs to what is refused, and only there")
    if error is not None and (not isinstance(error, str) or not hasattr(errno, error)):
        raise Fault(f"{error!r} is no errno")
    args = mapping(spec["args"], "args")
    names = list(args)
    if len(names) > 6:
        raise Fault("has more than six arguments")
    parsed = tuple(parse_arg(text, names, args, types) for text in args.values())
    notifies = serve == "forward" and restart != "nohand" and all(is_flat(text) for text in args.values())
    if "notify" in spec:
        if spec["notify"] is not False or not notifies:
            raise Fault("notify can only be false, and only where it would not be so anyway")
        notifies = False
    return Call(name, nr, serve, "0" if error is None else str(error), restart, parsed, notifies)


def is_flat(text: object) -> bool:
    """Tell whether an argument of this type can be checked without copying what it points to."""
    return isinstance(text, str) and text != "address" and "iovec" not in text


def parse(document: object) -> tuple[list[Call], list[str]]:
    """Return the calls in the order of their numbers, and the monitor's own calls.

    Raises Fault for anything unknown, missing, out of range or doubled.
    """
    top = mapping(document, "the file")
    if set(top) != {"types", "calls", "differences", "monitor"}:
        raise Fault("the file must have types, calls, differences and monitor")
    types = parse_types(top["types"])
    calls = []
    for name, value in mapping(top["calls"], "calls").items():
        try:
            calls.append(parse_call(name, value, types))
        except Fault as fault:
            raise Fault(f"calls.{name}: {fault}") from None
    by_nr: dict[int, str] = {}
    for call in calls:
        if call.nr in by_nr:
            raise Fault(f"calls.{call.name}: {call.nr} is also the number of {by_nr[call.nr]}")
        by_nr[call.nr] = call.name
    monitor = top["monitor"]
    if not isinstance(monitor, list) or not all(isinstance(n, str) and NAME.fullmatch(n) for n in monitor):
        raise Fault("monitor must be a list of names")
    if monitor != sorted(set(monitor)):
        raise Fault("monitor must be sorted, each name once")
    return sorted(calls, key=lambda call: call.nr), monitor


def render(calls: list[Call], monitor: list[str], source: str) -> str:
    """Return the C file."""
    handlers = "".join(f"kr_handler kr_call_{call.name};\n" for call in calls if call.serve == "emulate")
    checks = "".join(
        f"#ifdef __NR_{call.name}\n"
        f'_Static_assert(__NR_{call.name} == {call.nr}, "the number of {call.name}");\n'
        "#endif\n"
        for call in calls
    )
    table = "".join(call.c() for call in calls)
    own = "".join(f"\t__NR_{name},\n" for name in monitor)
    return f"""/* Written by generate_hypercalls.py from {source}. */
#include "vm/hypercall.h"

#include <asm/unistd_64.h>
#include <errno.h>

/* The native tests check arguments against the table without the monitor behind it. */
#ifdef KR_TABLE_ALONE
#define HANDLER(name) NULL
#else
#define HANDLER(name) kr_call_##name
#endif

{handlers}
{checks}
const struct kr_entry kr_call_table[] = {{
{table}}};
const size_t kr_call_table_size = sizeof kr_call_table / sizeof kr_call_table[0];

const uint16_t kr_monitor_calls[] = {{
{own}}};
const size_t kr_monitor_calls_size = sizeof kr_monitor_calls / sizeof kr_monitor_calls[0];
"""


def render_python(calls: list[Call], source: str) -> str:
    """Return the Python module."""
    names = "".join(f'        "{call.name}",\n' for call in calls if not call.notifies)
    return f'''"""Written by generate_hypercalls.py from {source}."""

UNNOTIFIED = frozenset(
    (
{names}    )
)
'''


def main(arguments: list[str]) -> int:
    """Generate one file; returns the exit status."""
    if len(arguments) != 2:
        sys.stderr.write("usage: generate_hypercalls.py YAML OUT.c|OUT.py\n")
        return 2
    source, target = Path(arguments[0]), Path(arguments[1])
    try:
        calls, monitor = parse(yaml.load(source.read_text(), StrictLoader))  # noqa: S506  # a SafeLoader
    except (Fault, yaml.YAMLError) as fault:
        sys.stderr.write(f"{source}: {fault}\n")
        return 1
    if target.suffix == ".py":
        target.write_text(render_python(calls, source.name))
    else:
        target.write_text(render(calls, monitor, source.name))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

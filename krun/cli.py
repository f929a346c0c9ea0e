"""From argv to an exit status: finds the verb, parses its words, runs it, and renders its error once.

Only the verb that is called is imported.  The log is opened before anything is parsed, because the callers'
only way to learn of a mistake is that file.  Parsing is done here and not by `argparse`, whose import takes
longer than a whole `krun state`.

Out of scope: what any verb does.
"""

from __future__ import annotations

from krun import os
from krun.commands.options import Argument, Arguments, Context, Option
from krun.errors import KrunError, UsageError, symbol
from krun.log import Log, level_named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import ModuleType

VERBS = {
    "create": "create",
    "start": "start",
    "state": "state",
    "kill": "kill",
    "delete": "delete",
    "run": "run",
    "exec": "exec",
    "list": "list",
    "ps": "ps",
    "pause": "pause",
    "resume": "resume",
    "update": "update",
    "events": "events",
    "spec": "spec",
    "features": "features",
    "plan": "plan",
    "validate": "validate",
    "demo": "demo",
}
"""Each verb's module in krun.commands."""

REFUSED = {
    "checkpoint": "krun cannot save the state of a virtual machine",
    "restore": "krun cannot save the state of a virtual machine",
}
"""Verbs of runc that this version refuses by name, whatever their options: clients probe for them."""

GLOBAL = (
    Option("--root", "directory of all containers' states", value="DIR"),
    Option("--log", "append the log to this file", value="FILE"),
    Option("--log-format", "text or json", value="FORMAT", default="text"),
    Option("--log-level", "debug, info, warning or error", value="LEVEL", default="error"),
    Option("--debug", "the same as --log-level debug"),
    Option("--cgroup-manager", "cgroupfs, systemd or disabled", value="NAME", default="cgroupfs"),
    Option("--systemd-cgroup", "the same as --cgroup-manager systemd"),
    Option(
        "--rootless",
        "whether cgroups that may not be made are done without: auto, true or false",
        default="auto",
    ),
    Option("--criu", "ignored, for compatibility", value="PATH"),
    Option("--monitor", "what runs the payload: builtin, none or km", value="NAME"),
    Option("--version", "print the version", short="-v"),
    Option("--help", "print this text", short="-h"),
)

_HELP = Option("--help", "print this text", short="-h")


def main(argv: Sequence[str]) -> int:
    """Run the command line `argv` (without the program's name) and return the exit status."""
    log = Log()
    try:
        log = open_log(argv)
        return dispatch(argv, log)
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - a bug too has to reach the caller by the log, in one line
        return report(error, log)


def message_of(error: Exception) -> str:
    """Say what failed.  Layers give their errors words; an OSError that still comes goes by its symbol."""
    if isinstance(error, KrunError):
        return str(error)
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}unexpected error {symbol(error)}"
    return f"internal error: {type(error).__name__}: {error}"


def report(error: Exception, log: Log, status: int = 1) -> int:
    """Write an error to the log and to standard error, one line each; return `status`, the exit status.

    Who has closed the pipe that krun writes to knows already.
    """
    if isinstance(error, BrokenPipeError):
        return status
    line = " ".join(message_of(error).split("\n")).strip()
    log.error(line)
    if log.level == "debug":
        import traceback

        log.debug("".join(traceback.format_exception(error)).rstrip())
    try:
        write_all(2, f"krun: {line}\n")
    except OSError:
        return status  # nobody listens there; the status says the rest
    return status


def dispatch(argv: Sequence[str], log: Log) -> int:
    """Parse the global options, then the verb's own words, and run the verb."""
    at, given = parse_options(argv, GLOBAL)
    options = with_defaults(given, GLOBAL)
    if options["log-format"] not in ("json", "text"):
        raise UsageError(f"--log-format: {options['log-format']!r} is neither text nor json")
    if options.flag("version"):
        from krun.commands import version

        return version.run(make_context(options, log))
    if options.flag("help"):
        from krun.commands import help as help_text

        print_out(help_text.overview({name: load_verb(name) for name in VERBS}, GLOBAL))
        return 0
    if at == len(argv):
        raise UsageError("needs a command; krun --help lists them")
    name, words = argv[at], argv[at + 1 :]
    if name == "help":
        return dispatch([*argv[:at], *words, "--help"], log)
    module = load_verb(name)
    if asks_for_help(words, module):
        from krun.commands import help as help_text

        print_out(help_text.of_verb(name, module))
        return 0
    log.level = "debug" if options.flag("debug") else level_named(options["log-level"])
    try:
        args = parse_verb(name, words, module.OPTIONS, module.ARGUMENTS)
        status: int = module.run(args, make_context(options, log))
    except Exception as error:  # noqa: BLE001 - whatever it is, the status is the verb's
        return report(error, log, getattr(module, "FAILURE_STATUS", 1))
    return status


def load_verb(name: str) -> ModuleType:
    """Import the module of a verb.  Raises UsageError for what is no verb."""
    if name in REFUSED:
        raise UsageError(f"{name}: {REFUSED[name]}")
    if name not in VERBS:
        raise UsageError(f"{name!r} is not a command; krun --help lists them")
    module = f"krun.commands.{VERBS[name]}"
    __import__(module)
    import sys

    return sys.modules[module]


def make_context(options: Arguments, log: Log) -> Context:
    """Turn the global options into a Context.  Raises UsageError for values that do not exist."""
    monitor = options["monitor"]
    if monitor == "km":
        raise UsageError("--monitor km: this version of krun does not run the Kontain monitor yet")
    if monitor not in ("", "builtin", "none"):
        raise UsageError(f"--monitor: {monitor!r} is none of builtin, none, km")
    manager = "systemd" if options.flag("systemd-cgroup") else options["cgroup-manager"]
    if manager not in ("cgroupfs", "systemd", "disabled"):
        raise UsageError(f"--cgroup-manager: {manager!r} is none of cgroupfs, systemd, disabled")
    if options["rootless"] not in ("auto", "true", "false"):
        raise UsageError(f"--rootless: {options['rootless']!r} is none of auto, true, false")
    return Context(
        root=os.path.abspath(options["root"] or default_root()),
        log=log,
        out=print_out,
        monitor=monitor,
        cgroup_manager=manager,
        rootless=options["rootless"],
    )


def default_root() -> str:
    """Return /run/krun, or $XDG_RUNTIME_DIR/krun for a plain user, also inside a user namespace of theirs.

    There they are root, and only $USER tells them from the host's; podman passes none.
    """
    own = os.getenv("XDG_RUNTIME_DIR")
    if own and (os.geteuid() != 0 or (os.getenv("USER") != "root" and _in_user_namespace())):
        return f"{own}/krun"
    return "/run/krun"


def _in_user_namespace() -> bool:
    from krun.sys.files import read_document

    return read_document("/proc/self/uid_map").split() != [b"0", b"0", b"4294967295"]


def open_log(argv: Sequence[str]) -> Log:
    """Open the log that the global options name, however wrong the rest of the command line is."""
    found = {"log": "", "log-format": "text"}
    takes_value = {s: o for o in GLOBAL if o.value for s in o.spellings}
    words = iter(argv)
    for word in words:
        if not word.startswith("-") or word == "--":
            break
        name, equals, value = word.partition("=")
        if name in takes_value:
            value = value if equals else next(words, "")
            if takes_value[name].key in found:
                found[takes_value[name].key] = value
    return Log(found["log"], "json" if found["log-format"] == "json" else "text")


def parse_options(
    words: Sequence[str], options: tuple[Option, ...], start: int = 0
) -> tuple[int, dict[str, tuple[str, ...]]]:
    """Parse options up to the first word that is none.

    Returns that word's index, `--` being skipped, and the values by key.  Raises UsageError.
    """
    table = {spelling: option for option in options for spelling in option.spellings}
    given: dict[str, tuple[str, ...]] = {}
    at = start
    while at < len(words) and words[at].startswith("-") and words[at] != "-":
        word = words[at]
        at += 1
        if word == "--":
            break
        name, equals, value = word.partition("=")
        option = table.get(name)
        if option is None:
            raise UsageError(f"{name}: unknown option")
        if not equals:
            if not option.value:
                value = "true"
            elif at < len(words):
                value = words[at]
                at += 1
            else:
                raise UsageError(f"{name}: needs a value ({option.value})")
        given[option.key] = (*given.get(option.key, ()), value) if option.repeat else (value,)
    return at, given


def with_defaults(given: dict[str, tuple[str, ...]], options: tuple[Option, ...]) -> Arguments:
    """Add the defaults of options that were not given."""
    defaults = {option.key: (option.default,) for option in options if option.default}
    return Arguments({**defaults, **given})


def parse_verb(
    verb: str, words: Sequence[str], options: tuple[Option, ...], arguments: tuple[Argument, ...]
) -> Arguments:
    """Parse a verb's words; options may stand before, between and after its arguments.  Raises UsageError."""
    given: dict[str, tuple[str, ...]] = {}
    expected = list(arguments)
    at, only_words = 0, False
    while at < len(words):
        if not only_words and not (expected and expected[0].rest):
            before = at
            at, more = parse_options(words, options, at)
            for key, values in more.items():
                repeat = next(option.repeat for option in options if option.key == key)
                given[key] = (*given.get(key, ()), *values) if repeat else values
            only_words = at > before and words[at - 1] == "--"
            if at == len(words):
                break
        if not expected:
            raise UsageError(f"{verb}: {words[at]!r} is one argument too many")
        argument = expected.pop(0)
        if argument.rest:
            rest = words[at + 1 :] if words[at] == "--" and not only_words else words[at:]
            given[argument.name] = tuple(rest)
            break
        given[argument.name] = (words[at],)
        at += 1
    missing = next((argument for argument in expected if argument.required), None)
    if missing is not None:
        raise UsageError(f"{verb}: needs {missing.name}: {missing.help}")
    return with_defaults(given, options)


def asks_for_help(words: Sequence[str], module: ModuleType) -> bool:
    """Tell whether --help or -h stands among a verb's own words, not behind those of a payload."""
    has_rest = any(argument.rest for argument in module.ARGUMENTS)
    return any(word in _HELP.spellings for word in _own_words(words, stop_at_argument=has_rest))


def _own_words(words: Sequence[str], *, stop_at_argument: bool) -> Iterator[str]:
    for word in words:
        if word == "--" or (stop_at_argument and not word.startswith("-")):
            return
        yield word


def print_out(text: str) -> None:
    """Write text to standard output."""
    write_all(1, text)


def write_all(file: int, text: str) -> None:
    """Write text to a descriptor, whole."""
    data = text.encode("utf-8", "surrogateescape")
    while data:
        data = data[os.write(file, data) :]

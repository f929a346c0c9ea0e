"""The help texts, made of the same records that the parser reads."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType

    from krun.commands.options import Argument, Option


def overview(verbs: Mapping[str, ModuleType], options: Sequence[Option]) -> str:
    """Return the text of `krun --help`: every verb with its summary, and the global options."""
    lines = ["usage: krun [global options] COMMAND [options] [arguments]", "", "commands:"]
    lines += [f"  {name:<10} {module.SUMMARY}" for name, module in verbs.items()]
    lines += ["", "global options:", *_option_lines(options), "", "krun COMMAND --help says more."]
    return "\n".join(lines) + "\n"


def of_verb(name: str, module: ModuleType) -> str:
    """Return the text of `krun NAME --help`."""
    words = " ".join(_argument_word(argument) for argument in module.ARGUMENTS)
    usage = f"usage: krun [global options] {name}{' [options]' if module.OPTIONS else ''} {words}".rstrip()
    lines = [usage, "", module.SUMMARY]
    if module.ARGUMENTS:
        lines += ["", "arguments:", *(f"  {a.name:<28} {a.help}" for a in module.ARGUMENTS)]
    if module.OPTIONS:
        lines += ["", "options:", *_option_lines(module.OPTIONS)]
    return "\n".join(lines) + "\n"


def _argument_word(argument: Argument) -> str:
    word = argument.name.upper() + ("..." if argument.rest else "")
    return word if argument.required else f"[{word}]"


def _option_lines(options: Sequence[Option]) -> list[str]:
    lines = []
    for option in options:
        spellings = ", ".join(s for s in (option.short, option.name, *option.also) if s)
        default = f" (default: {option.default})" if option.default else ""
        lines.append(
            f"  {spellings + (' ' + option.value if option.value else ''):<28} {option.help}{default}"
        )
    return lines

"""The strings that a configuration may hold: one predicate for each `format` of specs/config.yaml.

They serve the fast check and jsonschema alike, and use no regular expressions, whose module costs more than
checking a whole configuration.  No format takes a NUL, where the kernel would end the string.

Out of scope: formats that depend on anything but the string.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_ALNUM = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_DIGITS = frozenset("0123456789")


def is_number(text: str) -> bool:
    """Tell whether it is decimal digits, and nothing that only looks like digits."""
    return text != "" and _DIGITS.issuperset(text)


def is_text(text: str) -> bool:
    """Tell whether a C string can hold it."""
    return "\0" not in text


def is_absolute_path(text: str) -> bool:
    """Tell whether it begins with `/`."""
    return text[:1] == "/" and "\0" not in text


def is_absolute_path_or_empty(text: str) -> bool:
    """Tell whether it begins with `/` or stands for an absent path."""
    return text == "" or is_absolute_path(text)


def is_environment(text: str) -> bool:
    """Tell whether it is `NAME=VALUE`; the value may be empty."""
    return text.find("=") > 0 and "\0" not in text


def is_oci_version(text: str) -> bool:
    """Tell whether it is a semantic version 1.x.y, pre-releases and build metadata included."""
    version, plus, build = text.partition("+")
    core, dash, prerelease = version.partition("-")
    numbers = core.split(".")
    return (
        len(numbers) == 3
        and all(is_number(n) and (n == "0" or n[0] != "0") for n in numbers)
        and numbers[0] == "1"
        and (not dash or all(map(_is_prerelease_part, prerelease.split("."))))
        and (not plus or all(map(_is_version_part, build.split("."))))
    )


def _is_version_part(text: str) -> bool:
    return text != "" and (_ALNUM | {"-"}).issuperset(text)


def _is_prerelease_part(text: str) -> bool:
    return _is_version_part(text) and not (is_number(text) and text[0] == "0" and text != "0")


def is_number_list(text: str) -> bool:
    """Tell whether it is a list of numbers and ranges such as `0-3,7`, or empty."""
    return text == "" or all(map(_is_number_range, text.replace(" ", "").split(",")))


def _is_number_range(text: str) -> bool:
    first, dash, last = text.partition("-")
    if not is_number(first) or len(first) > 9:
        return False
    return not dash or (is_number(last) and len(last) <= 9 and int(first) <= int(last))


def is_page_size(text: str) -> bool:
    """Tell whether it is a huge page's size such as `2MB`."""
    return text[-2:] in ("KB", "MB", "GB") and is_number(text[:-2]) and text[0] != "0"


def is_device_access(text: str) -> bool:
    """Tell whether it is made of `r`, `w` and `m`."""
    return frozenset("rwm").issuperset(text)


def is_file_name(text: str) -> bool:
    """Tell whether it names a file of one directory, and no other place."""
    return text not in ("", ".", "..") and "/" not in text and "\0" not in text


def is_interface(text: str) -> bool:
    """Tell whether the kernel takes it as the name of a network device (dev_valid_name)."""
    return is_file_name(text) and len(text.encode()) < 16 and ":" not in text and text.split() == [text]


def is_interface_or_empty(text: str) -> bool:
    """Tell whether it is an interface's name or stands for an absent one."""
    return text == "" or is_interface(text)


def is_line(text: str) -> bool:
    """Tell whether it is one line of text."""
    return "\n" not in text and "\0" not in text


def is_rdt_class(text: str) -> bool:
    """Tell whether it is a directory of resctrl, `/` for its root, or stands for an absent one."""
    return text in ("", "/") or (is_file_name(text) and "\n" not in text)


def is_rdt_bandwidth(text: str) -> bool:
    """Tell whether it is one line that begins with `MB:`, or stands for an absent one."""
    return text == "" or (text[:3] == "MB:" and is_line(text))


FORMATS: Mapping[str, tuple[Callable[[str], bool], str]] = {
    "text": (is_text, "must not contain a NUL"),
    "absolute-path": (is_absolute_path, "must be absolute"),
    "absolute-path-or-empty": (is_absolute_path_or_empty, "must be absolute"),
    "environment": (is_environment, "must be NAME=VALUE"),
    "oci-version": (is_oci_version, "must be a version 1.x.y"),
    "number-list": (is_number_list, "must be a list such as 0-3,7"),
    "page-size": (is_page_size, "must be a size such as 2MB"),
    "device-access": (is_device_access, "must be made of r, w and m"),
    "file-name": (is_file_name, "must be the name of a file, without a directory"),
    "interface": (is_interface, "must be the name of a network device"),
    "interface-or-empty": (is_interface_or_empty, "must be the name of a network device"),
    "line": (is_line, "must be one line"),
    "rdt-class": (is_rdt_class, "must be the name of a directory, or /"),
    "rdt-bandwidth": (is_rdt_bandwidth, "must be one line that begins with MB:"),
}
"""Each format's predicate, and what to tell about a string that fails it."""

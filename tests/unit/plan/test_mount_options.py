"""Mount options: config.md#linux-mount-options."""

from __future__ import annotations

import pytest

from krun.plan import mount_options as m
from krun.plan.mount_options import parse_options

# Those that "runtimes MUST implement", from the table of the specification.
MUST = """
async atime bind defaults dev diratime dirsync exec iversion lazytime loud noatime nodev nodiratime noexec
noiversion nolazytime norelatime nostrictatime nosuid private rbind relatime remount ro rprivate rshared
rslave runbindable rw shared silent slave strictatime suid sync unbindable
""".split()
# Those that "runtimes SHOULD implement".
SHOULD = """
nosymfollow symfollow rro rrw rnosuid rsuid rnodev rdev rnoexec rexec rnodiratime rdiratime rrelatime
rnorelatime rnoatime ratime rstrictatime rnostrictatime rnosymfollow rsymfollow
""".split()


@pytest.mark.parametrize("option", [*MUST, *SHOULD])
def test_option_of_the_specification_is_understood(option: str) -> None:
    """An option of the table is never passed on to the file system as a parameter that it does not know."""
    parameters = parse_options((option,)).parameters
    assert option not in parameters or option in m.SUPERBLOCK


@pytest.mark.parametrize("option", sorted(m.ATTRIBUTES))
def test_attribute_changes_exactly_its_own_bits(option: str) -> None:
    """Sets or clears something, and nothing of another attribute."""
    parsed = parse_options((option,))
    assert (parsed.attr_set, parsed.attr_clear) == m.ATTRIBUTES[option]
    assert parsed.attr_set | parsed.attr_clear
    assert (parsed.recursive_set, parsed.recursive_clear) == (0, 0)


@pytest.mark.parametrize("option", sorted(m.RECURSIVE_ATTRIBUTES))
def test_recursive_attribute_is_for_what_is_below(option: str) -> None:
    """`rro` and the like reach every mount below the destination."""
    parsed = parse_options((option,))
    assert (parsed.recursive_set, parsed.recursive_clear) == m.RECURSIVE_ATTRIBUTES[option]
    assert (parsed.attr_set, parsed.attr_clear) == (0, 0)


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        (("ro", "rw"), (0, m.MOUNT_ATTR_RDONLY)),
        (("rw", "ro"), (m.MOUNT_ATTR_RDONLY, 0)),
        (("noatime", "strictatime"), (m.MOUNT_ATTR_STRICTATIME, m.MOUNT_ATTR__ATIME)),
        (("strictatime", "relatime"), (0, m.MOUNT_ATTR__ATIME)),
        (("nosuid", "nodev"), (m.MOUNT_ATTR_NOSUID | m.MOUNT_ATTR_NODEV, 0)),
        (("noatime", "nodiratime"), (m.MOUNT_ATTR_NOATIME | m.MOUNT_ATTR_NODIRATIME, m.MOUNT_ATTR__ATIME)),
    ],
)
def test_last_of_two_options_wins(options: tuple[str, ...], changed: tuple[int, int]) -> None:
    """As with mount(8); other attributes are left alone."""
    parsed = parse_options(options)
    assert (parsed.attr_set, parsed.attr_clear) == changed


@pytest.mark.parametrize(
    "options", [("noatime",), ("strictatime",), ("atime", "noatime"), ("noatime", "relatime")]
)
def test_access_time_is_cleared_before_it_is_set(options: tuple[str, ...]) -> None:
    """mount_setattr(2): a change of the access time setting has to clear the whole of MOUNT_ATTR__ATIME."""
    assert parse_options(options).attr_clear & m.MOUNT_ATTR__ATIME == m.MOUNT_ATTR__ATIME


def test_file_system_s_own_switches_become_parameters() -> None:
    """fsconfig(2) knows `ro`, `sync`, `dirsync`, `lazytime` and `mand`; the opposite takes them back."""
    assert parse_options(("sync", "dirsync", "lazytime", "mand", "ro")).parameters == (
        "sync",
        "dirsync",
        "lazytime",
        "mand",
        "ro",
    )
    assert (
        parse_options(("sync", "async", "lazytime", "nolazytime", "mand", "nomand", "ro", "rw")).parameters
        == ()
    )


def test_unknown_options_are_the_file_system_s() -> None:
    """In their order, behind the switches."""
    assert parse_options(("size=64k", "nosuid", "mode=755", "sync")).parameters == (
        "sync",
        "size=64k",
        "mode=755",
    )


@pytest.mark.parametrize("option", ["idmap", "ridmap", "idmap=uids=0-1-1;gids=0-1-1"])
def test_mapping_of_ids_is_no_parameter(option: str) -> None:
    """`idmap` and `ridmap` MUST NOT be passed on; nor is crun's way to write mappings."""
    assert parse_options(("bind", option, "mode=755")).parameters == ("mode=755",)


def test_propagation_is_kept_in_order() -> None:
    """A mount may be made a slave and then shared."""
    assert parse_options(("rslave", "shared")).propagation == (m.MS_SLAVE | m.MS_REC, m.MS_SHARED)


@pytest.mark.parametrize(
    ("option", "bind", "recursive"), [("bind", True, False), ("rbind", True, True), ("remount", False, False)]
)
def test_kind_of_mount(option: str, bind: bool, recursive: bool) -> None:
    """`bind` and `rbind` make it a bind mount."""
    parsed = parse_options((option,))
    assert (parsed.bind, parsed.recursive_bind, parsed.remount) == (bind, recursive, option == "remount")

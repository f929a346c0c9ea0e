"""Seccomp profiles compiled to classic BPF, run by an interpreter of what filters use of it."""

from __future__ import annotations

import errno
import struct

import pytest

from krun.spec.model import SeccompArg, SeccompRule
from krun.sys import native
from krun.sys.newer_calls import AUDIT_ARCH_I386, AUDIT_ARCH_X86_64, X32_BIT

ALLOW, KILL_THREAD, KILL_PROCESS, TRAP = 0x7FFF0000, 0, 0x80000000, 0x30000
NOTIFY, LOG, TRACE, ERRNO = 0x7FC00000, 0x7FFC0000, 0x7FF00000, 0x50000
READ, WRITE, PERSONALITY, CLONE3, NEWER = 0, 1, 135, 435, 9999
ALL_X86 = ("SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32")


def evaluate(code: bytes, number: int, args: tuple[int, ...] = (), arch: int = AUDIT_ARCH_X86_64) -> int:
    """Return what a filter answers to a system call."""
    data = struct.pack("<IIQ6Q", number, arch, 0, *args, *[0] * (6 - len(args)))
    at = accumulator = 0
    while True:
        what, if_true, if_false, k = struct.unpack_from("<HBBI", code, 8 * at)
        at += 1
        match what:
            case 0x20:
                (accumulator,) = struct.unpack_from("<I", data, k)
            case 0x54:
                accumulator &= k
            case 0x05:
                at += k
            case 0x15:
                at += if_true if accumulator == k else if_false
            case 0x25:
                at += if_true if accumulator > k else if_false
            case 0x35:
                at += if_true if accumulator >= k else if_false
            case 0x06:
                return int(k)
            case _:
                pytest.fail(f"instruction {what:#x}")


def compile_rules(
    *rules: SeccompRule, default: str = "SCMP_ACT_ERRNO", architectures: tuple[str, ...] = ()
) -> bytes:
    """Compile rules with a default."""
    return native.compile_seccomp(default, None, architectures, rules)


def test_default_and_rule() -> None:
    """What a rule names gets its action, anything else the default, EPERM without a number."""
    code = compile_rules(SeccompRule(("read", "clone3"), "SCMP_ACT_ALLOW"))
    assert evaluate(code, READ) == ALLOW
    assert evaluate(code, WRITE) == ERRNO | errno.EPERM


@pytest.mark.parametrize(
    ("action", "number", "answer"),
    [
        ("SCMP_ACT_KILL", None, KILL_THREAD),
        ("SCMP_ACT_KILL_THREAD", None, KILL_THREAD),
        ("SCMP_ACT_KILL_PROCESS", None, KILL_PROCESS),
        ("SCMP_ACT_TRAP", None, TRAP),
        ("SCMP_ACT_ERRNO", None, ERRNO | errno.EPERM),
        ("SCMP_ACT_ERRNO", 0, ERRNO),
        ("SCMP_ACT_ERRNO", 38, ERRNO | 38),
        ("SCMP_ACT_TRACE", 7, TRACE | 7),
        ("SCMP_ACT_LOG", None, LOG),
        ("SCMP_ACT_NOTIFY", None, NOTIFY),
    ],
)
def test_actions(action: str, number: int | None, answer: int) -> None:
    """Every action of the specification."""
    code = compile_rules(SeccompRule(("read",), action, number), default="SCMP_ACT_ALLOW")
    assert evaluate(code, READ) == answer
    assert evaluate(code, WRITE) == ALLOW


@pytest.mark.parametrize(
    ("op", "value", "value_two", "matching", "other"),
    [
        ("SCMP_CMP_EQ", 8, 0, 8, 9),
        ("SCMP_CMP_NE", 8, 0, 9, 8),
        ("SCMP_CMP_LT", 8, 0, 7, 8),
        ("SCMP_CMP_LE", 8, 0, 8, 9),
        ("SCMP_CMP_GE", 8, 0, 8, 7),
        ("SCMP_CMP_GT", 8, 0, 9, 8),
        ("SCMP_CMP_MASKED_EQ", 0xF0, 0x30, 0x3F, 0x2F),
        ("SCMP_CMP_EQ", 1 << 40, 0, 1 << 40, 0),
    ],
)
def test_operators(op: str, value: int, value_two: int, matching: int, other: int) -> None:
    """Every operator of the specification, on 64 bits."""
    argument = SeccompArg(index=1, value=value, op=op, value_two=value_two)
    code = compile_rules(SeccompRule(("read", "clone3"), "SCMP_ACT_ALLOW", None, (argument,)))
    assert evaluate(code, READ, (0, matching)) == ALLOW
    assert evaluate(code, READ, (0, other)) == ERRNO | errno.EPERM


def test_conditions_on_different_arguments_must_all_hold() -> None:
    """The arguments of a rule are a conjunction."""
    both = (SeccompArg(0, 1, "SCMP_CMP_EQ"), SeccompArg(1, 2, "SCMP_CMP_EQ"))
    code = compile_rules(SeccompRule(("read", "clone3"), "SCMP_ACT_ALLOW", None, both))
    assert [evaluate(code, READ, args) == ALLOW for args in ((1, 2), (1, 3), (3, 2))] == [True, False, False]


def test_conditions_on_one_argument_are_alternatives() -> None:
    """As in runc and crun: libseccomp cannot test an argument twice in one rule."""
    either = (SeccompArg(0, 1, "SCMP_CMP_EQ"), SeccompArg(0, 2, "SCMP_CMP_EQ"))
    code = compile_rules(SeccompRule(("personality", "clone3"), "SCMP_ACT_ALLOW", None, either))
    assert [evaluate(code, PERSONALITY, (n,)) == ALLOW for n in (1, 2, 3)] == [True, True, False]


def test_unknown_names_are_left_out() -> None:
    """A profile may name what this host's libseccomp has never heard of."""
    code = compile_rules(SeccompRule(("no_such_call", "read"), "SCMP_ACT_ALLOW"))
    assert evaluate(code, READ) == ALLOW


def test_rule_that_repeats_the_default_is_left_out() -> None:
    """Libseccomp would refuse it."""
    rules = (SeccompRule(("write",), "SCMP_ACT_ERRNO"), SeccompRule(("read",), "SCMP_ACT_ALLOW"))
    assert evaluate(compile_rules(*rules), WRITE) == ERRNO | errno.EPERM


def test_other_architectures() -> None:
    """32-bit programs have a table of their own; without the architecture they are killed."""
    rule = SeccompRule(("write", "clone3"), "SCMP_ACT_ALLOW")
    i386_write, i386_read = 4, 3
    with_all = compile_rules(rule, architectures=ALL_X86)
    assert evaluate(with_all, i386_write, arch=AUDIT_ARCH_I386) == ALLOW
    assert evaluate(with_all, i386_read, arch=AUDIT_ARCH_I386) == ERRNO | errno.EPERM
    assert evaluate(with_all, X32_BIT | WRITE) == ALLOW
    assert evaluate(compile_rules(rule), i386_write, arch=AUDIT_ARCH_I386) == KILL_THREAD


@pytest.mark.parametrize("architectures", [(), ALL_X86])
@pytest.mark.parametrize("default", ["SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_TRAP"])
def test_calls_newer_than_the_profile_do_not_exist(default: str, architectures: tuple[str, ...]) -> None:
    """ENOSYS makes a library fall back to an older call; the default would not."""
    rule = SeccompRule(("read", "clone3"), "SCMP_ACT_ALLOW")
    code = compile_rules(rule, default=default, architectures=architectures)
    assert evaluate(code, CLONE3) == ALLOW
    assert evaluate(code, CLONE3 + 1) == evaluate(code, NEWER) == ERRNO | errno.ENOSYS
    if architectures:
        assert evaluate(code, NEWER, arch=AUDIT_ARCH_I386) == ERRNO | errno.ENOSYS
        assert evaluate(code, X32_BIT | NEWER) == ERRNO | errno.ENOSYS


@pytest.mark.parametrize("default", ["SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE"])
def test_newer_calls_of_a_default_that_lets_through(default: str) -> None:
    """A default that allows, or asks a tracer, is for new calls too."""
    code = compile_rules(SeccompRule(("read",), "SCMP_ACT_KILL"), default=default)
    assert evaluate(code, NEWER) == evaluate(code, WRITE)


@pytest.mark.parametrize(
    ("default", "architecture", "rule"),
    [
        ("SCMP_ACT_NONE", "SCMP_ARCH_X86_64", SeccompRule(("read",), "SCMP_ACT_ALLOW")),
        ("SCMP_ACT_ERRNO", "x86_64", SeccompRule(("read",), "SCMP_ACT_ALLOW")),
        ("SCMP_ACT_ERRNO", "SCMP_ARCH_NONE", SeccompRule(("read",), "SCMP_ACT_ALLOW")),
        ("SCMP_ACT_ERRNO", "SCMP_ARCH_X86", SeccompRule(("read",), "ALLOW")),
    ],
)
def test_unknown_words_are_key_errors(default: str, architecture: str, rule: SeccompRule) -> None:
    """The caller knows which property it was."""
    with pytest.raises(KeyError):
        native.compile_seccomp(default, None, (architecture,), (rule,))

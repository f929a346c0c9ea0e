"""What a person at a container's terminal does, whatever stands between: the same for krun and its clients.

The container's program is a busybox shell with job control and the prompt `next> `.
"""

from __future__ import annotations

import hashlib
import random

from support.terminal import Terminal

PROMPT = "next> "
ENV = (f"PS1={PROMPT}", "TERM=dumb", "HISTFILE=")
# docker gives a terminal its size a moment after the start, and a busybox shell that is told of a new size at
# its prompt forgets what is typed in that moment.
SHELL = ("sh", "-c", 'until [ "$(stty size)" = "24 80" ]; do sleep 0.1; done; exec sh -i')
PASTE_BYTES = 10 * 1024 * 1024


def at_prompt(terminal: Terminal, line: str, *expected: str) -> None:
    """Type a line at the prompt, see what is expected of it, and wait for the next prompt."""
    terminal.type(f"{line}\r")
    for text in expected:
        terminal.expect(text)
    terminal.expect(PROMPT)


def work_at_a_shell(terminal: Terminal) -> None:
    """Resize, interrupt, suspend, continue and end: each does what it does at any terminal."""
    terminal.expect(PROMPT)
    at_prompt(terminal, "stty size", "24 80")
    script = 'trap "echo be""come \\`stty size\\`; exit" WINCH; echo be""gun; while :; do sleep 0.1; done'
    terminal.type(f"sh -c '{script}'\r")
    terminal.expect("begun")
    terminal.resize(40, 99)
    terminal.expect("become 40 99")
    terminal.expect(PROMPT)
    at_prompt(terminal, "stty size", "40 99")
    terminal.type("sh -c 'echo be''gun; exec sleep 600'\r")
    terminal.expect("begun")
    terminal.type("\x03")
    terminal.expect(PROMPT)
    at_prompt(terminal, "echo status $?", "status 130")
    terminal.type("sh -c 'trap \"echo res\"\"umed\" CONT; echo be''gun; while :; do sleep 0.1; done'\r")
    terminal.expect("begun")
    terminal.type("\x1a")
    terminal.expect("Stopped")
    terminal.expect(PROMPT)
    terminal.type("fg\r")
    terminal.expect("resumed")
    terminal.type("\x03")
    terminal.expect(PROMPT)
    at_prompt(terminal, "echo status $?", "status 130")
    at_prompt(terminal, "(exit 7)", "(exit 7)")
    terminal.type("\x04")
    assert terminal.wait() == 7


def paste(terminal: Terminal) -> None:
    """Ten megabytes go in without a lost byte, and come out again."""
    terminal.expect(PROMPT)
    numbers = random.Random(PASTE_BYTES)
    data = numbers.randbytes(PASTE_BYTES // 2).hex().encode()
    terminal.type(f"stty raw -echo; echo RE''ADY; head -c {len(data)} >/tmp/pasted; stty sane; echo DO''NE\r")
    terminal.expect("READY")
    terminal.exchange(data, "DONE")
    terminal.expect(PROMPT)
    at_prompt(terminal, "sha256sum </tmp/pasted", hashlib.sha256(data).hexdigest())
    terminal.type("echo BE''GIN; cat /tmp/pasted; echo; echo EN''D\r")
    terminal.expect("BEGIN")
    seen = terminal.expect("END").split()[0].encode()
    assert (len(seen), seen == data) == (len(data), True)
    terminal.expect(PROMPT)
    terminal.type("exit 5\r")
    assert terminal.wait() == 5

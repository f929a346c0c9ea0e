"""krun in the foreground: it stands for a process of the container until that ends."""

from __future__ import annotations

import select

from krun import os
from krun.execute.processes import exit_status
from krun.sys import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.execute.console import Relay
    from krun.execute.notify import Notifier
    from krun.sys.signals import Arrivals


def wait(
    pid: int, pidfd: int, arrivals: Arrivals, relay: Relay | None, notifier: Notifier | None = None
) -> int:
    """Wait for the end of a child; pass signals on to it, serve its terminal, pass its notifications on.

    Returns its exit status as a shell has it.
    """
    arrivals.catch(signals.FORWARDED)
    is_open = True
    try:
        while True:
            poll = select.poll()
            poll.register(pidfd, select.POLLIN)
            poll.register(arrivals.fd, select.POLLIN)
            if notifier is not None:
                poll.register(notifier.fileno(), select.POLLIN)
            if relay is not None and is_open:
                for file, events in relay.interests().items():
                    poll.register(file, events)
            ready = dict(poll.poll())
            for number in arrivals.take():
                if number == signals.SIGWINCH and relay is not None:
                    relay.resize()
                else:
                    signals.send(pidfd, number)
            if relay is not None and is_open:
                is_open = relay.serve(ready)
            if notifier is not None and notifier.fileno() in ready:
                notifier.forward()
            if pidfd in ready:
                break
        if relay is not None:
            relay.drain()
    finally:
        if relay is not None:
            relay.close()
    return exit_status(os.waitpid(pid, 0)[1])

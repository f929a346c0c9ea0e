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
    is_open, is_stopping = True, False
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
                    is_stopping = is_stopping or number in signals.STOPPING
            if relay is not None and is_open:
                is_open = relay.serve(ready)
            if notifier is not None and notifier.fileno() in ready:
                notifier.forward()
            if pidfd in ready:
                break
        if relay is not None:
            relay.drain()
            if not is_stopping:
                _show_rest(relay, arrivals)
    finally:
        if relay is not None:
            relay.close()
    return exit_status(os.waitpid(pid, 0)[1])


def _show_rest(relay: Relay, arrivals: Arrivals) -> None:
    """Wait until standard output has taken all, or krun is asked to stop."""
    poll = select.poll()
    poll.register(1, select.POLLOUT)
    poll.register(arrivals.fd, select.POLLIN)
    while relay.flush():
        poll.poll()
        if any(number in signals.STOPPING for number in arrivals.take()):
            return

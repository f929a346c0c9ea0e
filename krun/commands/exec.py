"""`krun exec`: run another process in a container."""

from __future__ import annotations

from krun.commands.options import Argument, Option
from krun.errors import HostError, KrunError, UsageError, WrongStatus, symbol
from krun.execute.console import Relay, connect, console_pair, take_master, window_size
from krun.execute.exec import Execution
from krun.execute.foreground import wait
from krun.execute.inherited import listen_fds, preserved
from krun.execute.pid_file import write_pid_file
from krun.execute.undo import Undo
from krun.host.image import home_of
from krun.host.namespaces import namespaces_of
from krun.host.probe import probe
from krun.plan.exec import build_exec_plan
from krun.plan.exec_process import Changes, changed_process, completed_process, sub_cgroups
from krun.plan.model import Options
from krun.plan.payload import lacks_home
from krun.spec.build import build
from krun.spec.ids import check_id
from krun.spec.model import Box, Linux, Process
from krun.state import liveness, store
from krun.state.model import PAUSED, can_exec
from krun.sys import signals
from krun.sys.descriptors import Descriptors
from krun.sys.files import read_document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from krun.commands.options import Arguments, Context
    from krun.plan.exec import ExecPlan
    from krun.state.model import Container

SUMMARY = "run another process in a container"
OPTIONS = (
    Option("--process", "read the process from this JSON file", short="-p", value="FILE"),
    Option("--cwd", "working directory", value="DIR"),
    Option("--env", "add NAME=VALUE to the environment", short="-e", value="NAME=VALUE", repeat=True),
    Option("--user", "UID or UID:GID", short="-u", value="UID[:GID]"),
    Option("--additional-gids", "add a group", short="-g", value="GID", repeat=True),
    Option("--cap", "add a capability", short="-c", value="CAP", repeat=True),
    Option("--tty", "give the process a terminal", short="-t"),
    Option("--detach", "return when the process runs", short="-d"),
    Option("--pid-file", "write the pid of the process to this file", value="FILE"),
    Option("--console-socket", "send the terminal's master to this Unix socket", value="SOCKET"),
    Option("--preserve-fds", "hand this many descriptors above 2 to the process", value="N"),
    Option("--no-new-privs", "set no_new_privs"),
    Option("--process-label", "SELinux label", value="LABEL"),
    Option("--apparmor", "AppArmor profile", value="PROFILE"),
    Option("--cgroup", "run it in this cgroup below the container's", value="[CTRL:]PATH", repeat=True),
    Option("--ignore-paused", "wait for the end of the container's pause instead of refusing"),
    Option("--no-subreaper", "ignored, for compatibility"),
)
ARGUMENTS = (
    Argument("container-id", "the container"),
    Argument("command", "the program and its arguments", required=False, rest=True),
)
FAILURE_STATUS = 255
"""Of krun's own failures, so that they can be told from most of the process's own statuses."""


def run(args: Arguments, context: Context) -> int:
    """Run the process.

    In the foreground the exit status is the process's, 128 + N after a death by signal N.
    """
    arrivals = signals.Arrivals(signals.STOPPING)
    container = store.load(context.root, check_id(args["container-id"]))
    _check_status(container, context, ignore_paused=args.flag("ignore-paused"))
    init = liveness.open_process(container.pid, container.pid_start)
    if init is None:
        raise _not_running(container, "stopped")
    is_foreground = not args.flag("detach")
    cgroups = sub_cgroups(args.all("cgroup"))
    with Descriptors() as files, Undo() as undo:
        plan = read_plan(args, context, container)
        for warning in plan.warnings:
            context.log.warning(warning)
        console = master_end = -1
        if args["console-socket"]:
            console = files.add(connect("console socket", args["console-socket"]))
        elif plan.terminal:
            console, master_end = (files.add(end) for end in console_pair())
        execution = Execution(plan, container, files.add(init), context.log, cgroups)
        handed = preserved(args.number("preserve-fds") + listen_fds()[0])
        execution.run(console, handed, arrivals.fd, undo)
        if args["pid-file"]:
            write_pid_file(args["pid-file"], execution.pid)
        relay = Relay(take_master(master_end)) if master_end >= 0 else None
        # Where krun can stand for the process no longer, it is ended too.
        status = wait(execution.pid, execution.pidfd, arrivals, relay) if is_foreground else 0
        undo.keep()
        return status


def read_plan(args: Arguments, context: Context, container: Container) -> ExecPlan:
    """Compile what the command line asks for.  Raises UsageError, SpecError, HostError and the like."""
    kept = store.load_process(context.root, container.id)
    process = read_process(args, kept)
    listening, listen_names = listen_fds()
    can_relay = not args.flag("detach") and args["console-socket"] == ""
    if can_relay and process.terminal and (size := window_size()) is not None:
        # From the beginning: the process may look at once, and the relay comes later.
        process = process.replace(console_size=Box(height=size[0], width=size[1]))
    options = Options(
        id=container.id,
        bundle=container.bundle,
        monitor=container.monitor,
        no_new_keyring=kept["noNewKeyring"],
        preserve_fds=args.number("preserve-fds"),
        listen_fds=listening,
        listen_names=listen_names,
        console_socket=args["console-socket"] != "" or (can_relay and process.terminal),
        init_pid=container.pid,
        home=home_of(f"/proc/{container.pid}/root", process.user.uid) if lacks_home(process) else "/",
    )
    linux = build(Linux, kept["linux"])
    return build_exec_plan(
        process, linux, namespaces_of(container.pid), probe(), options, container.annotations
    )


def read_process(args: Arguments, kept: dict[str, Any]) -> Process:
    """Return the process: from the file, or the container's own as the options change it."""
    base = None if kept["process"] is None else build(Process, kept["process"])
    command = args.all("command")
    if args["process"]:
        if command:
            raise UsageError("exec: a command and --process cannot be given together")
        from krun.spec.load import load_process  # with the whole schema, which options do not want

        process = completed_process(load_process(_read(args["process"])), base)
        terminal = process.terminal or args.flag("tty")
        changed: Process = process.replace(terminal=terminal)
        return changed
    if not command:
        raise UsageError("exec: needs a command or --process")
    if base is None:
        raise UsageError("exec: the container has no process of its own to begin with; use --process")
    return changed_process(
        base,
        Changes(
            args=command,
            cwd=args["cwd"],
            env=args.all("env"),
            user=args["user"],
            additional_gids=args.all("additional-gids"),
            capabilities=args.all("cap"),
            terminal=args.flag("tty"),
            no_new_privileges=args.flag("no-new-privs"),
            selinux_label=args["process-label"],
            apparmor_profile=args["apparmor"],
        ),
    )


def _read(path: str) -> bytes:
    try:
        return read_document(path)
    except OSError as error:
        raise HostError(f"process file {path}", f"cannot be read: {symbol(error)}") from error


def _check_status(container: Container, context: Context, *, ignore_paused: bool) -> None:
    status = store.status(context.root, container)
    if status == PAUSED:
        if not ignore_paused:
            raise WrongStatus(
                container.id,
                f'cannot exec in container "{container.id}": it is paused (--ignore-paused waits)',
            )
    elif not can_exec(status):
        raise _not_running(container, status)


def _not_running(container: Container, status: str) -> KrunError:
    return WrongStatus(
        container.id, f'cannot exec in container "{container.id}": container not running: {status}'
    )

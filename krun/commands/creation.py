"""What `create` and `run` share: from the command line to a container that waits at the barrier.

No verb by itself.  Everything is undone when a step fails, here or in the caller's `with` block.
"""

from __future__ import annotations

import time

from krun import os
from krun.commands.options import Argument, Option
from krun.errors import ContainerExists, HookError, HostError, UsageError
from krun.execute.inherited import listen_fds, notify_address, preserved
from krun.execute.pid_file import write_pid_file
from krun.execute.run import Creation
from krun.execute.undo import Undo
from krun.host.config import configured_monitor
from krun.host.image import home_of
from krun.host.probe import probe
from krun.plan.build import build_plan
from krun.plan.exec_process import shared_linux
from krun.plan.model import Options
from krun.plan.notify import wants_notify
from krun.plan.payload import lacks_home
from krun.spec.build import document_of
from krun.spec.ids import check_id
from krun.spec.load import load_bundle
from krun.state import store
from krun.state.model import STOPPED, Container, StoredHook, runtime_state
from krun.types import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from krun.commands.options import Arguments, Context
    from krun.execute.run import Created
    from krun.plan.model import Plan
    from krun.spec.model import Hook, Spec
    from krun.state.store import Held

OPTIONS = (
    Option("--bundle", "directory of the bundle", short="-b", value="DIR", default="."),
    Option(
        "--config", "the configuration's file in the bundle", short="-f", value="FILE", default="config.json"
    ),
    Option("--pid-file", "write the pid of the container's init to this file", value="FILE"),
    Option("--console-socket", "send the terminal's master to this Unix socket", value="SOCKET"),
    Option("--pidfd-socket", "send a pidfd of the container's init to this Unix socket", value="SOCKET"),
    Option("--preserve-fds", "hand this many descriptors above 2 to the payload", value="N"),
    Option("--no-pivot", "move the root instead of pivot_root, for a host on an initial ramdisk"),
    Option("--no-new-keyring", "keep the caller's session keyring"),
    Option("--no-subreaper", "ignored, for compatibility"),
)
ARGUMENTS = (Argument("container-id", "the new container's name"),)


_HOOKS_OF_START = ("startContainer", "poststart")
"""A container in which one of them fails was destroyed by the start."""


class Request(Record):
    """A container to be made: everything that could be found out without changing anything."""

    container: Container
    plan: Plan
    preserved: tuple[int, ...]
    for_exec: Mapping[str, Any]
    has_notify: bool
    root_group: int | None


def read_request(args: Arguments, context: Context, *, can_relay: bool = False) -> Request:
    """Load, check and compile what the command line asks for.

    can_relay: whether krun itself takes the terminal's master where no console socket is named.
    Raises UsageError, SpecError, HostError and the like.
    """
    id = check_id(args["container-id"])
    if store.exists(context.root, id):
        raise ContainerExists(id)
    preserve_fds = args.number("preserve-fds")
    listening, listen_names = listen_fds()
    bundle = _bundle(args["bundle"])
    spec = load_bundle(bundle, args["config"])
    is_relayed = can_relay and spec.process is not None and spec.process.terminal
    options = Options(
        id=id,
        bundle=bundle,
        monitor=context.monitor or configured_monitor(),
        no_pivot=args.flag("no-pivot"),
        no_new_keyring=args.flag("no-new-keyring"),
        preserve_fds=preserve_fds,
        listen_fds=listening,
        listen_names=listen_names,
        notify_directory=_notify_directory(spec, context, id),
        console_socket=args["console-socket"] != "" or is_relayed,
        cgroup_manager=context.cgroup_manager,
        rootless=context.rootless,
        home=_home(spec, bundle),
    )
    plan = build_plan(spec, probe(), options)
    for warning in plan.warnings:
        context.log.warning(warning)
    container = Container(
        id=id,
        bundle=bundle,
        rootfs=plan.rootfs,
        oci_version=options.oci_version,
        created=_now(),
        owner_uid=os.geteuid(),
        monitor=options.monitor,
        annotations=spec.annotations,
        has_process=spec.process is not None,
        poststart=tuple(_stored(hook) for hook in spec.hooks.poststart),
        poststop=tuple(_stored(hook) for hook in spec.hooks.poststop),
    )
    return Request(
        container,
        plan,
        preserved(listening + preserve_fds),
        _for_exec(spec, options),
        has_notify=options.notify_directory != "",
        root_group=_root_group(spec) if options.notify_directory else None,
    )


def _notify_directory(spec: Spec, context: Context, id: str) -> str:
    return f"{context.root}/{id}/{store.NOTIFY}" if notify_address() and wants_notify(spec.process) else ""


def _root_group(spec: Spec) -> int | None:
    """Return the host's id of group 0 of the container's user namespace, None without one.

    Raises HostError for one that cannot be entered.
    """
    for namespace in spec.linux.namespaces:
        if namespace.type == "user" and namespace.path:
            from krun.host.namespaces import root_group  # few join one, and few of them are asked to notify

            try:
                return root_group(namespace.path)
            except OSError as error:
                raise HostError(f"user namespace {namespace.path}", "cannot be entered") from error
    return next((m.host_id for m in spec.linux.gid_mappings if m.container_id == 0), None)


def _for_exec(spec: Spec, options: Options) -> dict[str, Any]:
    """Return what `exec` takes from the configuration, which it does not read again."""
    return {
        "process": None if spec.process is None else document_of(spec.process),
        "linux": document_of(shared_linux(spec.linux)),
        "noNewKeyring": options.no_new_keyring,
    }


def _home(spec: Spec, bundle: str) -> str:
    """Look up the user's home directory in the image, where the environment has none."""
    if spec.process is None or not lacks_home(spec.process):
        return "/"
    return home_of(os.path.join(bundle, spec.root.path), spec.process.user.uid)


def make_container(
    request: Request, context: Context, console: int, interrupt: int, finish: Callable[[Created, Held], None]
) -> None:
    """Make the container, call `finish`, and let it live on; undo everything when any of that fails.

    console: a connected socket for the terminal's master, -1 for none.
    interrupt: a descriptor that is readable when krun is asked to stop.
    """
    container = request.container
    with store.create(context.root, container.id) as held:
        try:
            with Undo() as undo:
                undo.add("remove the state", held.remove)
                held.save_process(request.for_exec)
                if request.has_notify:
                    held.make_notify(request.root_group)
                creation = Creation(request.plan, container, held, context.log, interrupt)
                created = creation.run(console, request.preserved, undo)
                finish(created, held)
                created.commit()
                undo.keep()
        except BaseException as error:
            # Whatever it was: the lifecycle ends with the deletion, and so with the poststop hooks, which
            # take back what earlier hooks have done (runtime.md#lifecycle).
            if not (isinstance(error, HookError) and error.point in _HOOKS_OF_START):
                from krun.execute.hooks import run_all_hooks

                run_all_hooks("poststop", container.poststop, runtime_state(container, STOPPED), context.log)
            raise


def hand_over(args: Arguments, created: Created) -> None:
    """Give the caller what it asked for about init: a pidfd over a socket, then, last, the pid file."""
    if args["pidfd-socket"]:
        from krun.execute.console import connect
        from krun.sys import packets

        socket = connect("pidfd socket", args["pidfd-socket"])
        try:
            packets.send_descriptor(socket, created.pidfd, b"pidfd")
        finally:
            os.close(socket)
    if args["pid-file"]:
        write_pid_file(args["pid-file"], created.container.pid)


def _bundle(path: str) -> str:
    """Return the absolute path of the bundle.  Raises UsageError for one that JSON cannot hold."""
    try:
        bundle = os.path.abspath(path)
    except FileNotFoundError:
        raise UsageError(f"--bundle {path}: the working directory was removed") from None
    try:
        bundle.encode()
    except UnicodeEncodeError:
        raise UsageError(f"--bundle: {os.fsencode(bundle)!r} is not UTF-8") from None
    return bundle


def _stored(hook: Hook) -> StoredHook:
    return StoredHook(hook.path, hook.args, hook.env, hook.timeout)


def _now() -> str:
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{nanoseconds:09d}Z"

"""Hooks: which ones the runtime runs when, and which ones init runs itself.

prestart and createRuntime belong into the runtime's namespaces: init asks the runtime for them and waits.
createContainer and startContainer run in the container's namespaces: init runs them itself.
Out of scope: poststart and poststop, which run after the plan is carried out.
"""

from __future__ import annotations

from krun.plan import ops
from krun.sys.json import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.plan.model import Options
    from krun.plan.ops import Op
    from krun.spec.model import Hook, Seccomp, Spec


def runtime_hook_operations(spec: Spec) -> list[Op]:
    """Return the requests for the hooks of the runtime's namespaces, prestart first."""
    program: list[Op] = []
    if spec.hooks.prestart:
        program.append(ops.RunHooks(point="prestart"))
    if spec.hooks.create_runtime:
        program.append(ops.RunHooks(point="createRuntime"))
    return program


def container_hook_operations(
    spec: Spec,
    options: Options,
    point: str,
    status: str,
    *,
    monitor: bool = False,
    profile: Seccomp | None = None,
) -> list[Op]:
    """Return the hooks that init runs: `point` is createContainer or startContainer, `status` the state's.

    monitor: whether the programs run under the monitor, which then evaluates the profile.
    """
    hooks = spec.hooks.create_container if point == "createContainer" else spec.hooks.start_container
    if not hooks:
        return []
    head, tail = state_around_pid(spec, options, status)
    program: list[Op] = []
    for index, hook in enumerate(hooks):
        operation = _operation(hook, point, index, head, tail)
        program.append(operation.replace(filter=profile, monitor=1) if monitor else operation)
    return program


def state_around_pid(spec: Spec, options: Options, status: str) -> tuple[str, str]:
    """Return the container's state as JSON, cut in two where init's pid belongs."""
    state: dict[str, object] = {"bundle": options.bundle}
    if spec.annotations:
        state["annotations"] = dict(spec.annotations)
    head = dumps({"ociVersion": options.oci_version, "id": options.id, "status": status})
    return head[:-1] + ',"pid":', "," + dumps(state)[1:]


def _operation(hook: Hook, point: str, index: int, head: str, tail: str) -> ops.Hook:
    return ops.Hook(
        point=point,
        index=index,
        path=hook.path,
        args=hook.args or (hook.path,),
        env=hook.env,
        timeout_ms=0 if hook.timeout is None else hook.timeout * 1000,
        state_head=head,
        state_tail=tail,
    )

"""A plan as text, a line for each thing that it does, and as JSON.

Out of scope: making plans (`build`), and single operations in words (`describe`).
"""

from __future__ import annotations

from krun.plan.describe import describe
from krun.types import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from krun.plan.cgroups import CgroupPlan
    from krun.plan.model import Plan
    from krun.plan.resources import Setting


def plan_text(plan: Plan) -> str:
    """Return the whole plan, a numbered line for each operation; numbers are those of error messages."""
    lines = [f"op {index}: {describe(op)}" for index, op in enumerate(plan.program)]
    if plan.id_maps is not None:
        lines += [f"uid map: {line}" for line in plan.id_maps.uid_lines.splitlines()]
        lines += [f"gid map: {line}" for line in plan.id_maps.gid_lines.splitlines()]
        if plan.id_maps.setgroups_deny:
            lines.append("setgroups: deny")
    if plan.cgroup is not None:
        lines += _cgroup_lines(plan.cgroup)
    if plan.rdt is not None:
        lines.append(f"resctrl: {plan.rdt.directory}")
        lines += [f"resctrl schema: {line}" for line in plan.rdt.schemata]
        lines += [f"resctrl monitoring: {path}" for path in (plan.rdt.monitoring_group,) if path]
    lines += [f"network device: {device.name} as {device.new_name}" for device in plan.net_devices]
    for point in plan.hooks._fields:
        hooks = getattr(plan.hooks, point)
        lines += [
            f"hook {point}[{index}]: {' '.join(hook.args or (hook.path,))}"
            for index, hook in enumerate(hooks)
        ]
    lines += [f"warning: {warning}" for warning in plan.warnings]
    return "".join(f"{line}\n" for line in lines)


def plan_document(plan: Plan) -> dict[str, Any]:
    """Return the whole plan in JSON's types; every operation has its name, its words and its operands."""
    document: dict[str, Any] = {name: _value(getattr(plan, name)) for name in plan._fields}
    document["program"] = [
        {
            "op": op.OP,
            "description": describe(op),
            "operands": {name: _value(getattr(op, name)) for name in op._fields},
        }
        for op in plan.program
    ]
    return document


def _cgroup_lines(cgroup: CgroupPlan) -> list[str]:
    """Say where the cgroup lies and what is written there, one line for each directory and file."""
    lines = [f"cgroup {name or 'unified'}: {path}" for name, path in cgroup.paths.items()]
    if cgroup.unit is not None:
        manager = "the user's systemd" if cgroup.unit.is_user else "systemd"
        lines.append(f"cgroup unit of {manager}: {cgroup.unit.name}")
        lines += [f"cgroup unit: {name} = {value!r}" for name, _, value in cgroup.unit.properties]
    lines += [f"cgroup set: {_words(setting)}" for setting in cgroup.settings]
    lines += [f"cgroup device: {file} {line}" for file, line in cgroup.device_lines]
    if cgroup.device_filter:
        lines.append(f"cgroup device: eBPF program of {len(cgroup.device_filter) // 8} instructions")
    return lines


def _words(setting: Setting) -> str:
    return f"{setting.controller} {setting.file} = {setting.value}"


def _value(value: object) -> Any:
    """Turn a record, and everything in it, into JSON's types."""
    if isinstance(value, Record):
        return {name: _value(getattr(value, name)) for name in value._fields}
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple | list):
        return [_value(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _value(item) for key, item in value.items()}
    return value

"""`krun plan`: show what `create` would do, operation by operation, without doing any of it."""

from __future__ import annotations

from krun import os
from krun.commands.options import Argument, Arguments, Context, Option
from krun.host.config import configured_monitor
from krun.host.image import home_of
from krun.host.probe import probe
from krun.plan.build import build_plan
from krun.plan.explain import plan_document, plan_text
from krun.plan.model import Options
from krun.plan.payload import lacks_home
from krun.spec.load import load_bundle
from krun.sys.json import dumps

SUMMARY = "show what create would do, operation by operation"
OPTIONS: tuple[Option, ...] = (
    Option("--bundle", "the bundle's directory; the working directory by default", short="-b", value="DIR"),
    Option("--json", "print the plan as JSON"),
    Option("--no-pivot", "plan for a host whose root cannot be pivoted"),
    Option("--no-new-keyring", "keep the caller's session keyring"),
    Option("--preserve-fds", "how many descriptors above 2 the payload keeps", value="N", default="0"),
)
ARGUMENTS: tuple[Argument, ...] = (
    Argument("container-id", "the id to plan with; 'container' by default", required=False),
)


def run(args: Arguments, context: Context) -> int:
    """Print the plan.  What a plan cannot be made of is the error that `create` would give."""
    bundle = os.path.abspath(args["bundle"] or ".")
    spec = load_bundle(bundle)
    process = spec.process
    home = "/"
    if process is not None and lacks_home(process):
        home = home_of(os.path.join(bundle, spec.root.path), process.user.uid)
    options = Options(
        id=args["container-id"] or "container",
        bundle=bundle,
        monitor=context.monitor or configured_monitor(),
        no_pivot=args.flag("no-pivot"),
        no_new_keyring=args.flag("no-new-keyring"),
        preserve_fds=args.number("preserve-fds"),
        console_socket=process is not None and process.terminal,
        cgroup_manager=context.cgroup_manager,
        home=home,
    )
    plan = build_plan(spec, probe(), options)
    context.out(dumps(plan_document(plan), indent=2) + "\n" if args.flag("json") else plan_text(plan))
    return 0

# What the planner knows of specs/hypercalls.yaml.  The module is written by the build
# (csrc/vm/generate_hypercalls.py).

UNNOTIFIED: frozenset[str]  # the calls that the monitor knows and that no agent can be asked about

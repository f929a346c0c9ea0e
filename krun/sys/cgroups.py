"""The name of the cgroup2 hierarchy, as plans, the executor and the record on disk have it."""

from __future__ import annotations

UNIFIED = ""
"""Stands among the controllers that name the v1 hierarchies, as in /proc/PID/cgroup."""

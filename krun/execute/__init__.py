"""Carries out the host's side of a plan: the only layer that changes the host."""

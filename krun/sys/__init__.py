"""Thin wrappers over the kernel and over krun's C core."""

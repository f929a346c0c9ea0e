"""What this build of krun is.  The module itself is written by the build (csrc/cmake/build_facts.cmake)."""

VERSION: str
"""The package's version."""
COMMIT: str
"""The commit that was built, "unknown" outside a repository."""

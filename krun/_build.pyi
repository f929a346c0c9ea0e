# What this build of krun is; the module itself is written by the build (csrc/cmake/build_facts.cmake).

VERSION: str
COMMIT: str  # "unknown" when it was not built in a repository

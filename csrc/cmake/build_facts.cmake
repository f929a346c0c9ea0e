# What `krun --version` says of this build: krun/_build.py, typed by krun/_build.pyi.
set(krun_version "${SKBUILD_PROJECT_VERSION_FULL}")
if(krun_version STREQUAL "")
  set(krun_version "unreleased")
endif()
execute_process(
  COMMAND git -C ${CMAKE_CURRENT_SOURCE_DIR} rev-parse HEAD
  OUTPUT_VARIABLE krun_commit
  OUTPUT_STRIP_TRAILING_WHITESPACE
  ERROR_QUIET)
if(krun_commit STREQUAL "")
  set(krun_commit "unknown")
endif()
file(CONFIGURE OUTPUT _build.py CONTENT [=[
"""What this build of krun is.  Written by the build."""

VERSION = "@krun_version@"
COMMIT = "@krun_commit@"
]=] @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/_build.py DESTINATION krun)

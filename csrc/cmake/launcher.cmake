# The launcher behind the command `krun`, static and with musl.  It runs before every verb, and glibc's start asks the
# processor for its caches and features some seventy times: half a millisecond where a hypervisor answers.
set(launcher ${CMAKE_CURRENT_BINARY_DIR}/krun)
file(GLOB launcher_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/launcher/*.c)
get_directory_property(options COMPILE_OPTIONS)
add_custom_command(
  OUTPUT ${launcher}
  COMMAND ${MUSL_GCC} -std=gnu17 -D_GNU_SOURCE -DKR_PYTHON_VERSION="${Python_VERSION_MAJOR}.${Python_VERSION_MINOR}"
          -DKR_CACHE_TAG="${cache_tag}" ${options} -static -s ${launcher_sources} -o ${launcher}
  DEPENDS ${launcher_sources}
  VERBATIM)
add_custom_target(launcher ALL DEPENDS ${launcher})
install(PROGRAMS ${launcher} DESTINATION ${SKBUILD_SCRIPTS_DIR})

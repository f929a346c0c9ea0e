# krun/spec/_schema.py from specs/config.yaml, typed by krun/spec/_schema.pyi.
set(schema_module ${CMAKE_CURRENT_BINARY_DIR}/_schema.py)
add_custom_command(
  OUTPUT ${schema_module}
  COMMAND ${Python_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/cmake/compile_schema.py
          ${CMAKE_CURRENT_SOURCE_DIR}/../specs/config.yaml ${schema_module}
  DEPENDS cmake/compile_schema.py ${CMAKE_CURRENT_SOURCE_DIR}/../specs/config.yaml
  VERBATIM)
install(FILES ${schema_module} DESTINATION krun/spec)
install(FILES ${hypercall_module} DESTINATION krun/plan)

# The archive of all modules, and what the launcher has the interpreter run, for the Python that builds; see
# krun/launch.py.
execute_process(
  COMMAND ${Python_EXECUTABLE} -c "import sys; print(sys.implementation.cache_tag)"
  OUTPUT_VARIABLE cache_tag
  OUTPUT_STRIP_TRAILING_WHITESPACE
  COMMAND_ERROR_IS_FATAL ANY)
set(archive ${CMAKE_CURRENT_BINARY_DIR}/archive.${cache_tag})
set(launch ${CMAKE_CURRENT_BINARY_DIR}/launch.${cache_tag})
set(build_module ${CMAKE_CURRENT_BINARY_DIR}/_build.py)
file(GLOB_RECURSE package_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/../krun/*.py)
add_custom_command(
  OUTPUT ${archive} ${launch}
  COMMAND ${Python_EXECUTABLE} -X no_debug_ranges ${CMAKE_CURRENT_SOURCE_DIR}/cmake/archive_modules.py
          ${CMAKE_CURRENT_SOURCE_DIR}/../krun ${archive} ${launch}
          ${schema_module}=krun/spec/_schema.py ${hypercall_module}=krun/plan/_hypercalls.py
          ${build_module}=krun/_build.py
  DEPENDS cmake/archive_modules.py ${package_sources} ${schema_module} ${hypercall_module} ${build_module}
  VERBATIM)
install(FILES ${archive} ${launch} DESTINATION krun)
add_custom_target(generated_python ALL DEPENDS ${schema_module} ${hypercall_module} ${archive})

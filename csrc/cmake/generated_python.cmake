# krun/spec/_schema.py from specs/config.yaml, typed by krun/spec/_schema.pyi.
set(schema_module ${CMAKE_CURRENT_BINARY_DIR}/_schema.py)
add_custom_command(
  OUTPUT ${schema_module}
  COMMAND ${Python_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/cmake/compile_schema.py
          ${CMAKE_CURRENT_SOURCE_DIR}/../specs/config.yaml ${schema_module}
  DEPENDS cmake/compile_schema.py ${CMAKE_CURRENT_SOURCE_DIR}/../specs/config.yaml
  VERBATIM)
add_custom_target(generated_python ALL DEPENDS ${schema_module})
install(FILES ${schema_module} DESTINATION krun/spec)

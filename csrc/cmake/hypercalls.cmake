# The hypercall table: C, and a module typed by krun/plan/_hypercalls.pyi, generated from specs/hypercalls.yaml;
# nothing of it in the tree.
set(hypercalls_yaml ${CMAKE_CURRENT_SOURCE_DIR}/../specs/hypercalls.yaml)
set(hypercall_generator ${CMAKE_CURRENT_SOURCE_DIR}/vm/generate_hypercalls.py)
set(hypercall_sources ${CMAKE_CURRENT_BINARY_DIR}/generated/hypercalls.gen.c)
add_custom_command(
  OUTPUT ${hypercall_sources}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_CURRENT_BINARY_DIR}/generated
  COMMAND ${Python_EXECUTABLE} ${hypercall_generator} ${hypercalls_yaml} ${hypercall_sources}
  DEPENDS ${hypercalls_yaml} ${hypercall_generator}
  VERBATIM)
set(hypercall_module ${CMAKE_CURRENT_BINARY_DIR}/_hypercalls.py)
add_custom_command(
  OUTPUT ${hypercall_module}
  COMMAND ${Python_EXECUTABLE} ${hypercall_generator} ${hypercalls_yaml} ${hypercall_module}
  DEPENDS ${hypercalls_yaml} ${hypercall_generator}
  VERBATIM)
set_source_files_properties(${hypercall_sources} PROPERTIES INCLUDE_DIRECTORIES ${CMAKE_CURRENT_SOURCE_DIR})

# The command `krun`.  Where the Python that builds comes with itself as a static library, as Debian's does, the
# launcher is linked with it and is the interpreter; elsewhere it executes one, and is linked with musl.
execute_process(
  COMMAND ${Python_EXECUTABLE} -c "import sys, sysconfig as s; v = s.get_config_var; print(v('LIBPL') + '/' + v('LIBRARY'), s.get_path('stdlib'), v('DESTSHARED'), sys.base_prefix, ' '.join(sorted({*v('LIBS').split(), *v('SYSLIBS').split(), *v('MODLIBS').split()})), sep=';')"
  OUTPUT_VARIABLE python_facts
  OUTPUT_STRIP_TRAILING_WHITESPACE
  COMMAND_ERROR_IS_FATAL ANY)
list(POP_FRONT python_facts python_library python_stdlib python_dynload python_prefix python_needs)

add_executable(launcher launcher/launcher.c)
# What is used of Python's C interface here is private to it, and has been tried with this version.
if(Python_VERSION VERSION_LESS 3.12 AND EXISTS ${python_library})
  separate_arguments(python_needs)
  target_sources(launcher PRIVATE launcher/interpreter.c)
  target_include_directories(launcher SYSTEM PRIVATE ${Python_INCLUDE_DIRS})
  target_compile_definitions(launcher PRIVATE
    KR_STDLIB="${python_stdlib}" KR_DYNLOAD="${python_dynload}" KR_PREFIX="${python_prefix}")
  # Extension modules find the interpreter's symbols in the program that loads them.  Debian's library is not made
  # for position-independent programs, as its own interpreter is none.
  target_link_options(launcher PRIVATE -no-pie -rdynamic)
  target_link_libraries(launcher PRIVATE ${python_library} ${python_needs})
else()
  target_sources(launcher PRIVATE launcher/no_interpreter.c)
  kr_with_musl(launcher)
endif()
set_target_properties(launcher PROPERTIES OUTPUT_NAME krun)
target_compile_definitions(launcher PRIVATE
  KR_PYTHON_VERSION="${Python_VERSION_MAJOR}.${Python_VERSION_MINOR}" KR_CACHE_TAG="${cache_tag}")
install(TARGETS launcher RUNTIME DESTINATION ${SKBUILD_SCRIPTS_DIR})

# The native tests: every csrc/tests/test_*.c is one program, run by ctest under ASan and UBSan; and, with clang,
# every csrc/fuzz/*.c is one libFuzzer target.  Needs neither Python's headers nor libseccomp.
find_package(Python 3.11 COMPONENTS Interpreter)
if(NOT Python_FOUND)
  message(FATAL_ERROR "Python 3.11 or later is missing; install it with: apt-get install python3 python3-yaml")
endif()
include(CTest)
include(hypercalls)

set(sanitizers -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
add_compile_options(-O1 ${sanitizers})
add_link_options(${sanitizers})
include_directories(.)
if(CMAKE_C_COMPILER_ID MATCHES Clang)
  # KVM's structures end in arrays without a size, and have their room behind them.
  add_compile_options(-fsanitize=fuzzer-no-link -Wno-gnu-variable-sized-type-not-at-end)
endif()

# Under test is what needs no machine below it: each program takes the parts that it names.
file(GLOB tested_sources CONFIGURE_DEPENDS base/*.c base/*.S ops/*.c stage/*.c)
list(FILTER tested_sources EXCLUDE REGEX "stage/main\\.c$")
list(APPEND tested_sources vm/arena.c vm/boot.c vm/calls_message.c vm/check.c vm/confine.c vm/dispatch.c vm/elf.c vm/filter.c vm/grow.c vm/hardware.c vm/lock.c vm/rights.c vm/script.c vm/seccomp.c vm/segments.c vm/sigframe.c vm/slots.c vm/undo.c vm/window.c tests/guest_double.c)
add_library(kr_tested STATIC ${tested_sources})
# The table alone, without the handlers behind it; a test may bring a table of its own.
add_library(kr_table STATIC ${hypercall_sources})
target_compile_definitions(kr_table PRIVATE KR_TABLE_ALONE)

file(GLOB test_sources CONFIGURE_DEPENDS tests/test_*.c)
foreach(source IN LISTS test_sources)
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE kr_tested kr_table)
  add_test(NAME ${name} COMMAND ${name})
endforeach()

if(CMAKE_C_COMPILER_ID MATCHES Clang)
  file(GLOB fuzz_sources CONFIGURE_DEPENDS fuzz/*.c)
  foreach(source IN LISTS fuzz_sources)
    get_filename_component(name ${source} NAME_WE)
    add_executable(fuzz_${name} ${source})
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    target_link_libraries(fuzz_${name} PRIVATE kr_tested kr_table)
  endforeach()
endif()

# kr_with_musl(TARGET): link a program statically and position-independent with musl instead of glibc.
#
# What is started with every verb, every container and every exec of a payload is linked so: glibc's start asks the
# processor some seventy times for its caches and features, half a millisecond where a hypervisor answers, and has
# half a megabyte of its own in memory.  musl-tools has a wrapper for gcc, which does no more than name these specs,
# and knows nothing of -static-pie.
find_file(MUSL_SPECS musl-gcc.specs
  PATHS /usr/lib/x86_64-linux-musl /usr/lib/musl/lib /usr/local/musl/lib NO_DEFAULT_PATH)
if(NOT MUSL_SPECS)
  message(FATAL_ERROR "musl-gcc.specs is missing; install it with: apt-get install musl-tools")
endif()
get_filename_component(musl_folder ${MUSL_SPECS} DIRECTORY)

# The kernel's headers alone: beside them lie glibc's.
set(kernel_headers ${CMAKE_CURRENT_BINARY_DIR}/kernel_headers)
find_path(LINUX_HEADERS linux/kvm.h REQUIRED)
find_path(ASM_HEADERS asm/kvm.h REQUIRED)
file(MAKE_DIRECTORY ${kernel_headers})
foreach(folder ${LINUX_HEADERS}/linux ${LINUX_HEADERS}/asm-generic ${ASM_HEADERS}/asm)
  get_filename_component(name ${folder} NAME)
  file(CREATE_LINK ${folder} ${kernel_headers}/${name} SYMBOLIC)
endforeach()

function(kr_with_musl target)
  target_compile_options(${target} PRIVATE -specs=${MUSL_SPECS} -idirafter ${kernel_headers} -fPIE)
  target_link_options(${target} PRIVATE -specs=${MUSL_SPECS} -nostartfiles -static
    -Wl,-pie,--no-dynamic-linker,-z,text,-z,relro,-z,now,--gc-sections)
  target_link_libraries(${target} PRIVATE ${musl_folder}/rcrt1.o)
endfunction()

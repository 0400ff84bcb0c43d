# Language, warnings and sanitizers for every target of this project.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
# The modules that compute get -O3 (torii_module).
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG" CACHE STRING "Flags of a release build" FORCE)

set(TORII_SANITIZE "" CACHE STRING "address (with undefined), thread, fuzzer (clang), or empty")
option(TORII_WERROR "Warnings are errors" ON)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
# Reading headers is most of a first build: some files are compiled as one, and what tests read is
# precompiled. OFF for who changes one file again and again (best with a compiler cache): each file
# is compiled for itself and finds what it forgot to include.
option(TORII_JOINED "Join source files and precompile headers" ON)

add_library(torii_flags INTERFACE)
target_compile_options(torii_flags INTERFACE -Wall -Wextra -Wconversion -Wshadow)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # g++ 12 sees overlaps in "literal" + std::string that are not there (GCC bug 105651).
  target_compile_options(torii_flags INTERFACE -Wno-restrict)
endif()
if(TORII_JOINED AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # The same where joining hides whose code it is; and anonymous namespaces of included files, as
  # joined ones are, are no mistake.
  target_compile_options(torii_flags INTERFACE -Wno-stringop-overflow -Wno-stringop-overread
                         -Wno-array-bounds -Wno-subobject-linkage -Wno-maybe-uninitialized)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND TORII_SANITIZE)
  # Sanitizer calls hide initialisations from this warning; the other builds keep it.
  target_compile_options(torii_flags INTERFACE -Wno-maybe-uninitialized)
endif()
if(TORII_WERROR)
  target_compile_options(torii_flags INTERFACE -Werror)
endif()
if(TORII_SANITIZE MATCHES "address|fuzzer" AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_definitions(torii_flags INTERFACE __SANITIZE_ADDRESS__) # as g++ tells its sources
endif()
if(TORII_SANITIZE STREQUAL "address")
  # Without the checks of every pointer that is followed, which double the time to compile:
  # AddressSanitizer sees what they would. The preset fuzz has them, where bytes come from outside.
  target_compile_options(torii_flags INTERFACE -fsanitize=address,undefined
                         -fno-sanitize=null,vptr,object-size,alignment
                         -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_link_options(torii_flags INTERFACE -fsanitize=address,undefined)
elseif(TORII_SANITIZE STREQUAL "fuzzer")
  target_compile_options(torii_flags INTERFACE -fsanitize=fuzzer-no-link,address,undefined
                         -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_link_options(torii_flags INTERFACE -fsanitize=address,undefined)
elseif(TORII_SANITIZE STREQUAL "thread")
  # Other libraries' threads cannot be seen into: the naive GEMM stands in for oneDNN.
  target_compile_options(torii_flags INTERFACE -fsanitize=thread -fno-omit-frame-pointer)
  target_compile_definitions(torii_flags INTERFACE TORII_NAIVE_GEMM)
  target_link_options(torii_flags INTERFACE -fsanitize=thread)
endif()

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

# An installed tree finds its libraries beside itself wherever it is moved. DT_RPATH, not
# DT_RUNPATH: it also holds for the libraries that our libraries need.
set(CMAKE_INSTALL_RPATH "$ORIGIN/../lib")
set(CMAKE_BUILD_RPATH ${CMAKE_BINARY_DIR}/lib)
add_link_options(-Wl,--disable-new-dtags)

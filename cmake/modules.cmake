# torii_module(NAME [COMPUTES] [DEPENDS module...] [THIRD_PARTY target...])
# A folder src/NAME: every *.cc becomes the static library torii_NAME, every *_test.cc the test
# program NAME_test (label unit). Files named *_avx2.cc, *_avx512.cc and *_avx512vnni.cc get their
# instruction set. COMPUTES: its time is spent in loops over numbers; optimised as far as the compiler
# can, and never without, since tests wait for it too.
# A module whose folder holds no source yet is an empty room: an interface library.
function(torii_module name)
  cmake_parse_arguments(arg "COMPUTES" "" "DEPENDS;THIRD_PARTY" ${ARGN})
  set(folder ${CMAKE_SOURCE_DIR}/src/${name})
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cc)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$")
  list(TRANSFORM arg_DEPENDS PREPEND torii_)
  if(NOT sources)
    add_library(torii_${name} INTERFACE)
    target_include_directories(torii_${name} INTERFACE ${CMAKE_SOURCE_DIR}/src
                               ${CMAKE_SOURCE_DIR}/include)
    target_link_libraries(torii_${name} INTERFACE ${arg_DEPENDS})
    return()
  endif()
  add_library(torii_${name} STATIC ${sources})
  target_include_directories(torii_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src
                             ${CMAKE_SOURCE_DIR}/include)
  target_link_libraries(torii_${name} PUBLIC ${arg_DEPENDS} fmt::fmt Threads::Threads
                        PRIVATE torii_flags ${arg_THIRD_PARTY})
  if(arg_COMPUTES)
    target_compile_options(torii_${name} PRIVATE $<IF:$<CONFIG:Release>,-O3,-O1>)
  endif()
  # Not the kernels, each of which is one text compiled for several instruction sets. Elsewhere a
  # name stands for one thing in the whole folder, also between the files.
  if(TORII_JOINED AND NOT name STREQUAL "kernels")
    set_target_properties(torii_${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
  endif()
  foreach(source ${sources})
    if(source MATCHES "_avx512\\.cc$")
      set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS
        "-mavx512f;-mavx512bw;-mavx512dq;-mavx512vl;-mavx2;-mfma;-mf16c")
    elseif(source MATCHES "_avx512vnni\\.cc$")
      set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS
        "-mavx512vnni;-mavx512f;-mavx512bw;-mavx512dq;-mavx512vl;-mavx2;-mfma;-mf16c")
    elseif(source MATCHES "_avx2\\.cc$")
      set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "-mavx2;-mfma;-mf16c")
    endif()
  endforeach()
  if(tests)
    # The test of an adapter may write what its library reads, so it sees the library too.
    torii_test(${name}_test LABEL unit SOURCES ${tests} LINK torii_${name} ${arg_THIRD_PARTY})
  endif()
endfunction()

# All programs of label unit; the sanitizer runs build nothing else.
add_custom_target(unit_tests)

# Compiles main() once for all test programs, and with it the headers they all read. Nothing in a
# test is worth the seconds that the optimiser takes beyond -O1.
function(torii_test_options name)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include
                             ${CMAKE_SOURCE_DIR}/tests)
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  target_link_libraries(${name} PRIVATE ${ARGN} torii_base torii_flags GTest::gtest GTest::gmock)
endfunction()
add_executable(torii_no_tests ${CMAKE_SOURCE_DIR}/tests/support/test_main.cc)
torii_test_options(torii_no_tests)
if(TORII_JOINED)
  target_precompile_headers(torii_no_tests PRIVATE <algorithm> <array> <chrono> <filesystem> <map>
    <memory> <optional> <ranges> <span> <string> <string_view> <thread> <vector> <fmt/format.h>
    <gtest/gtest.h> <gmock/gmock.h>)
endif()

# torii_test(NAME LABEL label SOURCES file... LINK target... [RUNNER word...])
# A GoogleTest program; its main() is tests/support/test_main.cc. RUNNER is a command that gets the
# program as its last word, for tests that need a server beside them.
function(torii_test name)
  cmake_parse_arguments(arg "" "LABEL;TIMEOUT" "SOURCES;LINK;RUNNER" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  add_executable(${name} ${arg_SOURCES} $<TARGET_OBJECTS:torii_no_tests>)
  torii_test_options(${name} ${arg_LINK})
  if(TORII_JOINED)
    target_precompile_headers(${name} REUSE_FROM torii_no_tests)
  endif()
  add_test(NAME ${name} COMMAND ${arg_RUNNER} $<TARGET_FILE:${name}>)
  set_tests_properties(${name} PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT})
  if(arg_LABEL STREQUAL "unit")
    add_dependencies(unit_tests ${name})
  endif()
endfunction()

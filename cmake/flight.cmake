# libtorii_flight.so: what asks Feast's offline servers, opened when one is named
# (src/data/flight/pull.h). Without Arrow Flight it is not built, and naming one says so.
if(TARGET torii_arrow_flight)
  add_library(torii_flight MODULE ${CMAKE_SOURCE_DIR}/src/data/flight/pull.cc)
  target_include_directories(torii_flight PRIVATE ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(torii_flight PRIVATE torii_arrow_flight torii_flags)
  set_target_properties(torii_flight PROPERTIES PREFIX lib
                        LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
  add_dependencies(torii_data torii_flight)
endif()

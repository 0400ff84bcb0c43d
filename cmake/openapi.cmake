# The description of the API is built into the program.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
             ${CMAKE_SOURCE_DIR}/docs/api/openapi.yaml)
file(READ ${CMAKE_SOURCE_DIR}/docs/api/openapi.yaml TORII_OPENAPI_YAML)
configure_file(src/server/openapi_yaml.h.in ${CMAKE_BINARY_DIR}/generated/server/openapi_yaml.h
               @ONLY)
target_include_directories(torii_server PRIVATE ${CMAKE_BINARY_DIR}/generated)

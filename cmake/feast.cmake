# The messages of Feast that torii reads and writes (src/feast/wire.proto), as C++.
find_program(PROTOC protoc REQUIRED)
find_path(PROTOBUF_INCLUDE_DIR google/protobuf/message_lite.h REQUIRED)
# Libraries of the wheels carry a protobuf of their own, and show none of its names.
find_library(PROTOBUF_LITE protobuf-lite REQUIRED)

set(generated ${CMAKE_BINARY_DIR}/generated)
file(MAKE_DIRECTORY ${generated})
add_custom_command(
  OUTPUT ${generated}/feast/wire.pb.cc ${generated}/feast/wire.pb.h
  COMMAND ${PROTOC} --proto_path=${CMAKE_SOURCE_DIR}/src --cpp_out=${generated}
          ${CMAKE_SOURCE_DIR}/src/feast/wire.proto
  DEPENDS ${CMAKE_SOURCE_DIR}/src/feast/wire.proto
  COMMENT "Feast's messages")
add_library(torii_protobuf STATIC ${generated}/feast/wire.pb.cc)
target_include_directories(torii_protobuf SYSTEM PUBLIC ${generated} ${PROTOBUF_INCLUDE_DIR})
target_link_libraries(torii_protobuf PUBLIC ${PROTOBUF_LITE} Threads::Threads)

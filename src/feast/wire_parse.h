#pragma once

#include <google/protobuf/stubs/logging.h>

#include <limits>
#include <string_view>

#include "feast/wire.pb.h"

namespace torii::feast {

/// Reads a message of wire.proto; false if the bytes are none. Texts that are no UTF-8 are none
/// either; protobuf would print that, which is ours to tell.
template <class Message>
[[nodiscard]] bool parse_wire(Message& message, std::string_view bytes) {
  static google::protobuf::LogHandler* const kBefore = google::protobuf::SetLogHandler(nullptr);
  (void)kBefore;
  return bytes.size() <= std::numeric_limits<int>::max() &&
         message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

}  // namespace torii::feast

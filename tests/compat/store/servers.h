#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "support/store_conformance.h"

namespace torii::store::conformance {

/// "stop postgres", "start redis": done when it returns (with_servers.py).
inline void tell_servers(const std::string& line) {
  const std::string path = variable("TORII_TEST_SERVERS");
  ASSERT_FALSE(path.empty()) << "run by with_servers.py";
  const int wire = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ASSERT_LT(path.size(), sizeof address.sun_path);
  std::memcpy(address.sun_path, path.data(), path.size());
  ASSERT_EQ(::connect(wire, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::write(wire, line.data(), line.size()), static_cast<ssize_t>(line.size()));
  char answer[8] = {};
  EXPECT_EQ(::read(wire, answer, sizeof answer - 1), 4) << line;
  ::close(wire);
}

}  // namespace torii::store::conformance

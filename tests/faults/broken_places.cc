#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cstdlib>

#include "faults/broken_inputs.h"

namespace torii {
namespace {

// A configuration whose interactions lie at `place`.
auto data_at(const std::string& place) {
  return [=](const fs::path& folder) {
    write_text(folder / "t.yaml", "data: {interactions: {" + place + "}}\n");
  };
}
Call train_there(int exit_code, std::vector<std::string> says,
                 std::vector<std::pair<std::string, std::string>> environment = {}) {
  return {{"train", "--config=t.yaml", "--out=out/b.bundle"},
          exit_code,
          std::move(says),
          std::move(environment)};
}
// Of the server that misbehaves as the key says (tests/compat/s3/faults.py).
std::vector<std::pair<std::string, std::string>> faulty() {
  const char* address = std::getenv("TORII_TEST_FAULTS");
  return {{"AWS_ENDPOINT_URL", address == nullptr ? "" : address}, {"TORII_S3_TIMEOUT_S", "2"}};
}

// Takes connections and says nothing, for as long as this process lives.
std::string silent_server() {
  const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  EXPECT_EQ(::bind(server, reinterpret_cast<const sockaddr*>(&address), size), 0);
  EXPECT_EQ(::listen(server, 64), 0);
  EXPECT_EQ(::getsockname(server, reinterpret_cast<sockaddr*>(&address), &size), 0);
  return fmt::format("http://127.0.0.1:{}", ntohs(address.sin_port));
}

}  // namespace

std::vector<Case> place_cases() {
  return {
      {"a folder instead of a file",
       [](const fs::path& folder) { fs::create_directories(folder / "data/interactions.csv"); },
       {train(2, {"interactions"})}},
      {"a loop of links",
       [](const fs::path& folder) {
         fs::create_directories(folder / "data");
         fs::create_symlink("interactions.csv", folder / "data/interactions.csv");
       },
       {train(2, {"interactions"})}},
      {"a pipe",
       [](const fs::path& folder) {
         fs::create_directories(folder / "data");
         ASSERT_EQ(::mkfifo((folder / "data/interactions.csv").c_str(), 0600), 0);
       },
       {train(2, {"interactions.csv"})}},
      {"a path through a file",
       [](const fs::path& folder) { write_text(folder / "data", "a file"); },
       {train(2, {"data"}), recommend(2, {"data"})}},
      {"no folder", [](const fs::path&) {}, {train(2, {"data: no such folder"})}},
      {"out inside the data",
       good,
       {{{"train", "--data=data", "--out=data", "--set=train.epochs=1"},
         2,
         {"--out=data", "no bundle"}},
        {{"candidates", "--bundle=../good.bundle", "--data=data", "--out=data/interactions.csv"},
         2,
         {"--out=data/interactions.csv"}},
        {{"embed", "--bundle=../good.bundle", "--data=data", "--out=data"}, 2, {"--out=data"}}}},
      // ---- object stores, databases
      {"a store that is down",
       data_at("path: 's3://shop/interactions.csv'"),
       {train_there(1, {"s3://shop/interactions.csv", "127.0.0.1:1"},
                    {{"AWS_ENDPOINT_URL", "http://127.0.0.1:1"}, {"TORII_S3_TIMEOUT_S", "2"}})}},
      {"wrong credentials",
       data_at("path: 's3://shop/denied/interactions.csv'"),
       {train_there(1, {"s3://shop/denied/interactions.csv", "AWS_ACCESS_KEY_ID"}, faulty())}},
      {"a store that never answers",
       data_at("path: 's3://shop/interactions.csv'"),
       {train_there(1, {"s3://shop/interactions.csv", "TORII_S3_TIMEOUT_S"},
                    {{"AWS_ENDPOINT_URL", silent_server()}, {"TORII_S3_TIMEOUT_S", "2"}})}},
      {"no such object",
       data_at("path: 's3://shop/nothing.csv'"),
       {train_there(2, {"s3://shop/nothing.csv"})}},
      {"no such database",
       data_at("path: 'sqlite:none.db', table: events"),
       {train_there(2, {"none.db"})}},
      {"a database without a table",
       data_at("path: 'sqlite:none.db'"),
       {train_there(2, {"sqlite:none.db", "table and query"})}},
      {"no database at all",
       [](const fs::path& folder) {
         write_text(folder / "shop.db", "this is no database, whatever its name says");
         write_text(folder / "t.yaml",
                    "data: {interactions: {path: 'sqlite:shop.db', table: events}}\n");
       },
       {train_there(2, {"shop.db", "database"})}},
      {"a server of databases that is down",
       data_at("path: 'postgres://me:secret@127.0.0.1:1/shop', table: events"),
       {train_there(1, {"postgres://me@127.0.0.1:1/shop"})}},
  };
}

}  // namespace torii

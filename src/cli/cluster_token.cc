#include "cli/cluster_token.h"

#include <cstddef>
#include <filesystem>

#include "base/file.h"

namespace torii::cli {
namespace {

constexpr std::size_t kTokenBytesMax = 64 * 1024;

Result<std::string> read_token(const std::string& path) {
  TORII_TRY(std::string token, read_file(path, kTokenBytesMax));
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r' || token.back() == ' ')) {
    token.pop_back();
  }
  return token;
}

}  // namespace

Result<std::string> cluster_token(const Session& session, const std::string& file,
                                  const std::string& of_pod) {
  if (!file.empty()) return read_token(file);
  const Environment& environment = session.environment();
  const auto found = environment.find("TORII_CLUSTER_TOKEN");
  if (found != environment.end()) return found->second;
  std::error_code ignored;
  return std::filesystem::exists(of_pod, ignored) ? read_token(of_pod) : Result<std::string>("");
}

}  // namespace torii::cli

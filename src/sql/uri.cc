#include "sql/uri.h"

#include <algorithm>
#include <charconv>

namespace torii::sql {
namespace {

std::string decoded(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16).ptr ==
            text.data() + i + 3) {
      result += static_cast<char>(value);
      i += 2;
    } else {
      result += text[i];
    }
  }
  return result;
}

void add_secret(std::string_view text, std::vector<std::string>& secrets) {
  if (text.empty()) return;
  secrets.emplace_back(text);
  if (std::string plain = decoded(text); plain != text) secrets.push_back(std::move(plain));
}

}  // namespace

bool is_sqlite(std::string_view uri) {
  return uri.starts_with("sqlite:");
}

bool is_postgres(std::string_view uri) {
  return uri.starts_with("postgres://") || uri.starts_with("postgresql://");
}

PostgresUri parse_postgres_uri(std::string_view uri) {
  PostgresUri result;
  const std::size_t scheme_end = uri.find("://") + 3;
  result.shown = uri.substr(0, scheme_end);
  std::string_view rest = uri.substr(scheme_end);
  const std::size_t query = rest.find('?');
  if (query != std::string_view::npos) {
    std::string_view parameters = rest.substr(query + 1);
    rest = rest.substr(0, query);
    while (!parameters.empty()) {
      const std::size_t end = std::min(parameters.find('&'), parameters.size());
      const std::string_view one = parameters.substr(0, end);
      const std::size_t equals = std::min(one.find('='), one.size());
      const std::string_view key = one.substr(0, equals);
      if (key == "password" || key == "sslpassword") {
        add_secret(one.substr(std::min(equals + 1, one.size())), result.secrets);
      }
      parameters.remove_prefix(std::min(end + 1, parameters.size()));
    }
  }
  // The last @: a password that somebody did not encode may hold one.
  const std::size_t at = rest.rfind('@');
  if (at != std::string_view::npos) {
    const std::string_view login = rest.substr(0, at);
    const std::size_t colon = login.find(':');
    result.shown += login.substr(0, colon);
    result.shown += '@';
    if (colon != std::string_view::npos) add_secret(login.substr(colon + 1), result.secrets);
    rest = rest.substr(at + 1);
  }
  result.shown += rest;
  return result;
}

std::string redacted(std::string text, const std::vector<std::string>& secrets) {
  for (const std::string& secret : secrets) {
    if (secret.empty()) continue;
    for (std::size_t at = 0; (at = text.find(secret, at)) != std::string::npos; at += 3) {
      text.replace(at, secret.size(), "***");
    }
  }
  return text;
}

}  // namespace torii::sql

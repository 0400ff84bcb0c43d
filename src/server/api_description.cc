#include "server/api_description.h"

#include <algorithm>
#include <array>

#include "base/yaml.h"
#include "server/openapi_yaml.h"

namespace torii::server {
namespace {

constexpr const char* kPageHead = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>torii API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}
h2{margin-top:2.5rem;border-bottom:1px solid #ccc}
h3{font:600 1rem/1.4 ui-monospace,monospace;margin:1.4rem 0 .2rem}
p{margin:.2rem 0}code{font-family:ui-monospace,monospace}
table{border-collapse:collapse;margin:.4rem 0}td,th{border:1px solid #ccc;padding:.15rem .5rem;text-align:left}
@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}h2,td,th{border-color:#555}a{color:#8ab4f8}}
</style></head><body>
)";

// What stands behind the code of a problem; the anchors of their `type`.
constexpr std::array<std::pair<const char*, const char*>, 18> kCodes = {{
    {"invalid_argument", "400. The request is not as the document says; detail names the place."},
    {"unauthenticated", "401. A valid API key or user token is needed."},
    {"forbidden", "403. The key lacks the scope, or the data belong to somebody else."},
    {"not_found", "404. There is no such path, user, item or version."},
    {"method_not_allowed", "405. The field Allow names the methods that the path takes."},
    {"not_acceptable", "406. The field Accept does not take the type of the answer."},
    {"request_timeout", "408. The request did not arrive in time."},
    {"check_failed", "409. The state does not allow it."},
    {"body_too_large", "413. The body is larger than the server takes."},
    {"unsupported_media_type", "415. The body has to be application/json."},
    {"expectation_failed", "417. Only 100-continue can be expected."},
    {"misdirected_request", "421. A server with --open answers to local names only."},
    {"unsupported", "422. The model that is served cannot do it."},
    {"too_many_requests", "429. Slow down; Retry-After says for how long."},
    {"header_too_large", "431. The header is larger than the server takes."},
    {"internal", "500. A fault of the server; its log says more."},
    {"unavailable", "503. Nothing is published, the store is away, or too much is waiting."},
    {"http_version", "505. HTTP/1.1 and HTTP/1.0 are spoken."},
}};

std::string escaped(std::string_view text) {
  std::string out;
  for (const char letter : text) {
    if (letter == '<') {
      out += "&lt;";
    } else if (letter == '>') {
      out += "&gt;";
    } else if (letter == '&') {
      out += "&amp;";
    } else if (letter == '"') {
      out += "&quot;";
    } else {
      out.push_back(letter);
    }
  }
  return out;
}

std::string upper(std::string text) {
  for (char& letter : text) {
    if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 32);
  }
  return text;
}

// A parameter, or what its $ref points at.
const Json* resolved(const Json& document, const Json& parameter) {
  const auto reference = parameter.string_at("$ref");
  if (!reference) return &parameter;
  const Json* at = &document;
  std::string_view path = std::string_view(*reference).substr(2);  // behind "#/"
  while (at != nullptr && !path.empty()) {
    const std::size_t slash = path.find('/');
    at = at->find(path.substr(0, slash));
    path = slash == std::string_view::npos ? "" : path.substr(slash + 1);
  }
  return at;
}

void append_operation(std::string& out, const Json& document, const std::string& method,
                      const std::string& path, const Json& operation) {
  out += "<h3>" + upper(method) + " " + escaped(path) + "</h3>\n<p>" +
         escaped(operation.string_at("summary").value_or("")) + ". " +
         escaped(operation.string_at("description").value_or("")) + "</p>\n";
  const Json* parameters = operation.find("parameters");
  if (parameters == nullptr) return;
  out += "<table><tr><th>parameter</th><th>in</th><th></th></tr>\n";
  for (const Json& one : parameters->as_array()) {
    const Json* parameter = resolved(document, one);
    if (parameter == nullptr) continue;
    out += "<tr><td><code>" + escaped(parameter->string_at("name").value_or("")) +
           "</code></td><td>" + parameter->string_at("in").value_or("") + "</td><td>" +
           escaped(parameter->string_at("description").value_or("")) + "</td></tr>\n";
  }
  out += "</table>\n";
}

std::string page_of(const Json& document) {
  std::string out = kPageHead;
  out += "<h1>torii API</h1>\n<p>" +
         escaped(document.find("info")->string_at("description").value_or("")) +
         "</p>\n<p>The document for machines: <a href=\"/openapi.json\">/openapi.json</a></p>\n";
  for (const Json& tag : document.find("tags")->as_array()) {
    const std::string name = tag.string_at("name").value_or("");
    out += "<h2>" + escaped(name) + "</h2>\n<p>" +
           escaped(tag.string_at("description").value_or("")) + "</p>\n";
    for (const auto& [path, methods] : document.find("paths")->as_object()) {
      for (const auto& [method, operation] : methods.as_object()) {
        const Json* tags = operation.find("tags");
        if (tags != nullptr && tags->as_array().front().as_string() == name) {
          append_operation(out, document, method, path, operation);
        }
      }
    }
  }
  out += "<h2>Problems</h2>\n<table><tr><th>code</th><th>meaning</th></tr>\n";
  for (const auto& [code, meaning] : kCodes) {
    out += std::string("<tr id=\"") + code + "\"><td><code>" + code + "</code></td><td>" + meaning +
           "</td></tr>\n";
  }
  return out + "</table>\n</body></html>\n";
}

}  // namespace

Result<Json> openapi_document() {
  return parse_yaml(kOpenApiYaml, "openapi.yaml");
}

Result<ApiDescription> describe_api() {
  TORII_TRY(const Json document, openapi_document());
  return ApiDescription{document.dump(), page_of(document)};
}

}  // namespace torii::server

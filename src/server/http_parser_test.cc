#include "server/http_parser.h"

#include <gtest/gtest.h>

#include <string>

namespace torii::server {
namespace {

const ParseLimits kLimits{.header_bytes = 2048, .body_bytes = 2048};

Parsed parse(const std::string& bytes, HttpRequest& request) {
  return parse_request(bytes, kLimits, request);
}

TEST(HttpParser, FieldsAreBorrowedFromTheBytes) {
  const std::string bytes =
      "GET /v1/items/a HTTP/1.1\r\nHost: x\r\nAccept:  text/html \r\nX-Api-Key: k\r\n\r\n";
  HttpRequest request;
  const Parsed parsed = parse(bytes, request);
  ASSERT_EQ(parsed.state, ParseState::kDone);
  EXPECT_EQ(parsed.used, bytes.size());
  EXPECT_EQ(request.accept, "text/html");
  EXPECT_EQ(request.api_key, "k");
  for (const std::string_view field : {request.target, request.host, request.accept}) {
    EXPECT_GE(field.data(), bytes.data());
    EXPECT_LE(field.data() + field.size(), bytes.data() + bytes.size());
  }
}

// Joined lines would have to live somewhere; RFC 9112, section 5.2, lets a server refuse them.
TEST(HttpParser, FoldedFieldsAreRefused) {
  for (const char* fields :
       {"Accept: text/html,\r\n application/json\r\n", "X-Other: a\r\n\tb\r\n"}) {
    HttpRequest request;
    const std::string bytes = std::string("GET / HTTP/1.1\r\nHost: x\r\n") + fields + "\r\n";
    const Parsed parsed = parse(bytes, request);
    EXPECT_EQ(parsed.state, ParseState::kFailed) << fields;
    EXPECT_EQ(parsed.status, 400) << fields;
    EXPECT_NE(std::string(parsed.why).find("next line"), std::string::npos) << parsed.why;
  }
}

TEST(HttpParser, TrailersAreReadOver) {
  const std::string head =
      "POST /v1/events HTTP/1.1\r\nHost: x\r\nAccept: a/b\r\nTransfer-Encoding: chunked\r\n\r\n";
  HttpRequest request;
  ASSERT_EQ(parse(head, request).state, ParseState::kNeedBody);
  PartialRequest partial(head, kLimits);
  ASSERT_EQ(partial.head_size(), head.size());
  Parsed parsed;
  {
    const std::string rest = "2\r\n{}\r\n0\r\nAccept: c/d\r\nHost: y\r\nX-Api-Key: stolen\r\n\r\n";
    parsed = partial.feed(rest);
    EXPECT_EQ(parsed.used, rest.size());
  }
  ASSERT_EQ(parsed.state, ParseState::kDone);
  EXPECT_EQ(partial.request().body, "{}");
  EXPECT_EQ(partial.request().accept, "a/b");
  EXPECT_EQ(partial.request().host, "x");
  EXPECT_EQ(partial.request().api_key, "");
}

TEST(HttpParser, ChunksMayArriveByteByByte) {
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string body :
       {"0\r\n\r\n", "1\r\na\r\n0\r\n\r\n", "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: t\r\n\r\n"}) {
    PartialRequest partial(head, kLimits);
    std::string waiting;
    Parsed parsed;
    for (const char byte : body) {
      ASSERT_NE(parsed.state, ParseState::kDone) << body;
      waiting += byte;
      parsed = partial.feed(waiting);
      ASSERT_NE(parsed.state, ParseState::kFailed) << body << parsed.why;
      waiting.erase(0, parsed.used);
    }
    EXPECT_EQ(parsed.state, ParseState::kDone) << body;
    EXPECT_EQ(waiting, "");
    EXPECT_EQ(partial.request().body, body.front() == '3'   ? "abcde"
                                      : body.front() == '1' ? "a"
                                                            : "");
  }
}

}  // namespace
}  // namespace torii::server

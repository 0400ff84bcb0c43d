#include "server/http_parser.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <functional>
#include <string>
#include <utility>

namespace torii::server {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using BeastView = boost::beast::string_view;

std::string_view view(BeastView text) {
  return {text.data(), text.size()};
}

Method method_of(http::verb verb) {
  switch (verb) {
    case http::verb::get:
      return Method::kGet;
    case http::verb::head:
      return Method::kHead;
    case http::verb::post:
      return Method::kPost;
    case http::verb::put:
      return Method::kPut;
    case http::verb::delete_:
      return Method::kDelete;
    case http::verb::options:
      return Method::kOptions;
    default:
      return Method::kOther;
  }
}

bool equals_lower(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char letter = text[i];
    const char low =
        letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
    if (low != lower[i]) return false;
  }
  return true;
}

// Beast tells the grammar's parts; what matters of them is kept as views.
class Sink final : public http::basic_parser<true> {
 public:
  Sink(HttpRequest& request, const ParseLimits& limits) : request_(request) {
    header_limit(limits.header_bytes);
    body_limit(limits.body_bytes);
    eager(true);
  }

  // Chunks and pieces are put together here; a body in one piece is borrowed.
  std::string* gathered = nullptr;
  std::string_view input;       ///< what is being parsed, which fields are borrowed from
  const char* fault = nullptr;  ///< a rule of ours was broken
  int fault_status = 400;

 private:
  void refuse(const char* why, error_code& code, int status = 400) {
    fault = why;
    fault_status = status;
    code = http::error::bad_field;
  }
  void keep_once(std::string_view& field, bool& seen, BeastView value, error_code& code) {
    if (seen) return refuse("A header field that may be sent once was sent twice.", code);
    seen = true;
    field = view(value);
  }

  void on_request_impl(http::verb verb, BeastView, BeastView target, int version,
                       error_code&) override {
    request_.method = method_of(verb);
    request_.target = view(target);
    version_ = version;
  }
  void on_response_impl(int, BeastView, int, error_code&) override {}
  void on_field_impl(http::field name, BeastView name_text, BeastView value,
                     error_code& code) override {
    if (++fields_ > kFieldsMax) return refuse("Too many header fields.", code, 431);
    if (has_header_) return;  // a trailer: nothing in it counts
    // Beast joins the lines of a folded field in a buffer of its own, which does not last; RFC
    // 9112, section 5.2, lets a server refuse it.
    const auto begins = [&](const char* at) { return !std::less<>()(at, input.data()); };
    const auto ends = [&](const char* at) {
      return !std::less<>()(input.data() + input.size(), at);
    };
    if (!value.empty() && !(begins(value.data()) && ends(value.data() + value.size()))) {
      return refuse("A header field that goes on in the next line is not understood.", code);
    }
    switch (name) {
      case http::field::host:
        return keep_once(request_.host, seen_host_, value, code);
      case http::field::authorization:
        return keep_once(request_.authorization, seen_authorization_, value, code);
      case http::field::content_type:
        return keep_once(request_.content_type, seen_type_, value, code);
      case http::field::content_encoding:
        request_.content_encoding = view(value);
        return;
      case http::field::accept:
        request_.accept = view(value);
        return;
      case http::field::accept_encoding:
        request_.accept_encoding = view(value);
        return;
      case http::field::origin:
        return keep_once(request_.origin, seen_origin_, value, code);
      case http::field::access_control_request_method:
        request_.cors_method = view(value);
        return;
      case http::field::transfer_encoding:
        if (!equals_lower(view(value), "chunked")) {
          return refuse("Transfer-Encoding other than chunked is not understood.", code, 501);
        }
        return;
      case http::field::expect:
        if (!equals_lower(view(value), "100-continue")) {
          return refuse("Expect other than 100-continue is not understood.", code, 417);
        }
        request_.expects_continue = true;
        return;
      case http::field::unknown:
        if (equals_lower(view(name_text), "x-api-key")) {
          return keep_once(request_.api_key, seen_key_, value, code);
        }
        if (equals_lower(view(name_text), "x-request-id")) request_.request_id = view(value);
        return;
      default:
        return;
    }
  }
  void on_header_impl(error_code& code) override {
    has_header_ = true;
    if (version_ >= 11 && !seen_host_) return refuse("The header field Host is missing.", code);
    request_.keep_alive = keep_alive();
    request_.has_body = chunked() || content_length().has_value();
  }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(BeastView body, error_code&) override {
    if (gathered == nullptr) {
      request_.body = view(body);
    } else {
      gathered->append(body.data(), body.size());
    }
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, BeastView, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, BeastView body, error_code&) override {
    if (gathered != nullptr) gathered->append(body.data(), body.size());
    return body.size();
  }
  void on_finish_impl(error_code&) override {}

  static constexpr int kFieldsMax = 100;
  HttpRequest& request_;
  int version_ = 11;
  int fields_ = 0;
  bool has_header_ = false;
  bool seen_host_ = false, seen_authorization_ = false, seen_key_ = false, seen_type_ = false,
       seen_origin_ = false;
};

Parsed failed(const Sink& sink, error_code code) {
  if (sink.fault != nullptr) return {ParseState::kFailed, 0, sink.fault_status, sink.fault};
  if (code == http::error::header_limit) {
    return {ParseState::kFailed, 0, 431, "The header is larger than this server takes."};
  }
  if (code == http::error::body_limit) {
    return {ParseState::kFailed, 0, 413, "The body is larger than this server takes."};
  }
  if (code == http::error::bad_version) {
    return {ParseState::kFailed, 0, 505, "This server speaks HTTP/1.1 and HTTP/1.0."};
  }
  return {ParseState::kFailed, 0, 400, "This is not a well-formed HTTP request."};
}

// The shortest end of a chunked body, "0\r\n\r\n". Beast takes for granted that it is not given
// less of one than that, and it leaves the end untouched until all of it is there.
constexpr std::size_t kChunksEnd = 5;

Parsed run(Sink& sink, std::string_view bytes) {
  std::size_t used = 0;
  sink.input = bytes;
  while (!sink.is_done()) {
    const bool in_chunks = sink.is_header_done() && sink.chunked();
    if (in_chunks && bytes.size() - used < kChunksEnd) break;
    error_code code;
    const std::size_t taken =
        sink.put(boost::asio::const_buffer(bytes.data() + used, bytes.size() - used), code);
    used += taken;
    if (code == http::error::need_more) break;
    if (code) return failed(sink, code);
    if (taken == 0 || used == bytes.size()) break;
  }
  if (sink.is_done()) return {ParseState::kDone, used, 0, ""};
  return {sink.is_header_done() ? ParseState::kNeedBody : ParseState::kNeedHeader, used, 0, ""};
}

constexpr std::string_view kHeaderEnd = "\r\n\r\n";

}  // namespace

std::string_view method_name(Method method) {
  switch (method) {
    case Method::kGet:
      return "GET";
    case Method::kHead:
      return "HEAD";
    case Method::kPost:
      return "POST";
    case Method::kPut:
      return "PUT";
    case Method::kDelete:
      return "DELETE";
    case Method::kOptions:
      return "OPTIONS";
    case Method::kOther:
      break;
  }
  return "other";
}

Parsed parse_request(std::string_view bytes, const ParseLimits& limits, HttpRequest& request) {
  request = HttpRequest();
  // Empty lines before a request are forgiven (RFC 9112, section 2.2).
  std::size_t skipped = 0;
  while (skipped + 1 < bytes.size() && skipped < 8 && bytes[skipped] == '\r' &&
         bytes[skipped + 1] == '\n') {
    skipped += 2;
  }
  const std::string_view rest = bytes.substr(skipped);
  Sink sink(request, limits);
  Parsed parsed = run(sink, rest);
  // A chunked body has to be gathered: whoever asks hands the bytes to a PartialRequest.
  if (parsed.state == ParseState::kDone && sink.chunked()) parsed.state = ParseState::kNeedBody;
  parsed.used += parsed.state == ParseState::kDone ? skipped : 0;
  return parsed;
}

struct PartialRequest::State {
  explicit State(const ParseLimits& limits) : sink(request, limits) { sink.gathered = &body; }
  std::string head;
  std::size_t head_size = 0;
  std::string body;
  HttpRequest request;
  Sink sink;
};

PartialRequest::PartialRequest(std::string_view bytes, const ParseLimits& limits)
    : state_(std::make_unique<State>(limits)) {
  const std::size_t all = bytes.size();
  while (bytes.starts_with("\r\n")) bytes.remove_prefix(2);
  const std::size_t end = bytes.find(kHeaderEnd);
  state_->head = bytes.substr(0, end == std::string_view::npos ? bytes.size() : end + 4);
  state_->head_size = all - bytes.size() + state_->head.size();
  state_->sink.input = state_->head;
  error_code ignored;  // the header was read without a fault before
  (void)state_->sink.put(boost::asio::const_buffer(state_->head.data(), state_->head.size()),
                         ignored);
}

PartialRequest::~PartialRequest() = default;

Parsed PartialRequest::feed(std::string_view bytes) {
  const Parsed parsed = run(state_->sink, bytes);
  state_->request.body = state_->body;
  return parsed;
}

const HttpRequest& PartialRequest::request() const {
  return state_->request;
}

std::size_t PartialRequest::head_size() const {
  return state_->head_size;
}

}  // namespace torii::server

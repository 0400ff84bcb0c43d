#include "base/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <sstream>
#include <unordered_set>

namespace torii {
namespace {

constexpr std::size_t kSizeMax = std::size_t{16} << 20;
constexpr std::size_t kDepthMax = 100;

// What this reader refuses; thrown out of the library's callbacks and caught in parse_yaml().
struct Refused {
  int line;
  std::string why;
};

bool only(std::string_view text, std::string_view allowed) {
  return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

constexpr std::string_view kDigits = "0123456789";

std::optional<Json> whole_number(std::string_view text) {
  int base = 10;
  std::string_view digits = text;
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) digits.remove_prefix(1);
  if (text.starts_with("0x") && only(text.substr(2), "0123456789abcdefABCDEF")) {
    base = 16;
    digits = text.substr(2);
  } else if (text.starts_with("0o") && only(text.substr(2), "01234567")) {
    base = 8;
    digits = text.substr(2);
  } else if (!only(digits, kDigits)) {
    return std::nullopt;
  }
  const std::string signed_digits = (negative ? "-" : "") + std::string(digits);
  const char* end = signed_digits.data() + signed_digits.size();
  std::int64_t value = 0;
  const auto parsed = std::from_chars(signed_digits.data(), end, value, base);
  if (parsed.ec == std::errc{} && parsed.ptr == end) return Json(value);
  double wide = 0;  // beyond 64 bits: as near as a double comes
  const auto format = base == 16 ? std::chars_format::hex : std::chars_format::general;
  if (base == 8 || std::from_chars(signed_digits.data(), end, wide, format).ec != std::errc{}) {
    return std::nullopt;
  }
  return Json(wide);
}

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
std::optional<Json> broken_number(std::string_view text) {
  const bool negative = text.starts_with('-');
  std::string_view rest = text;
  if (negative || text.starts_with('+')) rest.remove_prefix(1);
  if (rest == ".inf" || rest == ".Inf" || rest == ".INF") {
    const double infinity = std::numeric_limits<double>::infinity();
    return Json(negative ? -infinity : infinity);
  }
  if (text == ".nan" || text == ".NaN" || text == ".NAN") {
    return Json(std::numeric_limits<double>::quiet_NaN());
  }
  std::string_view mantissa = rest.substr(0, rest.find_first_of("eE"));
  if (mantissa.size() != rest.size()) {
    std::string_view exponent = rest.substr(mantissa.size() + 1);
    if (exponent.starts_with('-') || exponent.starts_with('+')) exponent.remove_prefix(1);
    if (!only(exponent, kDigits)) return std::nullopt;
  }
  const std::size_t point = mantissa.find('.');
  const std::string_view whole = mantissa.substr(0, point);
  const std::string_view fraction =
      point == std::string_view::npos ? std::string_view() : mantissa.substr(point + 1);
  if (whole.empty() && fraction.empty()) return std::nullopt;
  if (!whole.empty() && !only(whole, kDigits)) return std::nullopt;
  if (!fraction.empty() && !only(fraction, kDigits)) return std::nullopt;
  double value = 0;
  const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (parsed.ec == std::errc::result_out_of_range) {
    // Too large or too small for a double; from_chars leaves the value alone.
    const std::size_t minus = rest.find_first_of("eE");
    const bool tiny = minus != std::string_view::npos && rest.substr(minus + 1).starts_with('-');
    value = tiny ? 0.0 : std::numeric_limits<double>::infinity();
  } else if (parsed.ec != std::errc{} || parsed.ptr != rest.data() + rest.size()) {
    return std::nullopt;
  }
  return Json(negative ? -value : value);
}

// YAML 1.2 core schema, section 10.3.2.
Json plain_scalar(const std::string& text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") {
    return Json();
  }
  if (text == "true" || text == "True" || text == "TRUE") return Json(true);
  if (text == "false" || text == "False" || text == "FALSE") return Json(false);
  if (auto number = whole_number(text)) return *number;
  if (auto number = broken_number(text)) return *number;
  return Json(text);
}

// Builds our tree from the parser's events; the library's own tree would lose quoting and expand
// aliases.
class YamlTreeBuilder : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    if (expects_key()) throw Refused{mark.line, "a key must be a text, found null"};
    add(mark, Json());
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Refused{mark.line, "aliases (*name) are not supported; write the value out"};
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_anchor(mark, anchor);
    const bool text = tag == "!" || tag == "tag:yaml.org,2002:str";
    if (!text && tag != "?" && !tag.empty()) refuse_tag(mark, tag);
    if (expects_key()) {
      Level& level = levels_.back();
      if (!level.keys.insert(value).second) {
        throw Refused{mark.line, fmt::format("key '{}' stands twice in one map", value)};
      }
      level.key = value;
      return;
    }
    add(mark, text ? Json(value) : plain_scalar(value));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Json::array());
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Json::object());
  }
  void OnMapEnd() override { close(); }

  Json root;

 private:
  struct Level {
    Json container;
    std::optional<std::string> key;
    std::unordered_set<std::string> keys;
  };

  static void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) {
      throw Refused{mark.line, "anchors (&name) are not supported; write the value out"};
    }
  }

  [[noreturn]] static void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    throw Refused{mark.line, fmt::format("the tag '{}' is not supported", tag)};
  }

  [[nodiscard]] bool expects_key() const {
    return !levels_.empty() && levels_.back().container.is_object() && !levels_.back().key;
  }

  void add(const YAML::Mark& mark, Json value) {
    if (mark.line >= 0) value.line = static_cast<std::uint32_t>(mark.line) + 1;
    place(std::move(value));
  }

  void place(Json value) {
    if (levels_.empty()) {
      root = std::move(value);
      return;
    }
    Level& level = levels_.back();
    if (level.container.is_array()) {
      level.container.push(std::move(value));
    } else {
      level.container.as_object().emplace_back(std::move(*level.key), std::move(value));
      level.key.reset();
    }
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Json container) {
    refuse_anchor(mark, anchor);
    if (tag != "?" && tag != "!" && !tag.empty()) refuse_tag(mark, tag);
    if (expects_key()) {
      throw Refused{mark.line,
                    fmt::format("a key must be a text, found {}", container.type_name())};
    }
    if (levels_.size() >= kDepthMax) {
      throw Refused{mark.line, fmt::format("nested deeper than {} levels", kDepthMax)};
    }
    if (mark.line >= 0) container.line = static_cast<std::uint32_t>(mark.line) + 1;
    levels_.push_back(Level{std::move(container), std::nullopt, {}});
  }

  void close() {
    Json done = std::move(levels_.back().container);
    levels_.pop_back();
    place(std::move(done));
  }

  std::vector<Level> levels_;
};

Error refusal(std::string_view name, int line, std::string_view why) {
  if (line < 0) return invalid("{}: {}", name, why);
  return invalid("{}:{}: {}", name, line + 1, why);
}

}  // namespace

Result<Json> parse_yaml(std::string_view text, std::string_view name) {
  if (text.size() > kSizeMax) {
    return make_error(ErrorCode::kResourceExhausted, "{}: {} bytes; the limit is {}", name,
                      text.size(), kSizeMax);
  }
  YamlTreeBuilder builder;
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) return std::move(builder.root);
    YamlTreeBuilder second;
    if (parser.HandleNextDocument(second)) {
      return invalid("{}: holds more than one document (---); expected one", name);
    }
  } catch (const Refused& refused) {
    return refusal(name, refused.line, refused.why);
  } catch (const YAML::Exception& e) {
    return refusal(name, e.mark.is_null() ? -1 : e.mark.line,
                   fmt::format("not valid YAML: {}", e.msg));
  } catch (const std::exception& e) {
    return invalid("{}: not valid YAML: {}", name, e.what());
  }
  return std::move(builder.root);
}

}  // namespace torii

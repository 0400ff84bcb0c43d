#include <algorithm>
#include <utility>

#include "base/printable.h"
#include "feast/online_layout.h"
#include "net/http_client.h"
#include "store/feast_writer.h"

// A Feast feature server writes: rows go to it as columns of JSON, batch after batch.
namespace torii::store {
namespace {

constexpr std::size_t kPushRows = 1000;
constexpr std::size_t kPushBytes = std::size_t{4} << 20;
constexpr std::size_t kPushAnswerMax = std::size_t{1} << 20;

class FeastPushWriter final : public FeastWriter {
 public:
  FeastPushWriter(FeastWriterInput input, std::string url)
      : input_(std::move(input)),
        url_(std::move(url)),
        client_(input_.environment, {.attempts_max = 8},
                input_.options.reporter == nullptr ? nobody_ : *input_.options.reporter) {
    while (url_.ends_with('/')) url_.pop_back();
  }

  [[nodiscard]] std::string shown() const override { return net::shown(url_); }
  [[nodiscard]] bool is_server() const override { return false; }  // the client tries again

  [[nodiscard]] Result<void> check() override {
    TORII_TRY(const net::Response answer, client_.get(url_ + "/health", {}, kPushAnswerMax));
    if (answer.status == 200) return {};
    return make_error(ErrorCode::kIo, "{}/health: status {}; expected a Feast feature server",
                      shown(), answer.status);
  }

  [[nodiscard]] Result<std::vector<Publication>> publications() override {
    return std::vector<Publication>();
  }

  [[nodiscard]] Result<std::uint64_t> write(const FeastCommit& commit,
                                            FeastOutcome& outcome) override {
    FeastOutcome done = fresh_outcome(input_.targets, *commit.rows);
    for (std::size_t i = 0; i < input_.targets.size(); ++i) {
      TORII_TRY_VOID(write_view(commit, input_.targets[i], done.views[i]));
    }
    outcome = std::move(done);
    return 1;
  }

 private:
  // A push goes into all views of the source, and needs the columns of each.
  [[nodiscard]] bool has_own_source(const FeastTarget& target) const {
    return !target.names.push_source.empty() &&
           std::ranges::count_if(input_.repo->registry.views, [&](const feast::FeatureView& view) {
             return view.stream.name == target.names.push_source;
           }) == 1;
  }

  Result<void> write_view(const FeastCommit& commit, const FeastTarget& target,
                          FeastOutcome::View& view) {
    FeastRowReader rows(*commit.rows, target.of_items());
    std::string ids;
    std::string values;
    std::uint64_t count = 0;
    for (;;) {
      TORII_TRY(const bool more, rows.next());
      if (more) {
        const auto value = rows.value(target.content);
        if (!value) continue;
        const char* comma = count == 0 ? "" : ",";
        ids += comma + Json(rows.id()).dump();
        values +=
            comma + feast::value_json(*value).dump();  // 1.0, never 1: types are guessed there
        ++count;
      }
      const bool is_full = count >= kPushRows || values.size() >= kPushBytes;
      if (count != 0 && (is_full || !more)) {
        TORII_TRY_VOID(send(commit, target, ids, values, count));
        view.written += count;
        TORII_TRY_VOID(commit.step(count));
        ids.clear();
        values.clear();
        count = 0;
      }
      if (!more) return {};
    }
  }

  Result<void> send(const FeastCommit& commit, const FeastTarget& target, const std::string& ids,
                    const std::string& values, std::uint64_t count) {
    const feast::Source& source = target.view->batch;
    // Without a zone, which Feast takes for UTC.
    std::string time = feast::shown_time(commit.info.created_ms);
    time.pop_back();
    std::string times = Json(time).dump();
    const std::size_t size = times.size();
    times.reserve(count * (size + 1));
    for (std::uint64_t i = 1; i < count; ++i) times.append(",").append(times, 0, size);
    std::string frame = fmt::format("{{{}:[{}],{}:[{}],{}:[{}]",
                                    Json(source.column_of(target.names.join_key)).dump(), ids,
                                    Json(source.column_of(target.names.feature)).dump(), values,
                                    Json(source.column_of(source.timestamp_field)).dump(), times);
    if (!source.created_timestamp_field.empty()) {
      frame += fmt::format(",{}:[{}]", Json(source.created_timestamp_field).dump(), times);
    }
    frame += '}';
    const bool pushes = has_own_source(target);
    const std::string body =
        pushes ? fmt::format("{{\"push_source_name\":{},\"df\":{},\"to\":\"online\"}}",
                             Json(target.names.push_source).dump(), frame)
               : fmt::format("{{\"feature_view_name\":{},\"df\":{}}}",
                             Json(target.names.view).dump(), frame);
    const char* path = pushes ? "/push" : "/write-to-online-store";
    TORII_TRY(
        const net::Response answer,
        client_.post(url_ + path, {{"Content-Type", "application/json"}}, body, kPushAnswerMax));
    if (answer.status == 200) return {};
    return make_error(answer.status >= 500 ? ErrorCode::kIo : ErrorCode::kInvalidArgument,
                      "{}{}: status {} for feature view '{}': {}", shown(), path, answer.status,
                      target.names.view, cut(visible(answer.body), 300));
  }

  FeastWriterInput input_;
  std::string url_;
  Reporter nobody_;
  net::HttpClient client_;
};

}  // namespace

Result<std::unique_ptr<FeastWriter>> make_feast_push_writer(FeastWriterInput input) {
  std::string url = input.push;
  const feast::RepoConfig& config = input.repo->config;
  if (url.empty()) url = config.online.string_at("path").value_or("");
  if (!url.starts_with("http://") && !url.starts_with("https://")) {
    return invalid("{}: expected the URL of a Feast feature server, such as http://host:6566",
                   input.push.empty() ? config.file + ": online_store: `path`"
                                      : std::string("publish.feast.push"));
  }
  // Of a remote online store: the file of the authority that signed the server's certificate.
  const auto certificate = config.online.string_at("cert");
  if (input.push.empty() && certificate && !certificate->empty()) {
    input.environment["SSL_CERT_FILE"] = config.resolved(*certificate);
  }
  return std::unique_ptr<FeastWriter>(
      std::make_unique<FeastPushWriter>(std::move(input), std::move(url)));
}

}  // namespace torii::store

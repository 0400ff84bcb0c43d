#include "data/feast_offline.h"

#include <arrow/c/bridge.h>
#include <arrow/table.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/hash.h"
#include "base/json.h"
#include "base/printable.h"
#include "base/reporter.h"
#include "base/shared_library.h"
#include "data/arrow_convert.h"
#include "data/flight/pull.h"

namespace torii::data {
namespace {

constexpr double kTimeoutS = 600;

// libtorii_flight.so, opened by the first that asks.
struct Flight {
  decltype(&torii_flight_pull) pull = nullptr;
  std::string fault;
};
const Flight& flight_library() {
  static const Flight kFlight = [] {
    static SharedLibrary library("libtorii_flight.so");
    Flight flight;
    library.find("torii_flight_pull", flight.pull);
    flight.fault = library.fault();
    return flight;
  }();
  return kFlight;
}

Json names(const std::vector<feast::ServiceColumn>& columns) {
  Json list = Json::array();
  for (const auto& column : columns) list.push(column.column);
  return list;
}

// The question in the words of Feast's offline server; any time counts.
std::string command_of(const feast::Repo& repo, const feast::ServiceView& view) {
  const std::string& source = view.view->batch.name;
  Json command = Json::object();
  command.set("api", "pull_all_from_table_or_query")
      .set("data_source_name", source)
      .set("join_key_columns", names(view.keys))
      .set("feature_name_columns", names(view.features))
      .set("timestamp_field", view.timestamp)
      .set("created_timestamp_column",
           view.created_timestamp.empty() ? Json() : Json(view.created_timestamp))
      .set("start_date", "1900-01-01T00:00:00+00:00")
      .set("end_date", "2200-01-01T00:00:00+00:00")
      .set("project", repo.config.project);
  // The server knows what belongs together by an id that looks like a random one.
  const std::string hex = sha256_hex(command.dump() + view.view->name);
  return command
      .set("command_id", fmt::format("{}-{}-4{}-8{}-{}", hex.substr(0, 8), hex.substr(8, 4),
                                     hex.substr(12, 3), hex.substr(15, 3), hex.substr(18, 12)))
      .dump();
}

Result<Table> to_table(const arrow::Table& table, const std::vector<std::string>& columns,
                       const std::string& where) {
  std::vector<Column> converted;
  for (const std::string& name : columns) {
    const auto array = table.GetColumnByName(name);
    if (array == nullptr) {
      return invalid("{}: the answer has no column '{}'; it has {}", where, visible(name),
                     fmt::join(table.ColumnNames(), ", "));
    }
    const std::string place = fmt::format("{}: column '{}'", where, visible(name));
    TORII_TRY(Converted column, from_arrow(*array, {.name = name, .where = place}));
    converted.push_back(std::move(column.column));
  }
  return Table(std::move(converted), where);
}

}  // namespace

Result<Table> read_feast_offline(const feast::Repo& repo, const feast::ServiceView& view,
                                 const std::vector<std::string>& columns,
                                 const ReadContext& context) {
  const Json& store = repo.config.offline;
  const auto host = store.string_at("host");
  if (!host) {
    return invalid("{}: offline_store: `host` of the offline server is missing", repo.config.file);
  }
  const std::string scheme = store.string_at("scheme").value_or("grpc");
  if (scheme != "grpc" && scheme != "grpc+tcp") {
    return make_error(ErrorCode::kUnsupported,
                      "{}: offline_store: torii speaks to offline servers in the clear, found "
                      "scheme '{}'",
                      repo.config.file, visible(scheme));
  }
  const std::string location =
      fmt::format("grpc://{}:{}", *host, store.int_at("port").value_or(8815));
  const Flight& flight = flight_library();
  if (flight.pull == nullptr) {
    return make_error(
        ErrorCode::kUnsupported,
        "{}: the library that asks offline servers cannot be used ({}); install torii "
        "whole",
        location, flight.fault);
  }
  if (context.reporter != nullptr && context.reporter->cancelled()) {
    return make_error(ErrorCode::kCancelled, "{}: interrupted", location);
  }
  ArrowArrayStream stream{};
  std::array<char, 1024> why{};
  const std::string command = command_of(repo, view);
  if (flight.pull(location.c_str(), command.c_str(), kTimeoutS, &stream, why.data(),
                  static_cast<unsigned>(why.size())) != 0) {
    return make_error(ErrorCode::kIo,
                      "{}: offline server of Feast: {}; is `feast serve_offline` running there?",
                      location, visible(why.data()));
  }
  const auto read = [&]() -> arrow::Result<std::shared_ptr<arrow::Table>> {
    ARROW_ASSIGN_OR_RAISE(const auto reader, arrow::ImportRecordBatchReader(&stream));
    return reader->ToTable();
  }();
  if (!read.ok()) return from_status(read.status(), location, ErrorCode::kCorrupt);
  return to_table(**read, columns, fmt::format("{} {}", location, view.view->batch.name));
}

}  // namespace torii::data

#include "data/flight/pull.h"

#include <arrow/c/bridge.h>
#include <arrow/flight/client.h>
#include <arrow/table.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

namespace {

namespace flight = arrow::flight;

arrow::Result<std::shared_ptr<arrow::Table>> pull(const std::string& location,
                                                  const std::string& command, double timeout_s) {
  ARROW_ASSIGN_OR_RAISE(const auto where, flight::Location::Parse(location));
  ARROW_ASSIGN_OR_RAISE(const auto client, flight::FlightClient::Connect(where));
  flight::FlightCallOptions options;
  options.timeout = flight::TimeoutDuration{timeout_s};
  const auto descriptor = flight::FlightDescriptor::Command(command);
  // The entities that a point-in-time join would be made for; this question has none.
  const auto schema = arrow::schema({arrow::field("key", arrow::int64())});
  ARROW_ASSIGN_OR_RAISE(auto put, client->DoPut(options, descriptor, schema));
  ARROW_ASSIGN_OR_RAISE(const auto none, arrow::Table::MakeEmpty(schema));
  ARROW_RETURN_NOT_OK(put.writer->WriteTable(*none));
  ARROW_RETURN_NOT_OK(put.writer->Close());
  ARROW_ASSIGN_OR_RAISE(const auto info, client->GetFlightInfo(options, descriptor));
  if (info->endpoints().empty()) return arrow::Status::IOError("the server offers no data");
  ARROW_ASSIGN_OR_RAISE(const auto answer,
                        client->DoGet(options, info->endpoints().front().ticket));
  ARROW_ASSIGN_OR_RAISE(auto table, answer->ToTable());
  ARROW_RETURN_NOT_OK(client->Close());
  return table;
}

arrow::Status pull_into(const char* location, const char* command, double timeout_s,
                        ArrowArrayStream* stream) {
  ARROW_ASSIGN_OR_RAISE(auto table, pull(location, command, timeout_s));
  return arrow::ExportRecordBatchReader(std::make_shared<arrow::TableBatchReader>(std::move(table)),
                                        stream);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int torii_flight_pull(
    const char* location, const char* command, double timeout_s, ArrowArrayStream* stream,
    char* error, unsigned error_size) {
  const arrow::Status status = pull_into(location, command, timeout_s, stream);
  if (status.ok()) return 0;
  const std::string message = status.message();
  const std::size_t size = std::min<std::size_t>(message.size(), error_size - 1);
  std::memcpy(error, message.data(), size);
  error[size] = '\0';
  return 1;
}

#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "cli/session.h"
#include "pipeline/settings.h"
#include "server/log.h"
#include "server/metrics.h"

namespace torii::cli {

/// Pipelines that run by the clock beside a service: each is a process of its own, `torii pipeline
/// schedule`, at the lowest priority, which is begun again if it ends. Threads: gauges() from any.
class ScheduledPipelines {
 public:
  /// Looks at each call, the words behind `torii pipeline schedule`; nothing runs yet. Errors:
  /// kInvalidArgument, with what the verb said.
  [[nodiscard]] static Result<std::unique_ptr<ScheduledPipelines>> open(
      const Session& session, const std::vector<std::string>& calls, server::Log& log);
  ~ScheduledPipelines();
  ScheduledPipelines(const ScheduledPipelines&) = delete;
  ScheduledPipelines& operator=(const ScheduledPipelines&) = delete;

  void start();
  /// The last and the next time of each, and how it went.
  [[nodiscard]] std::vector<server::Gauge> gauges() const;

 private:
  struct Watched {
    std::string name;
    std::vector<std::string> command;
    std::filesystem::path record;  ///< of its keeper
    pipeline::Schedule schedule;
    std::atomic<bool> is_up = false;
    std::thread thread = {};
  };
  ScheduledPipelines(const Session& session, server::Log& log) : session_(session), log_(log) {}
  [[nodiscard]] Result<void> look_at(const std::string& call);
  void keep_alive(Watched& watched);
  [[nodiscard]] bool stops() const { return stop_ || session_.reporter().cancelled(); }

  const Session& session_;
  server::Log& log_;
  std::atomic<bool> stop_ = false;
  std::vector<std::unique_ptr<Watched>> all_ = {};
};

}  // namespace torii::cli

#pragma once

#include <arrow/filesystem/s3fs.h>
#include <arrow/result.h>
#include <arrow/status.h>
#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "base/result.h"
#include "blob/name.h"
#include "blob/s3_settings.h"

// The one place that knows how Arrow's S3 library is started, called and ended.
namespace torii::blob {

using S3 = std::shared_ptr<arrow::fs::S3FileSystem>;

/// The connection for these settings; one per settings and process, so that many objects share
/// their sockets. Starts the library at the first call, which also lets exit() end the process at
/// once, without destructors of static objects. Threads: any.
[[nodiscard]] Result<S3> connect(const S3Settings& settings, const S3Name& name);

/// Runs `request` on a thread of its own and waits until it is done or nothing was heard of it for
/// `timeout_s`; nullopt then. `request` may run on after that: it owns all it touches, and it calls
/// its argument to tell that it goes on.
template <class Answer>
std::optional<Answer> within(double timeout_s,
                             std::function<Answer(const std::function<void()>& tell)> request) {
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    std::optional<Answer> answer;
    std::uint64_t told = 0;
  };
  auto state = std::make_shared<State>();
  std::thread([state, request = std::move(request)] {
    // A write to a connection that the other side closed is an error here, not our end.
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    Answer answer = request([&] {
      const std::scoped_lock lock(state->mutex);
      ++state->told;
      state->changed.notify_all();
    });
    const std::scoped_lock lock(state->mutex);
    state->answer = std::move(answer);
    state->changed.notify_all();
  }).detach();
  std::unique_lock lock(state->mutex);
  for (std::uint64_t heard = 0;;) {
    const bool in_time =
        state->changed.wait_for(lock, std::chrono::duration<double>(timeout_s),
                                [&] { return state->answer.has_value() || state->told != heard; });
    if (state->answer.has_value()) return std::move(state->answer);
    if (!in_time) return std::nullopt;
    heard = state->told;
  }
}

/// What the library's message means for a user: which store, what it refused and what to do. Needs
/// `s3` to tell a missing bucket from a missing key. No secret is in it.
[[nodiscard]] Error s3_error(const arrow::Status& status, const S3Name& name,
                             const S3Settings& settings, std::string_view action, const S3& s3);
[[nodiscard]] Error s3_timeout(const S3Name& name, const S3Settings& settings,
                               std::string_view action);

}  // namespace torii::blob

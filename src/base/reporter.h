#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace torii {

/// Where long work tells how it goes. Passed down by reference; modules never print. All calls may
/// come from one thread at a time only. The default does nothing: tests and libraries use it.
class Reporter {
 public:
  virtual ~Reporter() = default;

  /// A stage begins: "encode texts", 1,318 "texts". total 0 = unknown.
  virtual void begin(std::string_view stage, std::uint64_t total, std::string_view unit);
  /// `done` of total so far (not a difference); `detail` may hold "loss 0.123  ndcg@10 0.21".
  virtual void progress(std::uint64_t done, std::string_view detail);
  /// The stage is over; `summary` is one line worth keeping, or empty.
  virtual void end(std::string_view summary);
  /// A line worth keeping, and a thing the user should know of.
  virtual void note(std::string_view text);
  virtual void warn(std::string_view text);
  /// True once the user asked to stop (Ctrl-C): long loops look at it and return kCancelled.
  [[nodiscard]] virtual bool cancelled() const;
};

}  // namespace torii

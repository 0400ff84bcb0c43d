#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace torii::pipeline {

/// A piece of a word of a command line: text as it stands, or a placeholder.
struct Segment {
  enum class Kind {
    kText,       ///< as it stands
    kParameter,  ///< ${params.NAME}: the value of a parameter of the pipeline
    kInput,      ///< ${inputs.NAME}: path or location of an artifact; the text of a value
    kOutput,     ///< ${outputs.NAME}: path or location to write to; the file for a value
    kItem,       ///< ${item}: of a fan-out over items
    kShard,      ///< ${shard}: which task of a fan-out this is, from 1
    kShards,     ///< ${shards}: how many there are
    kRunId,      ///< ${run.id}: of this run of the pipeline
    kRunStatus,  ///< ${run.status}: in the exit step only: how the run ended, in the target's words
  };
  Kind kind = Kind::kText;
  std::string text = {};  ///< the text, or NAME
  friend bool operator==(const Segment&, const Segment&) = default;
};

struct Word {
  std::string text;  ///< as it was written
  std::vector<Segment> segments = {};
  std::uint32_t line = 0;
};

/// Reads the placeholders of one word; `$${` stands for `${`. Errors: kInvalidArgument for a
/// placeholder that is none, without file and line.
[[nodiscard]] Result<Word> parse_word(std::string_view text);

/// Splits a line as a shell does, at spaces, with '...' and "..." kept together, `\` before a
/// letter; nothing else means anything. Errors: kInvalidArgument for a quote that does not end.
[[nodiscard]] Result<std::vector<std::string>> split_command(std::string_view line);

/// What a placeholder stands for: one text, or a list of them (an input from a fan-out, a parameter
/// of type list).
struct Filling {
  Filling(std::string text) : texts{std::move(text)} {}  // NOLINT: implicit
  explicit Filling(std::vector<std::string> list) : texts(std::move(list)), is_list(true) {}
  std::vector<std::string> texts;
  bool is_list = false;
};

/// The command line with its placeholders filled in. A word that holds a list is repeated, once for
/// each of its elements: "--candidates=${inputs.lists}". Graph::make() has made sure that a word
/// holds one list at most.
[[nodiscard]] std::vector<std::string> fill(const std::vector<Word>& words,
                                            const std::function<Filling(const Segment&)>& filling);
/// The same for one word that holds no list.
[[nodiscard]] std::string fill(const Word& word,
                               const std::function<Filling(const Segment&)>& filling);

}  // namespace torii::pipeline

#include "pipeline/words.h"

#include <optional>
#include <utility>

#include "base/check.h"

namespace torii::pipeline {
namespace {

std::optional<Segment> placeholder(std::string_view name) {
  using Kind = Segment::Kind;
  const auto after = [&](std::string_view prefix) {
    return name.size() > prefix.size() && name.starts_with(prefix);
  };
  const auto rest = [&](std::string_view prefix) {
    return std::string(name.substr(prefix.size()));
  };
  if (after("params.")) return Segment{Kind::kParameter, rest("params.")};
  if (after("inputs.")) return Segment{Kind::kInput, rest("inputs.")};
  if (after("outputs.")) return Segment{Kind::kOutput, rest("outputs.")};
  if (name == "item") return Segment{Kind::kItem};
  if (name == "shard") return Segment{Kind::kShard};
  if (name == "shards") return Segment{Kind::kShards};
  if (name == "run.id") return Segment{Kind::kRunId};
  if (name == "run.status") return Segment{Kind::kRunStatus};
  return std::nullopt;
}

void add_text(Word& word, std::string_view text) {
  if (text.empty()) return;
  if (word.segments.empty() || word.segments.back().kind != Segment::Kind::kText) {
    word.segments.push_back({Segment::Kind::kText, {}});
  }
  word.segments.back().text += text;
}

}  // namespace

Result<Word> parse_word(std::string_view text) {
  Word word{.text = std::string(text), .segments = {}, .line = 0};
  while (!text.empty()) {
    const std::size_t at = text.find('$');
    add_text(word, text.substr(0, at));
    if (at == std::string_view::npos) break;
    text.remove_prefix(at);
    if (text.starts_with("$${")) {
      add_text(word, "${");
      text.remove_prefix(3);
    } else if (text.starts_with("${")) {
      const std::size_t end = text.find('}');
      if (end == std::string_view::npos) {
        return invalid(
            "'{}': a placeholder begins with ${{ and has no }}; a plain ${{ is written "
            "$${{",
            word.text);
      }
      const std::string_view name = text.substr(2, end - 2);
      auto segment = placeholder(name);
      if (!segment) {
        return invalid(
            "'{}': ${{{}}} is no placeholder; there are ${{params.NAME}}, ${{inputs.NAME}}, "
            "${{outputs.NAME}}, ${{item}}, ${{shard}}, ${{shards}}, ${{run.id}} and, in the exit "
            "step, ${{run.status}}; a plain ${{ is written $${{",
            word.text, name);
      }
      word.segments.push_back(*std::move(segment));
      text.remove_prefix(end + 1);
    } else {
      add_text(word, "$");
      text.remove_prefix(1);
    }
  }
  return word;
}

Result<std::vector<std::string>> split_command(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char letter = line[i];
    if (quote != 0) {
      if (letter == quote) {
        quote = 0;
      } else if (letter == '\\' && quote == '"' && i + 1 < line.size() &&
                 (line[i + 1] == '"' || line[i + 1] == '\\')) {
        word += line[++i];
      } else {
        word += letter;
      }
    } else if (letter == '\'' || letter == '"') {
      quote = letter;
      in_word = true;
    } else if (letter == ' ' || letter == '\t' || letter == '\n' || letter == '\r') {
      if (in_word) words.push_back(std::exchange(word, {}));
      in_word = false;
    } else {
      if (letter == '\\' && i + 1 < line.size()) ++i;
      word += line[i];
      in_word = true;
    }
  }
  if (quote != 0) return invalid("a quote ({}) does not end", quote);
  if (in_word) words.push_back(std::move(word));
  return words;
}

namespace {

std::vector<std::string> fill_word(const Word& word,
                                   const std::function<Filling(const Segment&)>& filling) {
  std::vector<std::string> texts = {""};
  for (const Segment& segment : word.segments) {
    const Filling filled =
        segment.kind == Segment::Kind::kText ? Filling(segment.text) : filling(segment);
    if (!filled.is_list) {
      for (std::string& text : texts) text += filled.texts.front();
      continue;
    }
    TORII_CHECK(texts.size() == 1, "a word holds one list at most");
    const std::string before = std::move(texts.front());
    texts.clear();
    for (const std::string& value : filled.texts) texts.push_back(before + value);
    if (texts.empty()) break;
  }
  return texts;
}

}  // namespace

std::vector<std::string> fill(const std::vector<Word>& words,
                              const std::function<Filling(const Segment&)>& filling) {
  std::vector<std::string> filled;
  for (const Word& word : words) {
    for (std::string& text : fill_word(word, filling)) filled.push_back(std::move(text));
  }
  return filled;
}

std::string fill(const Word& word, const std::function<Filling(const Segment&)>& filling) {
  std::vector<std::string> texts = fill_word(word, filling);
  TORII_CHECK(texts.size() == 1, "the word holds no list");
  return std::move(texts.front());
}

}  // namespace torii::pipeline

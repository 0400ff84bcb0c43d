#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "pipeline/check_graph.h"

namespace torii::pipeline {
namespace {

constexpr std::size_t kWordsMax = 1000;

class StepWords {
 public:
  StepWords(const GraphData& data, const Step& step, Faults& faults)
      : data_(data), step_(step), faults_(faults) {}

  void check() {
    if (step_.command.empty()) {
      fault(step_.line, "it has no command; write the words of one: command: torii ...");
    }
    if (step_.command.size() > kWordsMax) {
      fault(step_.line,
            fmt::format("its command has {} words; {} at most", step_.command.size(), kWordsMax));
    }
    for (const Word& word : step_.command) check_word(word);
    for (const Input& input : step_.inputs) {
      for (const Segment& segment : input.location.segments) {
        if (segment.kind == Segment::Kind::kParameter) {
          if (check_parameter(segment.text, input.line)) {
            fault(input.line, fmt::format("input '{}': '{}' is a list; a location is one text",
                                          input.name, segment.text));
          }
        } else if (segment.kind != Segment::Kind::kText) {
          fault(input.line, fmt::format("input '{}': only ${{params.NAME}} may stand in a location",
                                        input.name));
        }
      }
    }
    check_ports();
  }

 private:
  void fault(std::uint32_t line, std::string_view text) {
    faults_.add(line, fmt::format("step '{}': {}", step_.name, text));
  }

  void check_word(const Word& word) {
    int lists = 0;
    for (const Segment& segment : word.segments) {
      if (check_segment(word, segment)) ++lists;
    }
    if (lists > 1) {
      fault(word.line, fmt::format("'{}' holds {} lists; a word is repeated for one at most",
                                   word.text, lists));
    }
    if (lists == 1 && &word == &step_.command.front()) {
      fault(word.line, fmt::format("'{}': the program cannot be a list", word.text));
    }
  }

  // Whether the placeholder stands for a list.
  bool check_segment(const Word& word, const Segment& segment) {
    using Kind = Segment::Kind;
    const bool is_exit = data_.exit && &*data_.exit == &step_;
    switch (segment.kind) {
      case Kind::kText:
        return false;
      case Kind::kParameter:
        return check_parameter(segment.text, word.line);
      case Kind::kInput: {
        const Input* input = step_.input(segment.text);
        if (input == nullptr) {
          std::vector<std::string> names;
          for (const Input& one : step_.inputs) names.push_back(one.name);
          fault(word.line, fmt::format("'{}': there is no input '{}'{}; add it to `inputs`",
                                       word.text, segment.text, did_you_mean(segment.text, names)));
          return false;
        }
        used_inputs_.insert(input->name);
        const auto from = std::ranges::find(data_.steps, input->step, &Step::name);
        return from != data_.steps.end() && from->fan_out.has_value();
      }
      case Kind::kOutput:
        if (step_.artifact(segment.text) == nullptr && step_.value(segment.text) == nullptr) {
          fault(word.line, fmt::format("'{}': there is no output '{}'; add it to `outputs`",
                                       word.text, segment.text));
        }
        used_outputs_.insert(segment.text);
        return false;
      case Kind::kItem:
        if (!step_.fan_out || step_.fan_out->kind != FanOut::Kind::kItems) {
          fault(word.line, fmt::format("'{}': ${{item}} stands for an item of for_each, which the "
                                       "step does not have",
                                       word.text));
        }
        return false;
      case Kind::kShard:
      case Kind::kShards:
        if (!step_.fan_out) {
          fault(word.line,
                fmt::format("'{}': the step has neither `shards` nor `for_each`", word.text));
        }
        return false;
      case Kind::kRunId:
        return false;
      case Kind::kRunStatus:
        if (!is_exit) {
          fault(word.line,
                fmt::format("'{}': ${{run.status}} is known in the exit step only", word.text));
        }
        return false;
    }
    return false;
  }

  bool check_parameter(const std::string& name, std::uint32_t line) {
    const auto found = std::ranges::find(data_.parameters, name, &Parameter::name);
    if (found == data_.parameters.end()) {
      std::vector<std::string> names;
      for (const Parameter& one : data_.parameters) names.push_back(one.name);
      fault(line, fmt::format("there is no parameter '{}'{}; declare it in `parameters`", name,
                              did_you_mean(name, names)));
      return false;
    }
    return found->type == ParameterType::kTexts;
  }

  void check_ports() {
    std::set<std::string, std::less<>> names;
    const auto check_name = [&](std::string_view what, const auto& port) {
      if (!is_port_name(port.name)) {
        fault(port.line, fmt::format("{} '{}': a name is a lower-case letter, then lower-case "
                                     "letters, digits and _, 50 in all at most",
                                     what, port.name));
      }
      if (!names.insert(port.name).second) {
        fault(port.line, fmt::format("two of its {}s are called '{}'", what, port.name));
      }
    };
    for (const Input& input : step_.inputs) {
      check_name("input", input);
      if (!used_inputs_.contains(input.name)) {
        fault(input.line, fmt::format("the input '{}' does not stand in the command; write "
                                      "${{inputs.{}}}, or for order alone use `after`",
                                      input.name, input.name));
      }
    }
    names.clear();
    const auto check_output = [&](const auto& output) {
      check_name("output", output);
      if (!used_outputs_.contains(output.name)) {
        fault(output.line, fmt::format("the output '{}' does not stand in the command, so nothing "
                                       "would write it; write ${{outputs.{}}}",
                                       output.name, output.name));
      }
    };
    for (const ArtifactOutput& output : step_.artifacts) check_output(output);
    for (const ValueOutput& output : step_.values) {
      check_output(output);
      if (output.type == ParameterType::kTexts) {
        fault(output.line, fmt::format("the output '{}' is a list; a value is a text, integer, "
                                       "number or flag",
                                       output.name));
      }
    }
  }

  const GraphData& data_;
  const Step& step_;
  Faults& faults_;
  std::set<std::string, std::less<>> used_inputs_;
  std::set<std::string, std::less<>> used_outputs_;
};

}  // namespace

void check_words(const GraphData& data, const Step& step, Faults& faults) {
  StepWords(data, step, faults).check();
}

}  // namespace torii::pipeline

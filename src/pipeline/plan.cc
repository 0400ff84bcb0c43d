#include "pipeline/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "base/check.h"
#include "pipeline/check_graph.h"
#include "pipeline/faults.h"

namespace torii::pipeline {
namespace {

constexpr std::size_t kTasksMax = 5000;
constexpr std::size_t kItemsMax = 1000;

template <class T>
std::optional<T> number_in(const std::string& text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, value);
  if (failure != std::errc{} || stop != end) return std::nullopt;
  return value;
}

Result<Json> parse_list(const std::string& text) {
  Json list = Json::array();
  if (text.starts_with('[')) {
    TORII_TRY(list, Json::parse(text, "list"));
    if (!is_of(list, ParameterType::kTexts)) return invalid("expected a list of texts");
    return list;
  }
  for (std::size_t at = 0; at <= text.size() && !text.empty();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    list.push(text.substr(at, end - at));
    at = end + 1;
  }
  return list;
}

// The values of all parameters, in their order.
std::vector<Json> settle(const Graph& graph, const Given& given, Plan::Missing missing,
                         Faults& faults) {
  std::vector<std::string> names;
  for (const Parameter& parameter : graph.data().parameters) names.push_back(parameter.name);
  std::set<std::string, std::less<>> told;
  for (const auto& [name, text] : given) {
    if (graph.parameter(name) == nullptr) {
      faults.add(0,
                 fmt::format("there is no parameter '{}'{}; {}", name, did_you_mean(name, names),
                             names.empty() ? "the pipeline has none"
                                           : fmt::format("there are: {}", fmt::join(names, ", "))));
    } else if (!told.insert(name).second) {
      faults.add(0, fmt::format("parameter '{}' is given twice", name));
    }
  }
  std::vector<Json> arguments;
  for (const Parameter& parameter : graph.data().parameters) {
    const auto found = std::ranges::find(given, parameter.name, &Given::value_type::first);
    if (found != given.end()) {
      auto value = parse_value(parameter.type, found->second);
      if (!value.ok()) {
        faults.add(0, fmt::format("parameter '{}': {}", parameter.name, value.error().message));
      }
      arguments.push_back(value.ok() ? *std::move(value) : Json());
    } else if (parameter.default_value) {
      arguments.push_back(*parameter.default_value);
    } else {
      arguments.emplace_back();
      if (missing == Plan::Missing::kRefuse || graph.shapes(parameter)) {
        faults.add(parameter.line,
                   fmt::format("parameter '{}' has no value; give it one: --param={}={}{}{}",
                               parameter.name, parameter.name, name_of(parameter.type),
                               parameter.help.empty() ? "" : "  ", parameter.help));
      }
    }
  }
  return arguments;
}

// The tasks that one step unfolds into.
std::vector<Task> unfold(const Step& step, std::size_t index, const Json& value, Faults& faults) {
  if (!step.fan_out) return {{.step = index, .name = step.name}};
  const FanOut& fan_out = *step.fan_out;
  std::vector<std::string> items = fan_out.items;
  std::int64_t shards = fan_out.shards;
  if (fan_out.kind == FanOut::Kind::kItems) {
    if (value.is_array()) {
      items.clear();
      for (const Json& item : value.as_array()) items.push_back(item.as_string());
    }
    shards = static_cast<std::int64_t>(items.size());
    if (items.empty() || items.size() > kItemsMax) {
      faults.add(fan_out.line,
                 fmt::format("step '{}': for_each: the list has {} elements; expected "
                             "1 to {}",
                             step.name, items.size(), kItemsMax));
      return {};
    }
  } else if (value.is_int()) {
    shards = value.as_int();
  }
  if (shards < 1 || shards > kShardsMax) {
    faults.add(fan_out.line, fmt::format("step '{}': shards: expected 1 to {}, found {}", step.name,
                                         kShardsMax, shards));
    return {};
  }
  std::vector<Task> tasks;
  for (std::int64_t shard = 1; shard <= shards; ++shard) {
    tasks.push_back({.step = index,
                     .name = fmt::format("{}-{}", step.name, shard),
                     .shard = shard,
                     .shards = shards,
                     .item = items.empty() ? "" : items[static_cast<std::size_t>(shard - 1)]});
  }
  return tasks;
}

}  // namespace

std::string value_text(const Json& value) {
  return value.is_string() ? value.as_string() : value.dump();
}

std::string settled_place(const std::string& place, const std::filesystem::path& folder) {
  const std::size_t colon = place.find(':');
  if (place.empty() || place.find("://") != std::string::npos) return place;
  if (colon != std::string::npos) {  // sqlite:FILE, feast:REPO, and addresses that no path is in
    const std::string scheme = place.substr(0, colon + 1);
    if (scheme != "sqlite:" && scheme != "feast:") return place;
    return scheme + settled_place(place.substr(colon + 1), folder);
  }
  return (folder / place).lexically_normal().string();
}

Given settled_places(const Graph& graph, Given given, const std::filesystem::path& folder) {
  for (const Parameter& parameter : graph.data().parameters) {
    if (parameter.type != ParameterType::kPlace) continue;
    const auto found = std::ranges::find(given, parameter.name, &Given::value_type::first);
    if (found != given.end()) {
      found->second = settled_place(found->second, folder);
    } else if (parameter.default_value) {
      given.emplace_back(parameter.name,
                         settled_place(parameter.default_value->as_string(), folder));
    }
  }
  return given;
}

Result<Json> parse_value(ParameterType type, const std::string& text) {
  switch (type) {
    case ParameterType::kText:
    case ParameterType::kPlace:
      return Json(text);
    case ParameterType::kInteger:
      if (const auto value = number_in<std::int64_t>(text)) return Json(*value);
      return invalid("expected a whole number, found '{}'", text);
    case ParameterType::kNumber:
      if (const auto value = number_in<std::int64_t>(text)) return Json(*value);
      if (const auto value = number_in<double>(text); value && std::isfinite(*value)) {
        return Json(*value);
      }
      return invalid("expected a number, found '{}'", text);
    case ParameterType::kFlag:
      if (text == "true" || text == "false") return Json(text == "true");
      return invalid("expected true or false, found '{}'", text);
    case ParameterType::kTexts:
      return parse_list(text);
  }
  return invalid("no type");
}

Result<Plan> Plan::make(const Graph& graph, const Given& given, Missing missing) {
  Faults faults(graph.data().source);
  Plan plan(graph);
  plan.arguments_ = settle(graph, given, missing, faults);
  if (!faults.empty()) return faults.error();
  std::set<std::string, std::less<>> names;
  for (const std::size_t index : graph.order()) {
    const Step& step = graph.steps()[index];
    const bool by_parameter = step.fan_out && !step.fan_out->parameter.empty();
    const Json value = by_parameter ? plan.argument(step.fan_out->parameter) : Json();
    for (Task& task : unfold(step, index, value, faults)) {
      if (!names.insert(task.name).second) {
        faults.add(step.line,
                   fmt::format("two tasks are called '{}'; rename one of the steps", task.name));
      }
      plan.tasks_.push_back(std::move(task));
    }
  }
  if (plan.tasks_.size() > kTasksMax) {
    faults.add(0, fmt::format("{} tasks; a run has {} at most", plan.tasks_.size(), kTasksMax));
  }
  if (!faults.empty()) return faults.error();
  return plan;
}

const Json& Plan::argument(std::string_view name) const {
  const std::vector<Parameter>& parameters = graph_.data().parameters;
  const auto found = std::ranges::find(parameters, name, &Parameter::name);
  TORII_CHECK(found != parameters.end(), "a parameter of the graph");
  return arguments_[static_cast<std::size_t>(found - parameters.begin())];
}

std::pair<std::size_t, std::size_t> Plan::tasks_of(std::size_t step) const {
  const auto first = std::ranges::find(tasks_, step, &Task::step);
  TORII_CHECK(first != tasks_.end(), "a step of the graph");
  return {static_cast<std::size_t>(first - tasks_.begin()),
          static_cast<std::size_t>(first->shards)};
}

std::vector<std::size_t> Plan::needs(std::size_t index) const {
  std::vector<std::size_t> needs;
  for (const std::size_t step : graph_.needs(tasks_[index].step)) {
    const auto [first, count] = tasks_of(step);
    for (std::size_t task = first; task < first + count; ++task) needs.push_back(task);
  }
  std::ranges::sort(needs);
  return needs;
}

Filling Plan::settled(const Segment& segment) const {
  const Json& value = argument(segment.text);
  if (!value.is_array()) return Filling(value_text(value));
  std::vector<std::string> list;
  for (const Json& element : value.as_array()) list.push_back(element.as_string());
  return Filling(std::move(list));
}

std::vector<std::string> Plan::command(const Task& task, const Place& place) const {
  return fill(step_of(task).command, [&](const Segment& segment) -> Filling {
    switch (segment.kind) {
      case Segment::Kind::kParameter:
        return settled(segment);
      case Segment::Kind::kItem:
        return task.item;
      case Segment::Kind::kShard:
        return std::to_string(task.shard);
      case Segment::Kind::kShards:
        return std::to_string(task.shards);
      default:
        return place(segment);
    }
  });
}

std::vector<std::string> Plan::exit_command(const Place& place) const {
  TORII_CHECK(graph_.data().exit.has_value(), "an exit step");
  return fill(graph_.data().exit->command, [&](const Segment& segment) -> Filling {
    return segment.kind == Segment::Kind::kParameter ? settled(segment) : place(segment);
  });
}

}  // namespace torii::pipeline

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "cli/configuration_check.h"
#include "cli/layout.h"
#include "cli/verbs.h"

namespace torii::cli {
namespace {

struct ConfigFlags {
  std::string key;
  bool explain = false;
  bool check = false;
};

std::string section_of(const std::string& key) {
  return key.substr(0, key.rfind('.'));
}

// What KEY names: one key, a section of them, or the last word of some.
Result<std::vector<const Option*>> chosen(const OptionSet& set, const std::string& key) {
  std::vector<const Option*> found;
  const auto choose = [&](auto&& fits) {
    if (!found.empty()) return;
    for (const Option& option : set.options()) {
      if (fits(option)) found.push_back(&option);
    }
  };
  choose([&](const Option& option) { return key.empty() || option.key == key; });
  choose([&](const Option& option) { return option.key.starts_with(key + "."); });
  choose([&](const Option& option) { return option.key.ends_with("." + key); });
  if (!found.empty()) return found;
  if (set.is_later(key)) {
    return make_error(ErrorCode::kUnsupported, "config: the section '{}' is not in this version",
                      key.substr(0, key.find('.')));
  }
  std::vector<std::string> known;
  for (const Option& option : set.options()) known.push_back(option.key);
  const auto near = nearest(key, known);
  return invalid("config: no key '{}'{}; `torii config --explain` prints all", key,
                 near ? fmt::format("; did you mean '{}'?", *near) : "");
}

std::string describe(const Session& session, const Option& option) {
  const std::string name = option.key.substr(option.key.rfind('.') + 1);
  std::string facts = option.type;
  if (!option.range_text.empty() && option.type != "yes/no") {
    facts += (option.type == "one of" ? " " : ", ") + option.range_text;
  }
  const bool no_default =
      option.default_text.empty() || option.default_text == "\"\"" || option.default_text == "[]";
  facts += no_default ? "; empty unless set" : "; default " + option.default_text;
  return fmt::format("  {}  {}\n    {}\n", session.strong(name), session.faint(wrap(facts, 4)),
                     wrap(option.help, 4));
}

Result<void> explain(Session& session, const ConfigFlags& flags) {
  const Config config;
  TORII_TRY(const auto options, chosen(config.set, flags.key));
  std::string text;
  std::string section;
  Json keys = Json::array();
  for (const Option* option : options) {
    if (section_of(option->key) != section) {
      section = section_of(option->key);
      text += fmt::format("{}{}\n", text.empty() ? "" : "\n", session.strong(section + ":"));
    }
    text += describe(session, *option);
    keys.push(Json::object()
                  .set("key", option->key)
                  .set("type", option->type)
                  .set("default", option->current())
                  .set("range", option->range_text)
                  .set("help", option->help));
  }
  session.print(text);
  session.answer(Json::object().set("keys", std::move(keys)));
  return {};
}

Result<void> check(Session& session) {
  CheckedConfig checked = read_whole_config(session);
  // What depends on several keys is looked at only if each of them is right.
  if (checked.faults.empty()) checked.faults = cross_check(session, *checked.config);
  Json list = Json::array();
  for (const Error& fault : checked.faults) list.push(fault.message);
  const bool ok = checked.faults.empty();
  Json document = Json::object();
  document.set("ok", ok).set("keys", checked.set_keys.size()).set("faults", std::move(list));
  if (ok) {
    session.answer(document);
    const std::string what =
        session.common().config.empty() ? "the defaults" : session.common().config;
    session.print(fmt::format("{} {}: {} keys are set, all of them right\n",
                              session.coloured(Session::Colour::kGreen, "✓"), what,
                              checked.set_keys.size()));
    return {};
  }
  if (checked.faults.size() == 1) {
    return session.refuse(std::move(document), std::move(checked.faults.front()));
  }
  std::string all = fmt::format("{} faults:", checked.faults.size());
  for (const Error& fault : checked.faults) all += "\n  " + fault.message;
  return session.refuse(std::move(document), {checked.faults.front().code, std::move(all)});
}

// Keys whose value differs from the default, with where that comes from.
Result<void> show(Session& session) {
  CheckedConfig checked = read_whole_config(session);
  if (!checked.faults.empty()) return std::move(checked.faults.front());
  const Config defaults;
  std::map<std::string, std::string> sources;
  for (const SetKey& key : checked.set_keys) sources[key.key] = key.source;
  TextTable table({"key", "value", "default", "from"});
  table.set_left_columns(4);
  Json values = Json::object();
  Json from = Json::object();
  for (const Option& option : checked.config->set.options()) {
    const Json value = option.current();
    const Json common = defaults.set.find(option.key)->current();
    if (value == common) continue;
    const auto source = sources.find(option.key);
    const std::string where = source == sources.end() ? "" : source->second;
    table.add({option.key, cut(visible(value.is_string() ? value.as_string() : value.dump()), 40),
               cut(visible(common.is_string() ? common.as_string() : common.dump()), 30), where});
    from.set(option.key, where);
    values.set(option.key, value);
  }
  session.print(values.as_object().empty() ? "every key has its default value\n" : table.text());
  session.answer(Json::object().set("values", std::move(values)).set("from", std::move(from)));
  return {};
}

Result<void> run(Session& session, const ConfigFlags& flags) {
  if (flags.explain && flags.check) {
    return invalid("config: --explain and --check are two things; give one of them");
  }
  if (!flags.key.empty() && !flags.explain) {
    return invalid("config: '{}' needs --explain in front of it", flags.key);
  }
  if (flags.explain) return explain(session, flags);
  return flags.check ? check(session) : show(session);
}

}  // namespace

void add_config(Verb& root, CommonFlags& common) {
  Verb& verb = root.child("config", "Explains, checks and shows the keys of torii.yaml.");
  auto flags = std::make_shared<ConfigFlags>();
  verb.usage("torii config [--explain [KEY] | --check] [--config=FILE] [flags]");
  verb.positional("KEY", &flags->key,
                  "With --explain: a key, a section or the last word of a key.");
  verb.flag("--explain", &flags->explain,
            "Prints keys with type, range, default and meaning; all of them without KEY.");
  verb.flag(
      "--check", &flags->check,
      "Says every fault of the file at once: unknown keys, values out of range, settings that "
      "contradict each other, files and columns that are not there. Exit code 2 if any.");
  declare_output(verb, common);
  verb.example("torii config --explain train.epochs");
  verb.example("torii config --check --config=torii.yaml");
  verb.example(
      "torii config --config=torii.yaml          what differs from the defaults, and where");
  verb.action([flags](Session& session) { return run(session, *flags); });
}

}  // namespace torii::cli

#include "model/bundle.h"

#include <fmt/format.h>

#include <memory>

#include "cli/config.h"
#include "cli/importing.h"
#include "cli/layout.h"
#include "cli/verbs.h"
#include "model/bundle_manifest.h"

namespace torii::cli {
namespace {

struct BundleFlags {
  std::string bundle;
  std::string positional;
};

Result<std::string> path_of(const BundleFlags& flags, const char* verb) {
  if (flags.bundle.empty() == flags.positional.empty()) {
    return invalid("bundle {}: name one bundle, as in `torii bundle {} my.bundle`", verb, verb);
  }
  return flags.bundle.empty() ? flags.positional : flags.bundle;
}

// One line for each leaf of the manifest but for what only programs read; long ones are cut.
void describe(const Json& value, const std::string& key, std::string& out) {
  if (key == "settings" || key == "provenance.train_sample" || key == "parts") return;
  if (value.is_object()) {
    for (const auto& [name, member] : value.as_object()) {
      describe(member, key.empty() ? name : key + "." + name, out);
    }
    return;
  }
  std::string text;
  const bool has_objects =
      value.is_array() && !value.as_array().empty() && value.as_array().front().is_object();
  if (value.is_array() && (has_objects || value.as_array().size() > 8)) {
    text = fmt::format("[{} values]", grouped(value.as_array().size()));
  } else {
    text = value.is_string() ? value.as_string() : value.dump();
  }
  out += fmt::format("  {:<36} {}\n", key, cut(text, kTextColumns - 39));
}

void warn_foreign(const Session& session, const std::string& path) {
  for (const std::string& name : model::foreign_files(path)) {
    session.reporter().warn(fmt::format("{}: {} is no part of the bundle", path, name));
  }
}

Result<void> show(Session& session, const BundleFlags& flags) {
  TORII_TRY(const std::string path, path_of(flags, "show"));
  TORII_TRY_VOID(check_config(session));
  TORII_TRY(const Json manifest, model::read_manifest(path));
  TORII_TRY(const auto parts, model::parts_from_json(manifest, path));
  for (const model::BundlePart& part : parts) {  // shown all the same: it may help to find out why
    const auto whole = model::verify_part(path, part);
    if (!whole.ok()) session.reporter().warn("damaged: " + whole.error().message);
  }
  warn_foreign(session, path);
  std::string text;
  describe(manifest, "", text);
  session.print(fmt::format("{}\n{}  {}\n", session.strong(path), text,
                            session.faint("settings and parts: --json")));
  session.answer(manifest);
  return {};
}

Result<void> verify(Session& session, const BundleFlags& flags) {
  TORII_TRY(const std::string path, path_of(flags, "verify"));
  TORII_TRY_VOID(check_config(session));
  TORII_TRY(const model::Bundle bundle, model::open_bundle(path));
  warn_foreign(session, path);
  session.print(fmt::format("{}  whole: every part has its size and SHA-256, id {}\n", path,
                            bundle.id.substr(0, 12)));
  Json foreign = Json::array();
  for (std::string& name : model::foreign_files(path)) foreign.push(std::move(name));
  Json document = Json::object();
  document.set("bundle", path)
      .set("ok", true)
      .set("id", bundle.id)
      .set("items", bundle.item_ids.size())
      .set("metric", metric_name(bundle.model.metric))
      .set("foreign", std::move(foreign));
  session.answer(document);
  return {};
}

void add_reader(Verb& parent, CommonFlags& common, const char* name, const char* summary,
                Result<void> (*action)(Session&, const BundleFlags&)) {
  Verb& verb = parent.child(name, summary);
  auto flags = std::make_shared<BundleFlags>();
  verb.usage(fmt::format("torii bundle {} BUNDLE [flags]", name));
  verb.positional("BUNDLE", &flags->positional, "The bundle's folder.");
  verb.text("--bundle", "BUNDLE", &flags->bundle, "The same as a flag.");
  declare_output(verb, common);
  verb.action([flags, action](Session& session) { return action(session, *flags); });
}

}  // namespace

void add_bundle(Verb& root, CommonFlags& common) {
  Verb& bundle = root.child("bundle", "Looks into bundles, checks them, makes them of weights.");
  bundle.usage("torii bundle VERB [flags]");
  add_reader(bundle, common, "show", "Prints what a bundle tells of itself.", show);
  add_reader(bundle, common, "verify", "Checks sizes, SHA-256 sums, shapes and numbers.", verify);
  add_import(bundle, common);
}

}  // namespace torii::cli

#include "server/serve.h"

#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/config.h"
#include "cli/scheduling.h"
#include "cli/serving.h"
#include "cli/verbs.h"
#include "store/store.h"

namespace torii::cli {
namespace {

struct ServeFlags {
  std::string store;
  std::string address;
  std::int64_t port = -1;
  bool open = false;
  std::vector<std::string> schedules;
};

// What happens while it serves goes into the log, line by line; a progress bar has no place there.
class ServingReporter final : public Reporter {
 public:
  ServingReporter(const Reporter& session, server::Log& log) : session_(session), log_(log) {}
  void warn(std::string_view text) override { log_.warn("warning", {{"text", std::string(text)}}); }
  [[nodiscard]] bool cancelled() const override { return session_.cancelled(); }

 private:
  const Reporter& session_;
  server::Log& log_;
};

// Without the encoder the service goes on: texts of new users and items then count as missing.
std::shared_ptr<text::TextVectors> texts_or_none(Session& session, const model::Bundle& bundle,
                                                 server::Log& log) {
  auto texts = texts_of_bundle(session, bundle);
  if (texts.ok()) return std::move(texts).value();
  log.error("no_text_model", {{"model", bundle.spec.text_model}, {"error", texts.error().message}});
  return nullptr;
}

void announce(Session& session, const std::string& url, bool open) {
  session.print(fmt::format("{} serves at {}\n  the API for people: {}/docs\n",
                            session.strong("torii"), url, url));
  if (open) session.print("  without keys, for this machine alone (--open)\n");
  session.print("  Ctrl-C ends it\n");
  session.answer(Json::object().set("url", url).set("open", open));
  std::fflush(stdout);
}

Result<void> run(Session& session, const ServeFlags& flags) {
  if (flags.store.empty()) {
    return invalid("serve: --store=URI is missing, such as sqlite:shop.db");
  }
  if (session.given("--port") && (flags.port < 0 || flags.port > 65535)) {
    return invalid("serve: --port: expected 0 to 65535, found {}", flags.port);
  }
  TORII_TRY(auto config, load_config(session, {.needs_data = false}));
  server::ServeSetup setup;
  setup.options = config->serve;
  if (session.given("--port")) setup.options.port = static_cast<int>(flags.port);
  if (!flags.address.empty()) setup.options.address = flags.address;
  if (setup.options.threads == 0)
    setup.options.threads = static_cast<int>(session.common().threads);
  setup.store_uri = flags.store;
  setup.open = flags.open;
  setup.bundle_cache = bundle_cache(session);
  setup.environment = session.environment();
  setup.shop = shop_options(*config);
  setup.feast_views = config->publish.feast;
  server::Log log(stderr);
  setup.open_texts = [&session, &log](const model::Bundle& bundle) {
    return texts_or_none(session, bundle, log);
  };
  TORII_TRY(const auto pipelines, ScheduledPipelines::open(session, flags.schedules, log));
  setup.gauges = [&] { return pipelines->gauges(); };
  setup.on_listening = [&](const std::string& url) {
    announce(session, url, flags.open);
    pipelines->start();
  };
  TORII_TRY(ThreadPool * pool, session.pool());
  ServingReporter reporter(session.reporter(), log);
  return server::serve(setup, *pool, reporter, log);
}

}  // namespace

void add_serve(Verb& root, CommonFlags& common) {
  Verb& verb = root.child("serve", "Answers requests over HTTP from a published model.");
  auto flags = std::make_shared<ServeFlags>();
  verb.usage("torii serve --store=URI [--port=N] [--open] [flags]");
  verb.text("--store", "URI", &flags->store,
            "Where `torii publish` put the model: sqlite:FILE, postgres://... or redis://...");
  verb.integer("--port", "N", &flags->port, "TCP port; serve.port (8080) unless told; 0: any.");
  verb.text("--address", "IP", &flags->address,
            "Address to listen on; serve.address (127.0.0.1) unless told.");
  verb.flag("--open", &flags->open,
            "Tenant 'default' without keys, on a loopback address only: for the first try.");
  verb.texts("--schedule", "CALL", &flags->schedules,
             "A pipeline that runs by the clock beside the service, in a process of its own at the "
             "lowest priority: what stands behind `torii pipeline schedule`. Repeatable.");
  declare_common(verb, common);
  verb.example("torii serve --store=sqlite:shop.db --open");
  verb.example(
      "torii serve --store=sqlite:shop.db --schedule=\"nightly --data=shop "
      "--param=store=sqlite:shop.db --cron='0 2 * * *' --zone=Europe/Berlin\"");
  verb.example("torii serve --store=postgres://shop@db/torii --address=0.0.0.0 --port=80");
  verb.action([flags](Session& session) { return run(session, *flags); });
}

}  // namespace torii::cli

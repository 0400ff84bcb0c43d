#include "pipeline/builtin.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "pipeline/builder.h"
#include "pipeline/read_graph.h"

namespace torii::pipeline {
namespace {

constexpr std::uint64_t kMebi = std::uint64_t{1} << 20;
constexpr const char* kConfigFolder = "/etc/torii";

// A text without placeholders, whatever stands in it.
std::string as_words(std::string text) {
  for (std::size_t at = 0; (at = text.find("${", at)) != std::string::npos; at += 3) {
    text.insert(at, 1, '$');
  }
  return text;
}

class BuiltinBuilder {
 public:
  BuiltinBuilder(const BuiltinOptions& options, const char* name, const char* description)
      : options_(options), builder_(name, description) {
    builder_.data().cluster.image = options.image;
    builder_.data().cluster.restricted = true;  // torii's image needs no rights
    if (options.data) {
      builder_.parameter("data", ParameterType::kPlace, std::nullopt,
                         "Folder with the tables, as for torii train; also s3://BUCKET/FOLDER.");
    }
  }

  void parameter(const char* name, ParameterType type, std::optional<Json> value,
                 const char* help) {
    builder_.parameter(name, type, std::move(value), help);
  }

  // A torii verb with the configuration; its last words are those of the step itself.
  StepBuilder& verb(const char* name, const char* title, const std::string& command) {
    StepBuilder& step = builder_.step(name);
    step.title(title).command("torii " + command);
    const bool mapped = !options_.config_map.empty();
    if (mapped) {
      step.words({fmt::format("--config={}/torii.yaml", kConfigFolder)});
    } else if (!options_.config.empty()) {  // an input, so that another content is another step
      step.words({"--config=${inputs.config}"});
      step.input_at("config", options_.config, ArtifactType::kArtifact);
    }
    add_sets(step, options_.sets);
    if (command.starts_with("encode") || command.starts_with("train")) {
      add_sets(step, options_.model_sets);
    }
    StepSettings& settings = step.settings();
    if (mapped) {
      settings.volumes.push_back(
          {.bag = Bag::kConfigMap, .name = options_.config_map, .folder = kConfigFolder});
    }
    if (!options_.secrets.empty()) {
      const auto add = [&](const char* variable, bool optional) {
        settings.variables.push_back({.bag = Bag::kSecret,
                                      .name = options_.secrets,
                                      .key = variable,
                                      .variable = variable,
                                      .optional = optional});
      };
      for (const char* key : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}) add(key, false);
      for (const char* key :
           {"AWS_ENDPOINT_URL", "AWS_REGION", "AWS_SESSION_TOKEN", "PGPASSWORD"}) {
        add(key, true);
      }
    }
    return step;
  }

  static void add_sets(StepBuilder& step, const std::vector<std::string>& sets) {
    for (const std::string& assignment : sets) step.words({"--set", as_words(assignment)});
  }

  StepBuilder& load(const char* table) {
    StepBuilder& step = verb(
        fmt::format("load-{}", table).c_str(), "",
        fmt::format("load --table={}{}", table, options_.data ? " --data=${params.data}" : ""));
    step.words({fmt::format("--out=${{outputs.{}}}", table)}).output(table, ArtifactType::kDataset);
    step.settings().cache = false;  // the tables change, and no fingerprint says so
    ask(step, 250, 256);
    again(step);
    return step;
  }

  // Reads the tables that the load steps made.
  static StepBuilder& tables(StepBuilder& step, std::initializer_list<const char*> tables) {
    for (const char* table : tables) {
      step.words({"--set", fmt::format("data.{}.path=${{inputs.{}}}", table, table)})
          .input(table, fmt::format("load-{}.{}", table, table));
    }
    return step;
  }

  static void ask(StepBuilder& step, std::int64_t cpu_milli, std::uint64_t mebibytes) {
    step.settings().resources.cpu_request_milli = cpu_milli;
    step.settings().resources.memory_request_bytes = mebibytes * kMebi;
  }
  // What fails for a reason that passes: networks, evictions.
  static void again(StepBuilder& step) {
    step.settings().retries = {.count = 2, .wait_s = 10, .factor = 2, .wait_max_s = 300};
  }

  Result<Graph> build() { return builder_.build(); }

 private:
  const BuiltinOptions& options_;
  PipelineBuilder builder_;
};

constexpr std::initializer_list<const char*> kTables = {"users", "items", "interactions"};

}  // namespace

Result<Graph> nightly_pipeline(const BuiltinOptions& options) {
  BuiltinBuilder b(options, "nightly", "From tables to a published model, through the gate.");
  b.parameter("seed", ParameterType::kInteger, Json(42), "Same seed and data: the same model.");
  b.parameter("k", ParameterType::kInteger, Json(64), "Items for each user.");
  b.parameter("shards", ParameterType::kInteger, Json(2),
              "Parts in which the candidates are made, side by side.");
  b.parameter("must_beat", ParameterType::kText, Json("popularity"),
              "What a model must clearly be better than; nothing: it must not be worse.");
  if (options.publish) {
    b.parameter("store", ParameterType::kPlace, std::nullopt,
                "Where the model is published: sqlite:FILE, postgres://..., redis://...");
  }
  for (const char* table : kTables) b.load(table);

  StepBuilder& encode = b.verb("encode-text", "", "encode");
  b.tables(encode, kTables).words({"--out=${outputs.texts}"});
  encode.output("texts", ArtifactType::kDataset);
  b.ask(encode, 1000, 1024);

  StepBuilder& train = b.verb("train", "", "train --seed=${params.seed} --cache=${inputs.texts}");
  b.tables(train, kTables).words({"--out=${outputs.model}"});
  train.input("texts", "encode-text.texts").output("model", ArtifactType::kModel);
  b.ask(train, 1000, 2048);  // it takes what is free; more asked for leaves small nodes out
  b.again(train);

  StepBuilder& evaluate =
      b.verb("evaluate", "", "evaluate --bundle=${inputs.model} --cache=${inputs.texts}");
  b.tables(evaluate, kTables).words({"--report=${outputs.report}", "--answer=${outputs.metrics}"});
  evaluate.input("model", "train.model").input("texts", "encode-text.texts");
  evaluate.result("report", ArtifactType::kHtml).result("metrics", ArtifactType::kMetrics);
  b.ask(evaluate, 1000, 1024);

  StepBuilder& gate = b.verb("gate", "",
                             "gate --bundle=${inputs.model} --cache=${inputs.texts} "
                             "--must-beat=${params.must_beat}");
  b.tables(gate, kTables);
  if (options.publish) gate.words({"--store=${params.store}"});
  gate.words({"--answer=${outputs.verdict}"})
      .input("model", "train.model")
      .input("texts", "encode-text.texts")
      .result("verdict", ArtifactType::kMetrics)
      .after("evaluate");
  gate.settings().cache = false;  // the model in service may be another one
  b.ask(gate, 1000, 1024);

  StepBuilder& candidates =
      b.verb("candidates", "",
             "candidates --bundle=${inputs.model} --cache=${inputs.texts} --k=${params.k} "
             "--shard=${shard}/${shards}");
  b.tables(candidates, kTables).words({"--out=${outputs.lists}"});
  candidates.input("model", "train.model")
      .input("texts", "encode-text.texts")
      .shards_of("shards")
      .after("gate");
  if (options.publish) {
    candidates.output("lists", ArtifactType::kDataset);
  } else {
    candidates.result("lists", ArtifactType::kDataset);
  }
  b.ask(candidates, 1000, 1024);
  b.again(candidates);
  if (!options.publish) return b.build();

  StepBuilder& publish = b.verb(
      "publish", "",
      "publish --bundle=${inputs.model} --cache=${inputs.texts} --candidates=${inputs.lists} "
      "--k=${params.k} --store=${params.store} --must-beat=${params.must_beat}");
  b.tables(publish, kTables)
      .words({"--answer=${outputs.publication}"})
      .input("model", "train.model")
      .input("texts", "encode-text.texts")
      .input("lists", "candidates.lists");
  publish.settings().cache = false;
  b.ask(publish, 1000, 1024);
  if (!options.registry) {
    publish.result("publication", ArtifactType::kArtifact);
    return b.build();
  }
  publish.output("publication", ArtifactType::kArtifact);
  b.parameter("registry", ParameterType::kText, std::nullopt,
              "Address of the Kubeflow Model Registry: https://HOST[:PORT]");
  b.parameter("model_name", ParameterType::kText, Json("torii"), "The model's name there.");
  StepBuilder& enter = b.verb("register", "",
                              "register --registry=${params.registry} --name=${params.model_name} "
                              "--bundle=${inputs.model} --publication=${inputs.publication} "
                              "--metrics=${inputs.metrics}");
  enter.input("model", "train.model")
      .input("publication", "publish.publication")
      .input("metrics", "evaluate.metrics");
  enter.settings().cache = false;
  b.ask(enter, 100, 128);
  b.again(enter);
  return b.build();
}

Result<Graph> article_pipeline(const BuiltinOptions& options) {
  BuiltinBuilder b(options, "article", "The three steps of the two-tower article.");
  b.parameter("seed", ParameterType::kInteger, Json(42), "Same seed and data: the same model.");
  b.parameter("k", ParameterType::kInteger, Json(64), "Items for each user.");
  StepBuilder& load = b.verb("load-training-data", "Load training data", "load");
  if (options.data) load.words({"--data=${params.data}"});
  load.words({"--table=all", "--out=${outputs.tables}"}).output("tables", ArtifactType::kDataset);
  load.settings().cache = false;
  b.ask(load, 250, 512);
  b.again(load);

  StepBuilder& train = b.verb("train-model", "Train model",
                              "train --preset=article --data=${inputs.tables} "
                              "--seed=${params.seed} --out=${outputs.model}");
  train.input("tables", "load-training-data.tables").output("model", ArtifactType::kModel);
  b.ask(train, 1000, 2048);  // it takes what is free; more asked for leaves small nodes out
  b.again(train);

  StepBuilder& candidates =
      b.verb("generate-candidates", "Generate candidates",
             "candidates --bundle=${inputs.model} --data=${inputs.tables} --k=${params.k} "
             "--out=${outputs.candidates}");
  candidates.input("model", "train-model.model")
      .input("tables", "load-training-data.tables")
      .result("candidates", ArtifactType::kDataset);
  b.ask(candidates, 1000, 1024);
  b.again(candidates);
  return b.build();
}

const std::vector<std::string>& builtin_names() {
  static const std::vector<std::string> names = {"nightly", "article"};
  return names;
}

Result<Graph> builtin_pipeline(std::string_view name, const BuiltinOptions& options) {
  if (name == "nightly") return nightly_pipeline(options);
  if (name == "article") return article_pipeline(options);
  return make_error(ErrorCode::kNotFound, "there is no pipeline '{}'; built in are: {}", name,
                    fmt::join(builtin_names(), ", "));
}

std::string builtin_document(std::string_view name, const BuiltinOptions& options) {
  const auto list = [](const std::vector<std::string>& texts) {
    Json json = Json::array();
    for (const std::string& text : texts) json.push(text);
    return json;
  };
  return Json::object()
      .set("builtin", std::string(name))
      .set("config", options.config)
      .set("sets", list(options.sets))
      .set("model_sets", list(options.model_sets))
      .set("config_map", options.config_map)
      .set("image", options.image)
      .set("data", options.data)
      .set("publish", options.publish)
      .set("registry", options.registry)
      .set("secrets", options.secrets)
      .dump();
}

Result<Graph> graph_of_document(const std::string& document, const std::string& source) {
  const auto json = Json::parse(document, source);
  const auto name = json.ok() ? json->string_at("builtin") : std::nullopt;
  if (!name) return read_graph(document, source);
  BuiltinOptions options;
  options.config = json->string_at("config").value_or("");
  options.config_map = json->string_at("config_map").value_or("");
  options.image = json->string_at("image").value_or("");
  options.data = json->bool_at("data").value_or(true);
  options.publish = json->bool_at("publish").value_or(true);
  options.registry = json->bool_at("registry").value_or(false);
  options.secrets = json->string_at("secrets").value_or("");
  for (const auto& [member, texts] :
       {std::pair("sets", &options.sets), std::pair("model_sets", &options.model_sets)}) {
    const Json* list = json->find(member);
    if (list == nullptr || !list->is_array()) continue;
    for (const Json& one : list->as_array()) {
      if (one.is_string()) texts->push_back(one.as_string());
    }
  }
  return builtin_pipeline(*name, options);
}

}  // namespace torii::pipeline

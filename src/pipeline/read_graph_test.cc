#include "pipeline/read_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "pipeline/plan.h"

namespace torii::pipeline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kWhole = R"(
name: shop
description: from tables to lists
parameters:
  data: {type: text, help: folder of tables}
  shards: 2
  countries: [de, fr]
defaults:
  image: torii:0.1
  retries: 2
  labels: {team: shop}
cluster: {namespace: shop, service_account: torii, pull_policy: IfNotPresent}
location: s3://shop/pipeline
schedule: {cron: "0 2 * * *", zone: Europe/Berlin, catch_up: last}
steps:
  load:
    command: torii load --table=users --data=${params.data} --out=${outputs.users}
    outputs: {users: Dataset}
  train:
    title: Train the model
    command:
      - torii
      - train
      - --data=${inputs.users}
      - --out=${outputs.model}
      - --score-to=${outputs.score}
    inputs:
      users: {from: load.users, type: Dataset}
    outputs:
      model: {type: Model, share: location}
      score: number
    resources: {cpu: 500m, cpu_limit: 2, memory: 1Gi, memory_limit: 2Gi, storage_limit: 10Gi}
    retries: {count: 3, wait: 5s, factor: 2, wait_max: 1m}
    timeout: 1.5h
    cache: false
    environment: {TORII_LOG: info}
    secrets:
      - {name: torii-s3, environment: {AWS_ACCESS_KEY_ID: accesskey}}
      - {name: feast-registry, mount: /etc/feast}
    config_maps:
      - {name: torii-config, mount: /etc/torii, optional: true}
    node_selector: {disk: ssd}
    tolerations: [{key: gpu, operator: Exists, effect: NoSchedule}]
    labels: {part: model}
  lists:
    command: torii candidates --bundle=${inputs.model} --shard=${shard}/${shards} --out=${outputs.list}
    inputs: {model: train.model}
    outputs: {list: Dataset}
    shards: ${params.shards}
    when: train.score >= 0.5
  publish:
    command: publish --lists=${inputs.lists} --to=${params.countries}
    inputs: {lists: lists.list}
    after: train
exit:
  name: tell
  command: tell ${run.id} ${run.status}
)";

Graph read(const std::string& text) {
  auto graph = read_graph(text, "p.yaml");
  EXPECT_TRUE(graph.ok()) << graph.error().message;
  return *graph;
}

std::string fault_of(const std::string& text) {
  const auto graph = read_graph(text, "p.yaml");
  EXPECT_FALSE(graph.ok());
  return graph.ok() ? "" : graph.error().message;
}

TEST(ReadGraph, TakesEverythingThatTheLanguageHas) {
  const Graph graph = read(kWhole);
  EXPECT_EQ(graph.name(), "shop");
  ASSERT_EQ(graph.steps().size(), 4U);
  EXPECT_THAT(graph.order(), ElementsAre(0U, 1U, 2U, 3U));
  const Step& train = *graph.step("train");
  EXPECT_EQ(train.title, "Train the model");
  EXPECT_EQ(train.line, 20U);
  EXPECT_EQ(train.artifact("model")->sharing, Sharing::kLocation);
  EXPECT_EQ(train.value("score")->type, ParameterType::kNumber);
  const StepSettings& settings = train.settings;
  EXPECT_EQ(settings.image, "torii:0.1");
  EXPECT_EQ(settings.resources.cpu_request_milli, 500);
  EXPECT_EQ(settings.resources.cpu_limit_milli, 2000);
  EXPECT_EQ(settings.resources.memory_limit_bytes, std::uint64_t{2} << 30);
  EXPECT_EQ(settings.resources.storage_limit_bytes, std::uint64_t{10} << 30);
  EXPECT_EQ(settings.retries.count, 3);
  EXPECT_EQ(settings.retries.wait_s, 5);
  EXPECT_EQ(settings.retries.wait_max_s, 60);
  EXPECT_EQ(settings.timeout_s, 5400);
  EXPECT_FALSE(settings.cache);
  ASSERT_EQ(settings.variables.size(), 1U);
  EXPECT_EQ(settings.variables[0].variable, "AWS_ACCESS_KEY_ID");
  ASSERT_EQ(settings.volumes.size(), 2U);
  EXPECT_EQ(settings.volumes[1].bag, Bag::kConfigMap);
  EXPECT_TRUE(settings.volumes[1].optional);
  EXPECT_EQ(settings.labels, (Pairs{{"team", "shop"}, {"part", "model"}}));
  EXPECT_EQ(graph.step("load")->settings.retries.count, 2);
  const Step& lists = *graph.step("lists");
  EXPECT_EQ(lists.fan_out->parameter, "shards");
  EXPECT_EQ(lists.when->comparison, Condition::Comparison::kGreaterOrEqual);
  EXPECT_EQ(graph.data().exit->name, "tell");
  EXPECT_EQ(graph.data().schedule->catch_up, Schedule::CatchUp::kLast);
  EXPECT_EQ(graph.data().cluster.namespace_name, "shop");
}

TEST(ReadGraph, FindsTheSectionInAToriiYaml) {
  const Graph graph = read("train: {epochs: 3}\npipeline:\n  steps:\n    a: {command: echo a}\n");
  EXPECT_EQ(graph.name(), "pipeline");
  EXPECT_EQ(graph.steps().front().line, 4U);
}

TEST(Plan, UnfoldsFanOutsAndRepeatsWordsForLists) {
  const Graph graph = read(kWhole);
  const auto plan = Plan::make(graph, {{"data", "in"}, {"shards", "3"}}, Plan::Missing::kRefuse);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  ASSERT_EQ(plan->tasks().size(), 6U);
  EXPECT_EQ(plan->tasks()[2].name, "lists-1");
  EXPECT_THAT(plan->needs(3), ElementsAre(1U));
  EXPECT_THAT(plan->needs(5), ElementsAre(1U, 2U, 3U, 4U));
  const auto place = [](const Segment& segment) {
    if (segment.text == "lists") return Filling(std::vector<std::string>{"a", "b", "c"});
    return Filling("<" + segment.text + ">");
  };
  EXPECT_THAT(plan->command(plan->tasks()[0], place),
              ElementsAre("torii", "load", "--table=users", "--data=in", "--out=<users>"));
  EXPECT_THAT(
      plan->command(plan->tasks()[3], place),
      ElementsAre("torii", "candidates", "--bundle=<model>", "--shard=2/3", "--out=<list>"));
  EXPECT_THAT(plan->command(plan->tasks()[5], place),
              ElementsAre("publish", "--lists=a", "--lists=b", "--lists=c", "--to=de", "--to=fr"));
}

TEST(Plan, RefusesValuesThatAreNone) {
  const Graph graph = read(kWhole);
  const auto fault = [&](const Given& given, Plan::Missing missing = Plan::Missing::kAllow) {
    const auto plan = Plan::make(graph, given, missing);
    EXPECT_FALSE(plan.ok());
    return plan.ok() ? "" : plan.error().message;
  };
  EXPECT_THAT(fault({{"shards", "many"}}), HasSubstr("expected a whole number, found 'many'"));
  EXPECT_THAT(fault({{"shards", "0"}}),
              HasSubstr("p.yaml:49: step 'lists': shards: expected 1 to"));
  EXPECT_THAT(fault({{"shrads", "1"}}), HasSubstr("did you mean 'shards'?"));
  EXPECT_THAT(fault({}, Plan::Missing::kRefuse),
              HasSubstr("p.yaml:5: parameter 'data' has no value; give it one: --param=data=text"));
}

struct FaultCase {
  const char* yaml;
  const char* message;
};

// Each breaks one thing.
const FaultCase kFaults[] = {
    {"steps:\n  a: {comand: echo}\n",
     "p.yaml:2: step 'a': unknown key 'comand'; did you mean 'command'?"},
    {"steps:\n  a: {title: b}\n", "p.yaml:2: step 'a': it has no command"},
    {"steps: {}\n", "the pipeline has no steps"},
    {"steps:\n  A: {command: x}\n", "p.yaml:2: 'A' is no name for a step"},
    {"steps:\n  a:\n    command: x ${inputs.b}\n    inputs: {b: nowhere.b}\n",
     "p.yaml:4: step 'a': input 'b': there is no step 'nowhere'"},
    {"steps:\n  a: {command: 'x ${outputs.o}', outputs: {o: Model}}\n"
     "  b: {command: 'x ${inputs.i}', inputs: {i: a.p}}\n",
     "p.yaml:3: step 'b': input 'i': the step 'a' has no output 'p' (did you mean 'o'?); there "
     "are: o"},
    {"steps:\n  a: {command: 'x ${outputs.o}', outputs: {o: Model}}\n"
     "  b:\n    command: x ${inputs.i}\n    inputs:\n      i: {from: a.o, type: Dataset}\n",
     "p.yaml:6: step 'b': input 'i': expected a Dataset, but a.o is a Model"},
    {"steps:\n  a: {command: 'x ${outputs.o}', outputs: {o: Model}}\n",
     "p.yaml:2: step 'a': no step reads the output 'o'"},
    {"steps:\n  a: {command: x, outputs: {o: {type: Model, keep: true}}}\n",
     "the output 'o' does not stand in the command"},
    {"steps:\n  a: {command: x, inputs: {i: {location: 's3://b/x'}}}\n",
     "the input 'i' does not stand in the command"},
    {"steps:\n  a: {command: 'x ${params.k}'}\n", "p.yaml:2: step 'a': there is no parameter 'k'"},
    {"parameters: {k: 3}\nsteps:\n  a: {command: x}\n", "p.yaml:1: parameter 'k' is used nowhere"},
    {"parameters:\n  k: {type: integer, default: three}\nsteps:\n  a: {command: 'x ${params.k}'}\n",
     "p.yaml:2: parameter 'k': its default must be of the type integer, found \"three\""},
    {"steps:\n  a: {command: x, after: b}\n  b: {command: x, after: [c]}\n  c: {command: x, after: "
     "a}\n",
     "p.yaml:2: a cycle: a waits for b waits for c waits for a"},
    {"steps:\n  a: {command: x, after: a}\n", "the step cannot wait for itself"},
    {"steps:\n  a: {command: 'x ${shard}'}\n", "the step has neither `shards` nor `for_each`"},
    {"steps:\n  a: {command: 'x ${run.status}'}\n", "${run.status} is known in the exit step only"},
    {"steps:\n  a: {command: 'x ${foo}'}\n", "${foo} is no placeholder"},
    {"steps:\n  a: {command: x, shards: 0}\n", "shards: expected 1 to 1000, found 0"},
    {"steps:\n  a: {command: x, for_each: []}\n", "for_each: the list is empty"},
    {"steps:\n  a: {command: x, when: b}\n", "when: 'b' is no condition"},
    {"parameters: {k: a}\nsteps:\n  a: {command: x, when: params.k < 3}\n",
     "when: 'k' is a text; < compares numbers"},
    {"steps:\n  a: {command: x, resources: {memory: 2Gi, memory_limit: 1Gi}}\n",
     "resources: memory (2Gi) is more than its limit (1Gi)"},
    {"steps:\n  a: {command: x, resources: {cpu: lots}}\n",
     "step 'a': resources: cpu: expected a quantity such as 500m or 2, found 'lots'"},
    {"steps:\n  a: {command: x, timeout: soon}\n", "timeout: expected a time such as 90s"},
    {"steps:\n  a: {command: x, secrets: [{name: s}]}\n", "step 'a': secrets: it is not used"},
    {"steps:\n  a: {command: x, secrets: [{name: s, mount: etc}]}\n",
     "mount: expected a folder from the root"},
    {"steps:\n  a: {command: x, secrets: [{name: s, mount: /tmp}]}\n",
     "mount: /tmp is a folder that the step itself writes to"},
    {"steps:\n  a: {command: x, environment: {1A: b}}\n", "'1A' is no name of an environment"},
    {"steps:\n  a: {command: x, labels: {'a b': c}}\n", "is no label"},
    {"schedule: nightly\nsteps:\n  a: {command: x}\n", "p.yaml:1: schedule: 'nightly' is no cron"},
    {"exit: {command: x, after: a}\nsteps:\n  a: {command: x}\n", "unknown key 'after'"},
    {"parameters: {l: [a]}\nlocation: s3://${params.l}\nsteps:\n  a: {command: 'x ${params.l}'}\n",
     "p.yaml:2: location: 'l' is a list"},
    {"parameters: {l: [a]}\nsteps:\n  a:\n    command: x ${inputs.i}\n    inputs: {i: {location: "
     "'${params.l}'}}\n",
     "p.yaml:5: step 'a': input 'i': 'l' is a list"},
    {"steps:\n  a: {command: \"x 'y\"}\n", "a quote (') does not end"},
    {"steps:\n  a:\n    command: x\n    image: my image\n",
     "p.yaml:3: step 'a': 'my image' is no name of an image: it holds a blank; expected "
     "[REGISTRY/]NAME[:TAG]"},
    {"cluster: {image: localhost/Torii:0.1}\nsteps:\n  a: {command: x}\n",
     "p.yaml:1: cluster: 'localhost/Torii:0.1' is no name of an image: 'Torii': lower-case"},
    {"cluster: {image: 'torii:a b'}\nsteps:\n  a: {command: x}\n", "it holds a blank"},
    {"cluster: {image: 'torii:'}\nsteps:\n  a: {command: x}\n", "'' is no tag"},
    {"cluster: {image: 'torii@sha256:12'}\nsteps:\n  a: {command: x}\n", "64 hex digits"},
    {"cluster: {image: 'https://r.example.org/torii'}\nsteps:\n  a: {command: x}\n",
     "no http:// or https:// stands before it"},
    {"cluster: {image: 'r.example.org:x/torii'}\nsteps:\n  a: {command: x}\n",
     "'r.example.org:x' is no registry"},
};

TEST(ReadGraph, TakesNamesOfImagesThatRegistriesHave) {
  for (const std::string image :
       {"torii", "torii:0.1", "shop/torii", "localhost/torii:0.1-rc.1",
        "r.example.org:5000/a/b_c:x", "ghcr.io/some-team/torii__x.y:V1", "[::1]:5000/torii",
        "torii@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}) {
    EXPECT_TRUE(
        read_graph("cluster: {image: '" + image + "'}\nsteps:\n  a: {command: x}\n", "p.yaml").ok())
        << image;
  }
}

TEST(ReadGraph, SaysWhatIsWrongWhereAndWhatToDo) {
  for (const FaultCase& one : kFaults) {
    EXPECT_THAT(fault_of(one.yaml), HasSubstr(one.message)) << one.yaml;
  }
}

TEST(ReadGraph, TellsAllFaultsAtOnce) {
  const std::string text =
      fault_of("steps:\n  a: {command: 'x ${params.k}'}\n  b: {command: x, after: c}\n");
  EXPECT_THAT(text, HasSubstr("p.yaml:2: step 'a'"));
  EXPECT_THAT(text, HasSubstr("p.yaml:3: step 'b'"));
}

TEST(ReadGraph, WhereAClusterKeepsArtifacts) {
  const auto graph = read_graph(
      "cluster: {pipeline_root: 's3://b/f', artifact_repository: {config_map: m, key: k}}\n"
      "steps: {a: {command: x}}\n",
      "p.yaml");
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  const ClusterSettings& cluster = graph->data().cluster;
  EXPECT_EQ(cluster.pipeline_root, "s3://b/f");
  EXPECT_EQ(cluster.repository_config_map, "m");
  EXPECT_EQ(cluster.repository_key, "k");
  const auto half =
      read_graph("cluster: {artifact_repository: {key: k}}\nsteps: {a: {command: x}}\n", "p.yaml");
  ASSERT_FALSE(half.ok());
  EXPECT_THAT(half.error().message,
              HasSubstr("p.yaml:1: cluster: artifact_repository: expected {config_map, key}"));
}

}  // namespace
}  // namespace torii::pipeline

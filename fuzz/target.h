#pragma once

#include <span>
#include <string_view>

namespace torii::fuzz {

/// One gate that takes bytes from outside. `run` must end without a crash, a leak, an exception or
/// a failed check on any input, whatever the answer of the gate; what it accepts, it also uses.
/// Corpus: fuzz/corpus/<name>/; `make fuzz` searches, fuzz_replay_test replays.
struct Target {
  const char* name;
  void (*run)(std::string_view input);
};

void run_bundle(std::string_view input);
void run_configuration(std::string_view input);
void run_csv(std::string_view input);
void run_feast_config(std::string_view input);
void run_feast_registry(std::string_view input);
void run_filter(std::string_view input);
void run_http(std::string_view input);
void run_json(std::string_view input);
void run_jsonl(std::string_view input);
void run_pipeline(std::string_view input);
void run_query(std::string_view input);
void run_request(std::string_view input);
void run_rules(std::string_view input);
void run_safetensors(std::string_view input);
void run_store_backup(std::string_view input);
void run_token(std::string_view input);
void run_tokenizer(std::string_view input);
void run_words(std::string_view input);

inline constexpr Target kTargets[] = {
    {"bundle", run_bundle},
    {"configuration", run_configuration},
    {"csv", run_csv},
    {"feast_config", run_feast_config},
    {"feast_registry", run_feast_registry},
    {"filter", run_filter},
    {"http", run_http},
    {"json", run_json},
    {"jsonl", run_jsonl},
    {"pipeline", run_pipeline},
    {"query", run_query},
    {"request", run_request},
    {"rules", run_rules},
    {"safetensors", run_safetensors},
    {"store_backup", run_store_backup},
    {"token", run_token},
    {"tokenizer", run_tokenizer},
    {"words", run_words},
};

}  // namespace torii::fuzz

#pragma once

#include <filesystem>
#include <string>

#include "base/environment.h"
#include "base/reporter.h"
#include "base/result.h"
#include "net/http_client.h"

namespace torii::text {

/// A file refs/REVISION of a hub cache holds a commit's name and no more.
inline constexpr std::size_t kReferenceBytesMax = 1000;

/// Where text models are looked for.
struct ModelPlaces {
  std::filesystem::path shipped = {};  ///< folder of models that came with the program
  /// Downloads are kept in <cache>/models/<owner>/<model>/<commit>; empty: nothing is downloaded.
  std::filesystem::path cache = {};
  /// HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE, HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME, HOME; proxies
  /// and certificates as in HttpClient.
  Environment environment = {};
  net::HttpOptions http = {};
};

struct ResolvedModel {
  std::filesystem::path folder;  ///< in Hugging Face's layout
  std::string name;              ///< to write down: a model of the hub with its commit
};

/// The folder of a text model, the first of: a folder of that name (one that begins with / ./ or
/// ../ can be nothing else); a shipped model; for "owner/model" or "owner/model@revision" torii's
/// cache, then the cache of Hugging Face's own tools, then a download from the hub into torii's
/// cache, which goes on where an earlier one was broken off, checks sizes and hashes, and appears
/// whole or not at all; any number of processes may do so at once. A revision that is in a cache is
/// not asked for again. Errors: kNotFound (nothing of that name; offline), kUnsupported (no
/// BERT-family encoder with safetensors), kCorrupt (a download that is not what the hub says), kIo
/// (network, disk, permission), kResourceExhausted (disk full), kInvalidArgument, kCancelled.
[[nodiscard]] Result<ResolvedModel> resolve_model(const std::string& name,
                                                  const ModelPlaces& places, Reporter& reporter);

}  // namespace torii::text

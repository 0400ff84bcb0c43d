#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/environment.h"
#include "base/result.h"
#include "model/bundle.h"

namespace torii::publish {

/// Names of the two files of a version.
[[nodiscard]] std::string user_encoder_name(std::uint64_t version);
[[nodiscard]] std::string user_encoder_config_name(std::uint64_t version);

/// Writes the user tower of a publication for others to load, to a folder or s3://bucket/folder:
///  - user-encoder-<version>: safetensors; names and shapes are those of the network's state dict
///    (the article's network: `UserTower.load_state_dict(safetensors.torch.load_file(...))`)
///  - user-encoder-config-<version>.json: version, bundle id, metric, shape of the tower, how the
///    columns of a user are read (the spec's user part), the text model
/// The configuration is written last. Returns where the first lies. scratch: a folder of this
/// machine for the time of an upload. Errors: those of blob::put() and SafetensorsWriter::write().
[[nodiscard]] Result<std::string> write_user_encoder(const model::Bundle& bundle,
                                                     std::uint64_t version,
                                                     const std::string& place,
                                                     const std::filesystem::path& scratch,
                                                     const Environment& environment);

}  // namespace torii::publish

#include "publish/user_encoder.h"

#include <fmt/format.h>

#include <span>
#include <system_error>

#include "base/file.h"
#include "base/metric.h"
#include "blob/blob.h"
#include "model/bundle_towers.h"

namespace torii::publish {
namespace {

namespace fs = std::filesystem;

std::string joined(std::string place, const std::string& name) {
  while (place.size() > 1 && place.ends_with('/')) place.pop_back();
  return place + "/" + name;
}

Json config_of(const model::Bundle& bundle, std::uint64_t version) {
  Json config = Json::object();
  config.set("format", "torii-user-encoder")
      .set("version", version)
      .set("bundle", bundle.id)
      .set("metric", metric_name(bundle.model.metric))
      .set("tower", model::shape_to_json(bundle.model.user.shape()))
      .set("columns", bundle.spec.user.to_json());
  if (bundle.spec.text_width > 0) {
    config.set("text", Json::object()
                           .set("model", bundle.spec.text_model)
                           .set("identity", bundle.spec.text_identity)
                           .set("width", bundle.spec.text_width));
  }
  if (bundle.user_ids.size() > 0) {
    config.set("ids", Json::object()
                          .set("count", bundle.user_ids.size())
                          .set("in",
                               "users.safetensors of the bundle, in the order of the rows "
                               "of id_embed.weight"));
  }
  return config;
}

}  // namespace

std::string user_encoder_name(std::uint64_t version) {
  return fmt::format("user-encoder-{}", version);
}

std::string user_encoder_config_name(std::uint64_t version) {
  return fmt::format("user-encoder-config-{}.json", version);
}

Result<std::string> write_user_encoder(const model::Bundle& bundle, std::uint64_t version,
                                       const std::string& place, const fs::path& scratch,
                                       const Environment& environment) {
  model::TowerTensors tensors;
  model::add_tower(bundle.model.user, "", tensors);
  tensors.writer.add_metadata("format", "pt");
  const std::string name = user_encoder_name(version);
  const std::string config = config_of(bundle, version).dump(2) + "\n";
  const bool is_remote = blob::is_remote(place);
  const fs::path file = (is_remote ? scratch : fs::path(place)) / name;
  std::error_code failure;
  if (!is_remote) fs::create_directories(place, failure);
  if (failure) {
    return make_error(ErrorCode::kIo, "{}: the folder cannot be made: {}", place,
                      failure.message());
  }
  TORII_TRY_VOID(tensors.writer.write(file));
  if (is_remote) {
    TORII_TRY(const MappedFile mapped, MappedFile::open(file));
    TORII_TRY(
        [[maybe_unused]] const bool written,
        blob::put(joined(place, name), mapped.bytes(), blob::Existing::kReplace, environment));
    fs::remove(file, failure);
  }
  TORII_TRY([[maybe_unused]] const bool written,
            blob::put(joined(place, user_encoder_config_name(version)),
                      std::as_bytes(std::span(config)), blob::Existing::kReplace, environment));
  return joined(place, name);
}

}  // namespace torii::publish

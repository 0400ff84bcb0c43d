#include "recommend/embedding.h"

#include "base/check.h"
#include "retrieval/score.h"

namespace torii::recommend {
namespace {

// Rows of the id embedding; -1 where the bundle does not know the id.
std::vector<std::int32_t> places_of(const IdIndex& ids, const IdIndex& known) {
  std::vector<std::int32_t> places(ids.size(), -1);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (const auto place = known.find(ids[i])) places[i] = static_cast<std::int32_t>(*place);
  }
  return places;
}

// [rows]: 1 where any column that the spec reads has a value.
std::vector<std::uint8_t> described_rows(const data::Table& table,
                                         const features::EntitySpec& spec) {
  std::vector<std::uint8_t> described(table.rows(), 0);
  const auto look_at = [&](const std::string& name) {
    const data::Column* column = table.find(name);
    for (std::size_t row = 0; column != nullptr && row < described.size(); ++row) {
      if (!column->is_null(row)) described[row] = 1;
    }
  };
  for (const auto& column : spec.numeric) look_at(column.column);
  for (const auto& column : spec.categorical) look_at(column.column);
  for (const auto& column : spec.text) look_at(column.column);
  return described;
}

Result<Matrix> embed_rows(const data::Table& table, const features::EntitySpec& spec,
                          const std::string& text_identity, text::TextVectors* texts,
                          const model::EntityTower& tower, std::span<const std::int32_t> places,
                          const char* what, ThreadPool& pool, Reporter& reporter) {
  TORII_TRY(const features::EncodedTable encoded,
            features::encode(table, spec, text_identity, texts, reporter));
  if (tower.shape().ids == 0) places = {};
  Matrix embeddings = model::embed(tower, encoded, places, pool);
  TORII_TRY_VOID(retrieval::check_embeddings(embeddings.view(), what));
  return embeddings;
}

}  // namespace

Result<EmbeddedItems> embed_items(const model::Bundle& bundle, const data::Dataset& dataset,
                                  text::TextVectors* texts, ThreadPool& pool, Reporter& reporter) {
  EmbeddedItems embedded;
  const auto places = places_of(dataset.items, bundle.item_ids);
  for (const std::int32_t place : places) embedded.new_count += place < 0 ? 1 : 0;
  TORII_TRY(embedded.embeddings,
            embed_rows(dataset.item_table, bundle.spec.item, bundle.spec.text_identity, texts,
                       bundle.model.item, places, "item embeddings", pool, reporter));
  return embedded;
}

Result<EmbeddedUsers> embed_users(const model::Bundle& bundle, const data::Dataset& dataset,
                                  std::span<const std::uint32_t> users, text::TextVectors* texts,
                                  ThreadPool& pool, Reporter& reporter) {
  EmbeddedUsers embedded;
  const data::Table rows = dataset.user_table.take(users);
  std::vector<std::int32_t> places;
  for (const std::uint32_t user : users) {
    TORII_CHECK(user < dataset.users.size(), "users must be dense");
    const auto place = model::find_trained_user(bundle, dataset.users[user]);
    places.push_back(place ? static_cast<std::int32_t>(*place) : -1);
  }
  embedded.described = described_rows(rows, bundle.spec.user);
  embedded.known = embedded.described;
  if (bundle.model.user.shape().ids > 0) {
    for (std::size_t i = 0; i < places.size(); ++i) embedded.known[i] = places[i] >= 0 ? 1 : 0;
  }
  TORII_TRY(embedded.embeddings,
            embed_rows(rows, bundle.spec.user, bundle.spec.text_identity, texts, bundle.model.user,
                       places, "user embeddings", pool, reporter));
  return embedded;
}

std::vector<float> popularity_of(const data::Dataset& dataset, std::span<const std::uint8_t> use) {
  const auto& interactions = dataset.interactions;
  std::vector<float> popularity(dataset.items.size(), 0.0F);
  for (std::size_t row = 0; row < interactions.size(); ++row) {
    if (interactions.positive[row] == 0 || (!use.empty() && use[row] == 0)) continue;
    popularity[interactions.item[row]] += 1.0F;
  }
  return popularity;
}

}  // namespace torii::recommend

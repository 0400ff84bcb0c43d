#include "publish/options.h"

namespace torii::publish {

void declare(PublishOptions& options, OptionSet& set) {
  set.text("publish.bundles", &options.bundles,
           "Folder or s3://bucket/folder for the bundles of publications, which servers fetch them "
           "from; 'bundles' beside the file of an sqlite store or in the folder of a Feast "
           "repository unless told, needed for others.");
  set.text("publish.user_encoder", &options.user_encoder,
           "Folder or s3://bucket/folder to which each publication's user tower goes as "
           "user-encoder-<version> (safetensors) and user-encoder-config-<version>.json; none "
           "unless told.");
  set.choice("publish.gate", &options.gate, {"enforce", "report", "off"},
             "enforce refuses a model that is significantly worse than the current one or than "
             "popularity; report only says so; off does not judge.");
  set.integer("publish.k", &options.k, 1, 1000, "Items in the list of each user.");
  set.integer("publish.keep", &options.keep, 1, 1000,
              "Newest publications that `torii store gc` leaves for a rollback; the current one "
              "always stays.");
  set.number("publish.events_days", &options.events_days, 0.0, 36500.0,
             "Events older than so many days are removed by `torii store gc`; 0 keeps all.");
  set.number("publish.drafts_hours", &options.drafts_hours, 0.0, 8760.0,
             "What a publication that was never finished left behind is removed by `torii store "
             "gc` after so many hours.");
  RoleColumns& columns = options.columns;
  set.text("publish.columns.title", &columns.title,
           "Column of the items with their name for people; found by its name unless told.");
  set.texts("publish.columns.categories", &columns.categories,
            "Columns of the items with the categories that people browse by; likewise.");
  set.text("publish.columns.in_stock", &columns.in_stock,
           "Column of the items that says whether one can be sold; likewise.");
  set.text("publish.columns.hidden", &columns.hidden,
           "Column of the items that says whether one must not be shown; likewise.");
  set.text("publish.columns.price", &columns.price,
           "Column of the items with the price; likewise.");
  set.text("publish.columns.brand", &columns.brand,
           "Column of the items with the brand; likewise.");
  store::FeastViews& feast = options.feast;
  set.text("publish.feast.item_embedding", &feast.item_embedding,
           "With --store=feast:REPO: the feature view for the items' vectors (item id -> "
           "Array(Float32)); empty: not written.");
  set.text("publish.feast.user_embedding", &feast.user_embedding,
           "The feature view for the users' vectors (user id -> Array(Float32)); likewise.");
  set.text("publish.feast.item_text", &feast.item_text,
           "The feature view for the vectors of the items' texts (item id -> Array(Float32)); "
           "likewise.");
  set.text("publish.feast.user_items", &feast.user_items,
           "The feature view for the lists (user id -> Array(String), best first); likewise.");
  set.text("publish.feast.push", &feast.push,
           "URL of a Feast feature server that is to write the rows; torii writes sqlite, postgres "
           "and redis online stores itself unless told.");
}

}  // namespace torii::publish

#pragma once

#include <string>
#include <vector>

#include "base/options.h"
#include "store/feast_store.h"

namespace torii::publish {

/// `publish.columns` of torii.yaml: columns of the items with a meaning. Empty: found by the names
/// that shops give them (find_roles()).
struct RoleColumns {
  std::string title;
  std::vector<std::string> categories;
  std::string in_stock;
  std::string hidden;
  std::string price;
  std::string brand;
};

/// `publish:` of torii.yaml.
struct PublishOptions {
  std::string bundles;           ///< folder or s3://; empty: default_bundle_place()
  std::string user_encoder;      ///< folder or s3://; empty: none is written
  std::string gate = "enforce";  ///< enforce, report, off
  int k = 64;                    ///< entries of a list
  int keep = 5;                  ///< publications that gc leaves
  double events_days = 0.0;      ///< events that gc leaves; 0: all
  double drafts_hours = 24.0;    ///< unfinished publications that gc leaves
  RoleColumns columns;
  store::FeastViews feast;  ///< for --store=feast:REPO
};
void declare(PublishOptions& options, OptionSet& set);

}  // namespace torii::publish

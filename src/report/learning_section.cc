#include <cmath>
#include <limits>

#include "report/chart.h"
#include "report/sections.h"

namespace torii::report {
namespace {

struct Epoch {
  double number = 0.0;
  double loss = 0.0;
  double valid = std::numeric_limits<double>::quiet_NaN();
};

std::vector<Epoch> epochs_of(const Json& evaluation, const std::string& metric) {
  std::vector<Epoch> epochs;
  const Json* list = evaluation.find("epochs");
  if (list == nullptr || !list->is_array()) return epochs;
  for (const Json& entry : list->as_array()) {
    Epoch epoch;
    const auto loss = entry.number_at("loss");
    if (!loss || !std::isfinite(*loss)) continue;
    epoch.loss = *loss;
    epoch.number = entry.number_at("epoch").value_or(static_cast<double>(epochs.size() + 1));
    const Json* valid = entry.find("valid");
    if (valid != nullptr) {
      epoch.valid = valid->number_at(metric).value_or(std::numeric_limits<double>::quiet_NaN());
    }
    epochs.push_back(epoch);
  }
  return epochs;
}

// By what the epoch was chosen, if that was measured.
std::string selected_by(const model::Bundle& bundle) {
  const Json* train = bundle.settings.find("train");
  return train == nullptr ? "ndcg@10" : train->string_at("select_by").value_or("ndcg@10");
}

Html curve(const std::string& id, const std::string& title, const std::string& unit,
           const std::vector<Epoch>& epochs, double Epoch::*value, double kept) {
  LineChart chart;
  chart.text = {id, title, ""};
  chart.x_label = "epoch";
  chart.y_label = unit;
  chart.markers = epochs.size() <= 60;
  chart.marked_x = kept;
  chart.mark = "kept";
  Series series{title, "subject", {}, {}};
  for (const Epoch& epoch : epochs) {
    if (!std::isfinite(epoch.*value)) continue;
    series.x.push_back(epoch.number);
    series.y.push_back(epoch.*value);
  }
  if (series.x.empty()) return {};
  chart.text.description =
      fmt::format("{} from {} in epoch {:.0f} to {} in epoch {:.0f}; epoch {:.0f} was kept.", unit,
                  metric_text(series.y.front()), series.x.front(), metric_text(series.y.back()),
                  series.x.back(), kept);
  chart.series.push_back(std::move(series));
  return html("<figure><figcaption><b>{}</b></figcaption>{}</figure>\n", title, draw(chart));
}

}  // namespace

Html learning_section(const Input& input) {
  if (input.bundle == nullptr) {
    return {"<p>A baseline counts; it does not learn in epochs.</p>\n"};
  }
  const std::string metric = selected_by(*input.bundle);
  const Json& evaluation = input.bundle->evaluation;
  const std::vector<Epoch> epochs = epochs_of(evaluation, metric);
  if (epochs.empty()) {
    return {
        "<p>The bundle holds no history of its training: it was made by an older version, or its "
        "weights were imported.</p>\n"};
  }
  const double kept = evaluation.number_at("epoch").value_or(epochs.back().number);
  const bool has_valid = std::isfinite(epochs.front().valid);
  Html out =
      has_valid
          ? html(
                "<p>Of {} epochs, number {:.0f} is in the bundle: the one with the best {} on the "
                "validation part. The test part had no say in it. A loss that still falls while "
                "the validation falls too would mean learning by heart.</p>\n",
                epochs.size(), kept, metric)
          : html(
                "<p>{} epochs; there was no validation part to choose one by, so the bundle holds "
                "number {:.0f}.</p>\n",
                epochs.size(), kept);
  out += {"<div class=\"pair\">"};
  out += curve("loss", "Training loss", "loss", epochs, &Epoch::loss, kept);
  out += curve("valid", fmt::format("{} on the validation part", metric), metric, epochs,
               &Epoch::valid, kept);
  out += {"</div>\n"};
  HtmlTable table("Epochs", {"epoch", "loss", fmt::format("valid {}", metric)});
  for (const Epoch& epoch : epochs) {
    table.add({html("{:.0f}", epoch.number), html("{}", metric_text(epoch.loss)),
               html("{}", metric_text(epoch.valid))},
              epoch.number == kept ? "main" : "");
  }
  out += folded("The numbers of every epoch", table.done());
  return out;
}

}  // namespace torii::report

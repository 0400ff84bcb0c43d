#pragma once

#include <string>
#include <vector>

#include "base/hash.h"
#include "base/random.h"
#include "text/text_encoder.h"

namespace torii::testing {

/// Text vectors out of a hash: equal for equal texts, free of any model. Remembers what was asked.
class FakeTexts final : public text::TextVectors {
 public:
  explicit FakeTexts(std::size_t width = 8, std::string identity = "fake")
      : width_(width), identity_(std::move(identity)) {}
  [[nodiscard]] std::size_t width() const override { return width_; }
  [[nodiscard]] const std::string& identity() const override { return identity_; }
  [[nodiscard]] Result<Matrix> encode(std::span<const std::string_view> texts, Reporter&) override {
    Matrix vectors(texts.size(), width_);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      asked.emplace_back(texts[i]);
      Random random(hash64(texts[i]));
      for (float& value : vectors.row(i)) value = static_cast<float>(random.normal());
    }
    return vectors;
  }

  std::vector<std::string> asked;

 private:
  std::size_t width_;
  std::string identity_;
};

}  // namespace torii::testing

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/matrix.h"
#include "retrieval/narrow_scan.h"
#include "retrieval/panels.h"
#include "retrieval/score.h"
#include "retrieval/selection.h"
#include "retrieval/top_k.h"

namespace torii::retrieval {

/// One worker's scan of a block of queries over a range of panels. Keeps its memory from one to the
/// next, so it allocates nothing once it is warm.
///
/// Looks at bytes first where there is a kernel for that and the magnitudes allow it, else at
/// floats; when bytes leave too much in doubt, it goes over to floats on the way. Large ranges
/// begin with samples of their panels, from which a threshold is guessed; a query for which that
/// was too high is scanned again.
class BlockScan {
 public:
  /// What is searched; borrowed. items [I, D] are those of the panels.
  struct Source {
    const Panels* panels = nullptr;
    ConstFloatView items = {};
  };
  struct Range {
    std::size_t begin = 0, end = 0;
  };

  /// Scans panels [begin, end) for queries [first, first + count) of the search.
  void run(const Source& source, const Search& search, std::size_t k, Range queries, Range panels);
  /// The best of query `query` in [0, count), best first; valid until the next run().
  [[nodiscard]] std::span<const Scored> best(std::size_t query) const {
    return {results_.data() + query * k_, counts_[query]};
  }

 private:
  struct Query {
    std::optional<ExactScore> score;
    Selection selection;
    ItemMask allowed;
    double step = 1.0;        ///< of a byte
    double shift = 0.0;       ///< score of the centre
    double slack = 0.0;       ///< error of all roundings to float
    double error = 0.0;       ///< of the scan, as the selection knows it
    double error_wide = 0.0;  ///< of a scan over floats
  };
  /// How far scores of a panel of bytes may lie from exact ones.
  [[nodiscard]] double panel_error(const Panels::Bounds& bounds, std::size_t query) const {
    return lengths_[query] * bounds.moved + moved_[query] * bounds.length + queries_[query].slack;
  }
  void set_limit(std::size_t query);
  void start(const Source& source, const Search& search, Range queries);
  void pack_bytes(const Panels& panels, std::size_t q, std::size_t count);
  void pack_floats(const Panels& panels);
  void scan_range(const Panels& panels, Range range);
  void scan_bytes(const Panels& panels, std::size_t panel, std::size_t group, std::size_t count,
                  const std::uint64_t* allowed);
  void scan_floats(const Panels& panels, std::size_t panel, std::size_t group, std::size_t count,
                   const std::uint64_t* allowed);
  void scan_panel(const Panels& panels, std::size_t panel, std::size_t next);
  void leave_bytes_if_doubtful(const Panels& panels);
  [[nodiscard]] std::size_t sample_size(std::size_t panels, std::size_t stride) const;
  void take_results(std::size_t query, std::size_t place);

  std::size_t k_ = 0;
  bool guesses_ = false;   ///< thresholds from samples
  std::size_t count_ = 0;  ///< queries of the block
  std::size_t panels_done_ = 0;
  NarrowKernel narrow_ = nullptr;  ///< null: floats
  ScanKernel wide_ = nullptr;
  std::vector<Query> queries_;
  bool masked_ = false;
  // Of each query, side by side and for whole groups, since every panel needs them. Lengths as
  // compared; how far rounding to bytes moved the query; what a scan score must exceed but for what
  // its panel adds; 1 / step.
  std::vector<double> lengths_, moved_, limits_, levels_;
  std::vector<double> rows_;           ///< [count, D]; queries as they are compared
  std::vector<std::int8_t> bytes_;     ///< groups one behind the other, each [steps, in group, 4]
  std::vector<std::int32_t> zeros_;    ///< [count]
  std::vector<std::int16_t> starts_;   ///< as bytes_, each [chains, in group, pairs]
  std::vector<float> floats_;          ///< groups one behind the other, each [depth, in group]
  std::vector<Scored> results_;        ///< [count, k]
  std::vector<std::uint32_t> counts_;  ///< [count]
  std::vector<std::uint32_t> again_;   ///< queries whose guess was too high
};

}  // namespace torii::retrieval

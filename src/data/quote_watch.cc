#include "data/quote_watch.h"
#include "data/csv_header.h"

namespace torii::data {
namespace {}  // namespace

void QuoteWatch::see(std::string_view piece) {
  if (seen_ == 0 && piece.starts_with(kByteOrderMark)) {
    piece.remove_prefix(kByteOrderMark.size());
    seen_ = kByteOrderMark.size();
  }
  std::size_t at = 0;
  if (pending_ && !piece.empty()) {
    pending_ = false;
    if (piece[0] == '"') {
      at = 1;
    } else {
      quoted_ = false;
    }
  }
  while ((at = piece.find('"', at)) != piece.npos) {
    if (!quoted_) {
      const char before = at == 0 ? last_ : piece[at - 1];
      if (before == delimiter_ || before == '\n' || before == '\r') {
        quoted_ = true;
        opened_ = seen_ + at;
      }
      ++at;
    } else if (at + 1 == piece.size()) {
      pending_ = true;
      break;
    } else if (piece[at + 1] == '"') {
      at += 2;
    } else {
      quoted_ = false;
      ++at;
    }
  }
  if (!piece.empty()) last_ = piece.back();
  seen_ += piece.size();
}

}  // namespace torii::data

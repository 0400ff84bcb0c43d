// The smallest program around a bundle: what should this user see, and what is near the first item?
//
//   embed BUNDLE USER [COLUMN=TEXT]...      e.g.  embed shop.bundle 42 occupation=writer
#include <torii/recommender.h>

#include <iostream>
#include <string>

namespace {

int fail(const torii::Error& error) {
  std::cerr << error.message << '\n';
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: embed BUNDLE USER [COLUMN=TEXT]...\n";
    return 2;
  }
  auto recommender = torii::Recommender::open(argv[1]);
  if (!recommender.ok()) return fail(recommender.error());
  const torii::RecommenderInfo info = recommender->info();
  std::cout << info.item_count << " items, metric " << info.metric << '\n';

  torii::RecommendRequest request{.user_id = argv[2], .k = 5};
  for (int i = 3; i < argc; ++i) {
    const std::string text = argv[i];
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) return fail({.message = text + ": expected COLUMN=TEXT"});
    request.features.push_back({text.substr(0, equals), text.substr(equals + 1)});
  }
  auto answer = recommender->recommend(request);
  if (!answer.ok()) return fail(answer.error());
  std::cout << "for " << request.user_id << " (" << answer->source << "):\n";
  for (const auto& item : answer->items)
    std::cout << "  " << item.item_id << "  " << item.score << '\n';
  if (answer->items.empty()) return 0;

  auto near = recommender->similar(answer->items[0].item_id, 5);
  if (!near.ok()) return fail(near.error());
  std::cout << "near " << answer->items[0].item_id << ":\n";
  for (const auto& item : *near) std::cout << "  " << item.item_id << "  " << item.score << '\n';
  return 0;
}

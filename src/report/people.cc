#include "report/people.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "base/printable.h"

namespace torii::report {
namespace {

std::string upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

}  // namespace

MainMetric main_metric(const evaluate::PerUser& per_user) {
  MainMetric main;
  for (std::size_t place = 0; place < per_user.names.size(); ++place) {
    const std::string& name = per_user.names[place];
    if (!name.starts_with("ndcg@")) continue;
    std::size_t k = 0;
    std::from_chars(name.data() + 5, name.data() + name.size(), k);
    if (main.name.empty() || k == 10 || main.k != 10) main = {name, place, k};
    if (k == 10) break;
  }
  return main;
}

std::vector<Person> choose_people(const evaluate::Outcome& subject, const evaluate::Task& task) {
  const MainMetric main = main_metric(subject.per_user);
  const std::vector<std::uint32_t>& users = task.relevant.users;
  const auto value = [&](std::uint32_t row) { return subject.per_user.row(row)[main.place]; };
  const auto held_out = [&](std::uint32_t row) { return task.relevant.items.of(row).size(); };
  // Best first. Rows are in the order of users, and the sort keeps it.
  std::vector<std::uint32_t> order(users.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, [&](std::uint32_t a, std::uint32_t b) {
    return value(a) != value(b) ? value(a) > value(b) : held_out(a) > held_out(b);
  });
  std::vector<Person> people;
  if (order.empty()) return people;
  const auto add = [&](const char* role, std::string rule, std::uint32_t row) {
    for (const Person& person : people) {
      if (person.row == row) return;
    }
    people.push_back({role, std::move(rule), row, users[row], value(row)});
  };
  const std::string by = upper(main.name);
  add("best", fmt::format("the highest {}; among equals the most held-out items", by),
      order.front());
  const std::uint32_t middle = order[order.size() / 2];
  add("typical", fmt::format("the middle of all {} people by {}", grouped(order.size()), by),
      middle);
  const auto first_miss = std::ranges::find_if(order, [&](auto row) { return value(row) <= 0.0; });
  const auto hits = static_cast<std::size_t>(first_miss - order.begin());
  if (hits > 0 && value(middle) <= 0.0) {
    add("typical hit",
        fmt::format("the middle of the {} people with a hit, by {}", grouped(hits), by),
        order[hits / 2]);
  }
  const double lowest = value(order.back());
  const auto worst =
      std::ranges::find_if(order, [&](std::uint32_t row) { return value(row) <= lowest; });
  add("worst", fmt::format("the lowest {}; among equals the most held-out items", by), *worst);
  std::vector<std::uint32_t> fresh;
  for (const std::uint32_t row : order) {
    if (task.seen.of(users[row]).empty()) fresh.push_back(row);
  }
  if (!fresh.empty()) {
    add("new",
        fmt::format("the middle of the {} without any history, by {}", grouped(fresh.size()), by),
        fresh[fresh.size() / 2]);
  }
  return people;
}

std::vector<std::uint32_t> history_of(const data::Dataset& dataset, const evaluate::Task& task,
                                      std::uint32_t user) {
  const data::Interactions& rows = dataset.interactions;
  std::vector<std::size_t> mine;
  for (std::size_t i = rows.size(); i > 0; --i) {
    if (rows.user[i - 1] == user && task.fit_rows[i - 1] != 0) mine.push_back(i - 1);
  }
  const auto rating = [&](std::size_t row) {
    return std::isnan(rows.rating[row]) ? -1e30F : rows.rating[row];
  };
  if (!rows.rating.empty()) {
    std::ranges::stable_sort(mine,
                             [&](std::size_t a, std::size_t b) { return rating(a) > rating(b); });
  }
  std::vector<std::uint32_t> items;
  for (const std::size_t row : mine) {
    if (std::ranges::find(items, rows.item[row]) == items.end()) items.push_back(rows.item[row]);
  }
  return items;
}

}  // namespace torii::report

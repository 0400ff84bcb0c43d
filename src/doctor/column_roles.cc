#include "doctor/column_roles.h"

#include <algorithm>
#include <array>
#include <span>

namespace torii::doctor {
namespace {

// Letters and digits only, in lower case: "USER_ID" and "userId" are one name.
std::string plain(std::string_view name) {
  std::string result;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') {
      result += static_cast<char>(c - 'A' + 'a');
    } else if (c != '_' && c != '-' && c != '.' && c != ' ') {
      result += c;
    }
  }
  return result;
}

using Names = std::span<const std::string_view>;

// The most usual names first.
constexpr std::string_view kUserNames[] = {
    "userid",    "customerid",   "visitorid", "householdid", "householdkey", "memberid",
    "clientid",  "accountid",    "buyerid",   "shopperid",   "personid",     "reviewerid",
    "profileid", "subscriberid", "guestid",   "uid",         "custid",       "user",
    "customer",  "visitor",      "member",    "client",      "household",    "account",
    "reviewer",  "username",     "userindex", "sessionid"};
constexpr std::string_view kItemNames[] = {
    "itemid",   "productid", "articleid", "asin",     "parentasin", "sku",       "movieid",
    "bookid",   "trackid",   "songid",    "artistid", "isbn",       "contentid", "offerid",
    "videoid",  "newsid",    "postid",    "gameid",   "recipeid",   "listingid", "businessid",
    "goodsid",  "adid",      "stockcode", "upc",      "ean",        "gtin",      "productcode",
    "itemcode", "showid",    "animeid",   "item",     "product",    "article",   "movie",
    "book",     "track",     "itemindex", "iid",      "pid"};
constexpr std::string_view kTimeNames[] = {"timestamp",
                                           "time",
                                           "ts",
                                           "datetime",
                                           "eventtime",
                                           "eventtimestamp",
                                           "createdat",
                                           "created",
                                           "date",
                                           "at",
                                           "transactiondate",
                                           "invoicedate",
                                           "orderdate",
                                           "purchasedate",
                                           "transactiontimestamp",
                                           "unixreviewtime",
                                           "reviewtime",
                                           "reviewdate",
                                           "tdat",
                                           "ratedat",
                                           "purchasedat",
                                           "orderedat",
                                           "viewedat",
                                           "clickedat",
                                           "occurredat",
                                           "eventdate",
                                           "orderpurchasetimestamp",
                                           "servertime",
                                           "day"};
constexpr std::string_view kPositionNames[] = {"position", "pos",        "seq",
                                               "sequence", "eventindex", "sequenceid"};
constexpr std::string_view kTypeNames[] = {
    "interactiontype", "eventtype",     "event",       "actiontype", "action",
    "behaviortype",    "behaviourtype", "behavior",    "activity",   "eventname",
    "feedback",        "feedbacktype",  "interaction", "type"};
constexpr std::string_view kRatingNames[] = {"rating", "overall",      "stars",      "score",
                                             "rate",   "reviewrating", "ratingvalue"};
constexpr std::string_view kQuantityNames[] = {"quantity",  "qty",      "units",
                                               "unitssold", "numitems", "orderquantity"};

Names names_of(Role role) {
  switch (role) {
    case Role::kUser:
      return kUserNames;
    case Role::kItem:
      return kItemNames;
    case Role::kTime:
      return kTimeNames;
    case Role::kPosition:
      return kPositionNames;
    case Role::kType:
      return kTypeNames;
    case Role::kRating:
      return kRatingNames;
    case Role::kQuantity:
      return kQuantityNames;
  }
  return {};
}

bool contains_any(std::string_view text, Names pieces) {
  return std::ranges::any_of(pieces,
                             [&](std::string_view piece) { return text.find(piece) != text.npos; });
}

}  // namespace

const char* role_name(Role role) {
  constexpr std::array<const char*, kRoles> kNames = {"user id", "item id", "time",    "position",
                                                      "type",    "rating",  "quantity"};
  return kNames[static_cast<std::size_t>(role)];
}

std::optional<std::size_t> find_role(Role role, const std::vector<std::string>& columns) {
  for (const std::string_view name : names_of(role)) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (plain(columns[i]) == name) return i;
    }
  }
  return std::nullopt;
}

bool marks_experiment(std::string_view name) {
  const std::string text = plain(name);
  constexpr std::string_view kWhole[] = {"cold",      "iscold",  "fold",        "split",
                                         "part",      "istrain", "istest",      "isvalid",
                                         "traintest", "holdout", "trainortest", "subset"};
  if (std::ranges::find(kWhole, text) != std::end(kWhole)) return true;
  return (text.starts_with("split") && text.size() > 5 && name.size() > 5 && name[5] == '_') ||
         text.starts_with("isholdout");
}

bool names_outcome(std::string_view name) {
  const std::string text = plain(name);
  constexpr std::string_view kWhole[] = {
      "sales", "popularity", "clicks", "views",     "purchases", "orders",     "rating",
      "stars", "ctr",        "likes",  "unitssold", "overall",   "bestseller", "salesrank"};
  if (std::ranges::find(kWhole, text) != std::end(kWhole)) return true;
  constexpr std::string_view kDone[] = {"purchas", "order",  "click",  "view",    "sale",
                                        "rating",  "review", "sold",   "play",    "interaction",
                                        "event",   "rated",  "bought", "download"};
  constexpr std::string_view kSummed[] = {"num",  "count", "cnt",  "total", "avg", "average",
                                          "mean", "sum",   "rate", "freq",  "nof", "number"};
  return contains_any(text, kDone) && contains_any(text, kSummed) && text != "ratingscale";
}

bool names_dislike(std::string_view type) {
  const std::string text = plain(type);
  constexpr std::string_view kPieces[] = {
      "negative", "dislike", "return",     "refund",        "remove", "unlike", "skip",
      "hide",     "cancel",  "thumbsdown", "notinterested", "report", "block",  "unsubscribe"};
  return contains_any(text, kPieces);
}

}  // namespace torii::doctor

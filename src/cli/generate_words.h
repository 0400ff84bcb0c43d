#pragma once

#include <array>
#include <cstddef>
#include <string_view>

/// What the shop of `torii generate` is made of: its shelves, and the words of its titles.
namespace torii::cli {

inline constexpr std::size_t kShelfNouns = 8;
struct Shelf {
  std::string_view name;
  double price = 0.0;  ///< median
  std::array<std::string_view, kShelfNouns> nouns;
};

inline constexpr std::size_t kStyleWords = 5;
/// A way of being of things, which runs through all shelves.
struct Style {
  std::string_view name;
  std::array<std::string_view, kStyleWords> words;
};

struct Country {
  std::string_view code;
  double share = 0.0;
};

inline constexpr std::array<Shelf, 20> kShelves = {{
    {"Kitchen", 24, {"mug", "kettle", "skillet", "carafe", "bowl", "knife", "board", "teapot"}},
    {"Garden",
     32,
     {"planter", "trowel", "lantern", "hose", "trellis", "bench", "birdbath", "shears"}},
    {"Office",
     18,
     {"notebook", "pen", "desk lamp", "organizer", "stapler", "folder", "calendar", "chair mat"}},
    {"Outdoor",
     75,
     {"tent", "backpack", "sleeping bag", "stove", "headlamp", "hammock", "flask", "tarp"}},
    {"Fitness",
     40,
     {"dumbbell", "yoga mat", "kettlebell", "skipping rope", "roller", "bench press", "step",
      "resistance band"}},
    {"Toys",
     21,
     {"puzzle", "building set", "doll", "train", "kite", "plush bear", "marble run", "top"}},
    {"Books",
     15,
     {"novel", "atlas", "cookbook", "biography", "anthology", "guide", "thriller", "diary"}},
    {"Music",
     120,
     {"guitar", "ukulele", "keyboard", "drum pad", "microphone", "tuner", "flute", "amplifier"}},
    {"Audio",
     90,
     {"headphones", "speaker", "earbuds", "turntable", "radio", "soundbar", "cable", "receiver"}},
    {"Photo",
     210,
     {"camera", "tripod", "lens", "flash", "camera bag", "filter", "printer", "album"}},
    {"Lighting",
     45,
     {"floor lamp", "pendant", "bulb", "sconce", "string lights", "night light", "spotlight",
      "chandelier"}},
    {"Bedding",
     55,
     {"duvet", "pillow", "sheet set", "blanket", "quilt", "mattress topper", "throw", "bolster"}},
    {"Bath",
     19,
     {"towel", "soap dish", "bath mat", "robe", "shower caddy", "sponge", "mirror", "dispenser"}},
    {"Shoes",
     80,
     {"sneakers", "boots", "sandals", "loafers", "slippers", "trail shoes", "clogs", "heels"}},
    {"Clothing", 38, {"shirt", "jacket", "jeans", "sweater", "dress", "scarf", "coat", "socks"}},
    {"Jewelry",
     65,
     {"ring", "necklace", "bracelet", "earrings", "brooch", "watch", "pendant chain", "anklet"}},
    {"Pets",
     22,
     {"dog bed", "cat tree", "leash", "feeder", "aquarium", "chew toy", "carrier", "collar"}},
    {"Baby",
     34,
     {"stroller", "crib", "rattle", "bib", "monitor", "high chair", "bottle", "playpen"}},
    {"Cycling",
     110,
     {"helmet", "pump", "saddle", "bike light", "pannier", "lock", "pedals", "jersey"}},
    {"Games",
     30,
     {"board game", "card game", "chess set", "dice tower", "quiz", "strategy game", "dominoes",
      "controller"}},
}};

inline constexpr std::array<Style, 8> kStyles = {{
    {"minimal", {"plain", "slim", "clean", "simple", "bare"}},
    {"retro", {"vintage", "seventies", "classic", "nostalgic", "heritage"}},
    {"rustic", {"farmhouse", "weathered", "handmade", "cottage", "woodland"}},
    {"sport", {"performance", "racing", "agile", "training", "athletic"}},
    {"eco", {"organic", "recycled", "natural", "compostable", "fairtrade"}},
    {"tech", {"smart", "wireless", "digital", "rechargeable", "connected"}},
    {"luxury", {"premium", "elegant", "gilded", "exclusive", "refined"}},
    {"playful", {"colorful", "funny", "cheerful", "striped", "rainbow"}},
}};

inline constexpr std::array<std::string_view, 12> kMaterials = {
    "oak",   "steel", "cotton", "ceramic", "bamboo",   "leather",
    "glass", "wool",  "copper", "linen",   "silicone", "carbon"};

inline constexpr std::array<std::string_view, 24> kBrandBeginnings = {
    "Nor", "Alt", "Bel", "Cor", "Dan", "Elm",  "Fjor", "Gran", "Hol", "Ist", "Jun", "Kal",
    "Lun", "Mar", "Nim", "Ost", "Pel", "Quil", "Riv",  "Sol",  "Tor", "Ul",  "Ver", "Wil"};
inline constexpr std::array<std::string_view, 12> kBrandEndings = {
    "dal", "wick", "mere", "via", "ton", "berg", "quist", "ora", "field", "haus", "ling", "sen"};

inline constexpr std::array<Country, 10> kCountries = {{{"US", 0.30},
                                                        {"DE", 0.16},
                                                        {"GB", 0.13},
                                                        {"FR", 0.10},
                                                        {"JP", 0.08},
                                                        {"CZ", 0.07},
                                                        {"PL", 0.06},
                                                        {"BR", 0.05},
                                                        {"IN", 0.03},
                                                        {"SE", 0.02}}};

}  // namespace torii::cli

#include "faults/broken_inputs.h"

namespace torii {

std::vector<Case> table_cases() {
  const std::string many(10 << 20, 'x');
  std::string wide = "item_id";
  std::string wide_rows;
  for (int c = 0; c < 300; ++c) wide += fmt::format(",n{}", c);
  for (int i = 0; i < 15; ++i) {
    wide_rows += fmt::format("\ni{:02}", i);
    for (int c = 0; c < 300; ++c) wide_rows += fmt::format(",{}.25", i * c % 97);
  }
  std::string everything = interactions_csv();
  for (int i = 0; i < 15; ++i) everything += fmt::format("u99,i{:02},1700000000\n", i);
  std::string ragged = interactions_csv();
  ragged += "u01,i01,1,2,3\n";
  return {
      {"truncated Parquet",
       [](const fs::path& folder) {
         write_table(folder / "data/interactions.parquet", {testing::texts("user_id", {"a", "b"}),
                                                            testing::texts("item_id", {"x", "y"})});
         const std::string text = file_text(folder / "data/interactions.parquet");
         write_text(folder / "data/interactions.parquet", text.substr(0, text.size() / 2));
       },
       {train(2, {"interactions.parquet"}), judge(2, {"interactions.parquet"}),
        candidates(2, {"interactions.parquet"})}},
      {"missing column",
       only("interactions.csv", "user_id,film\na,b\n"),
       {train(2, {"interactions.csv", "no column 'item_id'", "user_id, film"}),
        judge(2, {"item_id"}), recommend(2, {"item_id"})}},
      {"wrong type",
       [](const fs::path& folder) {
         good(folder);
         fs::remove(folder / "data/interactions.csv");
         write_table(folder / "data/interactions.parquet",
                     {testing::texts("user_id", {"a", "b"}), testing::yes_no("item_id", {1, 0})});
       },
       {train(2, {"interactions.parquet", "item_id"})}},
      {"all-null column",
       good_but("items.csv", "item_id,price,kind\ni01,,\ni02,,\n"),
       {train(0, {}), candidates(0, {"empty in the data"})}},
      {"empty file",
       only("interactions.csv", ""),
       {train(2, {"interactions.csv"}), judge(2, {"interactions.csv"})}},
      {"header only",
       only("interactions.csv", "user_id,item_id\n"),
       {train(2, {"interactions"}), judge(2, {"interactions"})}},
      {"duplicate ids",
       good_but("items.csv", items_csv() + "i01,9.5,k1\n"),
       {train(0, {"duplicate id, last row kept: 1"}), candidates(0, {"duplicate id"})}},
      {"one user",
       only("interactions.csv", "user_id,item_id\nu01,i01\nu01,i02\nu01,i03\n"),
       {train(0, {"1 users, 3 items"}), judge(0, {})}},
      {"one item",
       only("interactions.csv", "user_id,item_id\nu01,i01\nu02,i01\nu03,i01\n"),
       {train(0, {}), judge(2, {"split 'loo'", "no rows in test", "3 positive interactions"})}},
      {"one row",
       only("interactions.csv", "user_id,item_id\nu01,i01\n"),
       {train(0, {"too few rows"}), judge(2, {"no rows in test"})}},
      {"a user with every item",
       good_but("interactions.csv", everything),
       {train(0, {}), candidates(0, {}), recommend(0, {}, "u99")}},
      {"no text", good, {train(0, {})}},
      {"300 numeric columns", good_but("items.csv", wide + wide_rows + "\n"), {train(0, {})}},
      {"NaN and infinite prices",
       good_but("items.csv", "item_id,price\ni01,NaN\ni02,inf\ni03,-inf\ni04,2.5\ni05,3.5\n"),
       {train(0, {})}},
      {"infinite rating",
       only("interactions.csv",
            "user_id,item_id,rating\nu01,i01,inf\nu01,i02,3\nu02,i01,4\nu02,i03,5\n"),
       {train(0, {"too few rows"}, {"--preset=default"})}},
      {"numbers of 1e308",
       good_but("items.csv", "item_id,price\ni01,1e308\ni02,-1e308\ni03,1\n"),
       {train(2, {"items.csv", "column 'price'", "too large", "skip"}),
        train(0, {}, {"--set=data.items.skip=[price]"})}},
      {"a title of 10 MB",
       good_but("items.csv", "item_id,kind\ni01," + many + "\ni02,a\n"),
       {train(0, {}, {"--set=data.items.skip=[kind]"})}},
      {"emoji ids",
       only("interactions.csv",
            "user_id,item_id\n\xF0\x9F\x98\x80,\xF0\x9F\x8D\xA3\n\xF0\x9F\x98\x80,b\nu2,b\nu2,c\n"),
       {train(0, {}), recommend(0, {}, "\xF0\x9F\x98\x80")}},
      {"mixed id types",
       only("interactions.csv", "user_id,item_id\n1,i01\nu2,2\n3.5,i01\n1,2\n007,i01\n"),
       {train(0, {})}},
      {"the year 9999",
       only("interactions.csv",
            "user_id,item_id,timestamp\nu1,a,9999-12-31T23:59:59Z\nu1,b,9999-12-31\nu2,a,1\nu2,b,"
            "2\n"),
       {train(2, {"timestamp"})}},
      {"nonsense as timestamps",
       only("interactions.csv", "user_id,item_id,timestamp\nu1,a,yesterday\nu1,b,soon\n"),
       {train(2, {"interactions.csv", "timestamp", "yesterday"})}},
      {"ragged rows", good_but("interactions.csv", ragged), {train(2, {"interactions.csv"})}},
      {"byte order mark",
       good_but("interactions.csv", "\xEF\xBB\xBF" + interactions_csv()),
       {train(0, {})}},
      {"CRLF",
       [](const fs::path& folder) {
         good(folder);
         std::string text;
         for (const char letter : interactions_csv()) {
           text += letter == '\n' ? "\r\n" : std::string(1, letter);
         }
         write_text(folder / "data/interactions.csv", text);
       },
       {train(0, {})}},
      {"NUL bytes",
       good_but("interactions.csv", interactions_csv() + std::string("u\0x,i01,1\n", 10)),
       {train(0, {})}},
      {"only cold users",
       good_but("users.csv", "user_id,age\nz1,3\nz2,4\n"),
       {train(0, {}), candidates(0, {})}},
      {"items without interactions",
       good_but("interactions.csv", "user_id,item_id\n"),
       {train(2, {"interactions"})}},
      {"all interactions negative",
       only("interactions.csv",
            "user_id,item_id,interaction_type\nu1,a,return\nu1,b,return\nu2,a,return\n"),
       {train(2, {"positive"}), judge(2, {})}},
      {"column names with spaces and newlines",
       good_but("items.csv", "item_id,\"the price\",\"a\nkind\"\ni01,1.5,x\ni02,2.5,y\n"),
       {train(0, {})}},
      {"a column twice",
       only("interactions.csv", "user_id,item_id,item_id\na,x,y\nb,x,y\n"),
       {train(2, {"interactions.csv", "item_id"})}},
      {"unknown value in a split column",
       only("interactions.csv", "user_id,item_id,part\nu1,a,train\nu1,b,tset\n"),
       {train(2, {"part", "tset"}, {"--split=column:part"})}},
  };
}

}  // namespace torii

#include "base/safetensors.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <numeric>

namespace torii {
namespace {

namespace fs = std::filesystem;

class SafetensorsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "torii-tensors-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ / "x.safetensors";
  }
  void TearDown() override { fs::remove_all(folder_); }

  // A file of this header and so many zero bytes of data.
  Result<SafetensorsFile> open_raw(std::string_view header, std::size_t data_size) {
    const std::uint64_t length = header.size();
    std::string bytes(reinterpret_cast<const char*>(&length), sizeof length);
    bytes += header;
    bytes.resize(bytes.size() + data_size);
    EXPECT_TRUE(write_file_durably(path_, bytes).ok());
    return SafetensorsFile::open(path_);
  }
  void expect_corrupt(std::string_view header, std::size_t data_size, std::string_view why) {
    const auto opened = open_raw(header, data_size);
    ASSERT_FALSE(opened.ok()) << header;
    EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt) << opened.error().message;
    EXPECT_NE(opened.error().message.find(why), std::string::npos) << opened.error().message;
  }

  fs::path folder_;
  fs::path path_;
};

TEST_F(SafetensorsTest, WritesAndReadsBack) {
  std::vector<float> weights(6);
  std::iota(weights.begin(), weights.end(), 0.5F);
  const std::vector<std::int64_t> ids = {-1, 1LL << 40};
  const std::vector<std::byte> flags = {std::byte{1}, std::byte{0}, std::byte{1}};
  SafetensorsWriter writer;
  writer.add("z.weight", {2, 3}, weights);
  writer.add("a.flags", DType::kBool, {3}, flags);
  writer.add("ids", DType::kI64, {2}, std::as_bytes(std::span(ids)));
  writer.add("none", {0, 4}, std::span<const float>());
  writer.add_metadata("format", "pt");
  ASSERT_TRUE(writer.write(path_).ok());

  auto opened = SafetensorsFile::open(path_);
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  const SafetensorsFile file = std::move(opened).value();
  EXPECT_EQ(file.tensors().size(), 4U);
  EXPECT_EQ(file.metadata().at("format"), "pt");
  EXPECT_EQ(file.floats("z.weight").value(), weights);
  EXPECT_EQ(file.floats("z.weight", std::vector<std::int64_t>{2, -1}).value(), weights);
  EXPECT_EQ(file.ints("ids").value(), ids);
  EXPECT_EQ(file.find("z.weight")->shape_text(), "[2, 3]");
  EXPECT_EQ(file.find("none")->size(), 0U);
  EXPECT_EQ(file.find("missing"), nullptr);
  for (const auto& [name, tensor] : file.tensors()) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor.bytes.data()) % dtype_size(tensor.dtype), 0U)
        << name;
  }
}

TEST_F(SafetensorsTest, SameTensorsGiveTheSameBytesInAnyOrder) {
  const std::vector<float> values = {1, 2};
  SafetensorsWriter one;
  one.add("a", {2}, values);
  one.add("b", {1, 2}, values);
  one.add_metadata("k", "1");
  one.add_metadata("j", "2");
  SafetensorsWriter two;
  two.add_metadata("j", "2");
  two.add("b", {1, 2}, values);
  two.add_metadata("k", "1");
  two.add("a", {2}, values);
  ASSERT_TRUE(one.write(path_).ok());
  const std::string first = read_file(path_).value();
  ASSERT_TRUE(two.write(path_).ok());
  EXPECT_EQ(read_file(path_).value(), first);
}

TEST_F(SafetensorsTest, ConvertsHalfPrecision) {
  const std::vector<std::uint16_t> half = {0x3c00, 0xc000, 0x7bff, 0x0001,
                                           0x8000, 0x7c00, 0x7e00, 0x3555};
  const std::vector<std::uint16_t> brain = {0x3f80, 0xc000, 0x0001};
  const std::vector<double> wide = {0.1, -2};
  SafetensorsWriter writer;
  writer.add("half", DType::kF16, {8}, std::as_bytes(std::span(half)));
  writer.add("brain", DType::kBF16, {3}, std::as_bytes(std::span(brain)));
  writer.add("wide", DType::kF64, {2}, std::as_bytes(std::span(wide)));
  ASSERT_TRUE(writer.write(path_).ok());
  const auto file = SafetensorsFile::open(path_);
  const std::vector<float> values = file->floats("half").value();
  EXPECT_EQ(values[0], 1.0F);
  EXPECT_EQ(values[1], -2.0F);
  EXPECT_EQ(values[2], 65504.0F);
  EXPECT_EQ(values[3], 0x1p-24F);
  EXPECT_TRUE(values[4] == 0 && std::signbit(values[4]));
  EXPECT_TRUE(std::isinf(values[5]));
  EXPECT_TRUE(std::isnan(values[6]));
  EXPECT_EQ(values[7], 0.333251953125F);
  EXPECT_EQ(file->floats("brain").value(), (std::vector<float>{1.0F, -2.0F, 0x1p-133F}));
  EXPECT_EQ(file->floats("wide").value(), (std::vector<float>{0.1F, -2.0F}));
}

TEST_F(SafetensorsTest, AsksForTheRightTensor) {
  const std::vector<float> values = {1, 2};
  SafetensorsWriter writer;
  writer.add("a", {2}, values);
  ASSERT_TRUE(writer.write(path_).ok());
  const auto file = SafetensorsFile::open(path_);
  EXPECT_EQ(file->floats("b").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(file->ints("a").error().code, ErrorCode::kInvalidArgument);
  const auto wrong = file->floats("a", std::vector<std::int64_t>{-1, 3});
  ASSERT_FALSE(wrong.ok());
  EXPECT_NE(wrong.error().message.find("tensor 'a': shape [2], expected [any, 3]"),
            std::string::npos)
      << wrong.error().message;
}

TEST_F(SafetensorsTest, ReadsHeadersOfAnyAlignment) {
  const auto file = open_raw(R"({"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}  )", 4);
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ(file->floats("a").value(), std::vector<float>{0.0F});
}

TEST_F(SafetensorsTest, RefusesHostileHeaders) {
  expect_corrupt("", 0, "no JSON object");
  expect_corrupt("[]", 0, "no JSON object");
  expect_corrupt("{", 0, "not valid JSON");
  expect_corrupt(R"({"a":1})", 0, "expected dtype");
  expect_corrupt(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,4]}})", 4,
                 "expected dtype");
  expect_corrupt(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}})", 4, "leave the file");
  expect_corrupt(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[8,4]}})", 8, "leave the file");
  expect_corrupt(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}})", 4, "leave the file");
  expect_corrupt(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,1e30]}})", 4,
                 "leave the file");
  expect_corrupt(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4, "does not fill");
  expect_corrupt(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4,
                 "no whole number");
  expect_corrupt(R"({"a":{"dtype":"F32","shape":[4611686018427387904,4,4],"data_offsets":[0,0]}})",
                 0, "does not fill");
  expect_corrupt(R"({"__metadata__":{"a":1}})", 0, "is no text");
  expect_corrupt(R"({"__metadata__":[]})", 0, "is no object");
}

TEST_F(SafetensorsTest, RefusesOverlapsHolesAndDuplicates) {
  const std::string a = R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  expect_corrupt("{" + a + "," + a + "}", 4, "stands twice");
  expect_corrupt("{" + a + R"(,"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})", 6,
                 "overlap");
  expect_corrupt("{" + a + R"(,"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4,
                 "overlap");
  expect_corrupt("{" + a + R"(,"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}})", 12,
                 "leave a hole");
  expect_corrupt("{" + a + "}", 8, "cover 4");
}

TEST_F(SafetensorsTest, RefusesTornFiles) {
  for (const std::size_t size : {0U, 7U}) {
    ASSERT_TRUE(write_file_durably(path_, std::string(size, 'x')).ok());
    EXPECT_EQ(SafetensorsFile::open(path_).error().code, ErrorCode::kCorrupt);
  }
  ASSERT_TRUE(write_file_durably(path_, std::string(16, '\xff')).ok());
  EXPECT_EQ(SafetensorsFile::open(path_).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(SafetensorsFile::open(folder_ / "no").error().code, ErrorCode::kNotFound);
}

TEST_F(SafetensorsTest, NamesUnknownElementTypes) {
  const auto opened = open_raw(R"({"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}})", 1);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(opened.error().message.find("F8_E4M3"), std::string::npos);
}

TEST_F(SafetensorsTest, AHeaderOfManyNamesIsReadInLinearTime) {
  std::string header = "{";
  for (int i = 0; i < 200000; ++i) {
    header += fmt::format(R"({}"t{}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})",
                          i == 0 ? "" : ",", i);
  }
  const auto opened = open_raw(header + "}", 0);
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  EXPECT_EQ(opened->tensors().size(), 200000U);
}

}  // namespace
}  // namespace torii

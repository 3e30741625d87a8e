#include "server/ledger/segment_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <utility>

#include "server/crypto/digest.h"
#include "server/ledger/manifest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace warder::ledger {
namespace {

SealedPeriod APeriod() {
  SeededRandom random(1);
  SealedPeriod period;
  for (uint32_t minute = 5; minute < 7; ++minute) {
    const std::vector<uint64_t> digests = {minute, 10, 20};
    period.segments.push_back(
        {.issuer = "shop",
         .minute = minute,
         .detect = *FuseFilter8::Build(digests, random),
         .refuse = *FuseFilter16::Build(digests, random)});
  }
  period.counts.push_back(
      {.key = "issuers/shop/keys/k", .minute = 5, .issued = uint64_t{1} << 40});
  return period;
}

TEST(SegmentFileTest, WhatWasWrittenIsRead) {
  TempDir dir;
  const std::string path = dir.File("1.segments");
  ASSERT_OK(WriteSegmentFile(path, APeriod()));
  ASSERT_OK_AND_ASSIGN(const SealedPeriod read, ReadSegmentFile(path));
  ASSERT_EQ(read.segments.size(), 2u);
  EXPECT_EQ(read.segments[1].issuer, "shop");
  EXPECT_EQ(read.segments[1].minute, 6u);
  EXPECT_TRUE(read.segments[1].detect.Contains(6));
  EXPECT_TRUE(read.segments[1].refuse.Contains(20));
  EXPECT_FALSE(read.segments[1].refuse.Contains(7));
  ASSERT_EQ(read.counts.size(), 1u);
  EXPECT_EQ(read.counts[0].key, "issuers/shop/keys/k");
  EXPECT_EQ(read.counts[0].issued, uint64_t{1} << 40);
  ASSERT_OK_AND_ASSIGN(const SealedPeriod none,
                       ReadSegments(WriteSegments(SealedPeriod())));
  EXPECT_TRUE(none.segments.empty());
}

TEST(SegmentFileTest, WhatIsNotWholeIsRefused) {
  const std::string whole = WriteSegments(APeriod());
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT(ReadSegments(whole.substr(0, size)),
                FailsWith(Reason::kStoreCorrupt));
  }
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string bad = whole;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    EXPECT_THAT(ReadSegments(bad), FailsWith(Reason::kStoreCorrupt));
    // Nor is it believed where its check was made for it.
    const std::string body = bad.substr(0, bad.size() - 32);
    (void)ReadSegments(body + crypto::Sha256(body));
  }
  EXPECT_THAT(ReadSegmentFile("/nonexistent/file"),
              FailsWith(Reason::kStoreUnavailable, "/nonexistent/file"));
}

TEST(ManifestTest, WhatWasWrittenIsRead) {
  Manifest manifest;
  manifest.known_from = 29'000'000;
  manifest.sealed_secret = "sealed";
  manifest.next_number = 12;
  manifest.files = {
      {.number = 3, .minutes = {5, 9}, .sealed = true},
      {.number = 11, .minutes = {7, 12}, .sealed = true, .journal_kept = true}};
  manifest.incomplete = {{1, 2}};
  manifest.forgotten = {{"shop", 7}};
  ASSERT_OK_AND_ASSIGN(const Manifest read,
                       ReadManifest(WriteManifest(manifest)));
  EXPECT_EQ(read, manifest);
  EXPECT_EQ(read.files[0].journal_name(), "00000003.journal");
  EXPECT_EQ(read.files[0].segments_name(), "00000003.segments");
}

TEST(ManifestTest, AnythingElseIsRefused) {
  Manifest manifest;
  manifest.next_number = 2;
  manifest.files = {{.number = 1, .minutes = {5, 9}}};
  const std::string good = WriteManifest(manifest);
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
  for (const std::string& bad :
       {std::string(), std::string("[]"), good.substr(0, good.size() / 2),
        with("\"version\":1", "\"version\":2"), with("[5,9]", "[9,5]"),
        with("[5,9]", "[5,4294967296]"), with("[5,9]", "[-1,9]"),
        with("\"number\":1", "\"number\":2"), with("false", "0"),
        with("\"known_from\":0", "\"known_from\":-1"),
        with("\"incomplete\":[]", "\"incomplete\":[[1]]"),
        with("\"files\":[", "\"files\":[1,"),
        with("\"forgotten\":{}", "\"forgotten\":{\"a\":-1}")}) {
    EXPECT_THAT(ReadManifest(bad), FailsWith(Reason::kStoreCorrupt)) << bad;
  }
}

}  // namespace
}  // namespace warder::ledger

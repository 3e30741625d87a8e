#include "server/ledger/subject_set.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "server/ledger/subject_sets.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_sealer.h"

namespace warder::ledger {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'767'225'600);

std::vector<uint64_t> DigestsOf(const SubjectSecret& secret, int count) {
  std::vector<uint64_t> digests;
  for (int i = 0; i < count; ++i) {
    digests.push_back(secret.DigestOf(absl::StrCat("u", i)));
  }
  return digests;
}

class SubjectSetTest : public testing::Test {
 protected:
  SubjectsPtr MustBuild(const SubjectSecret& secret, int count) {
    auto set = SubjectSet::Build(DigestsOf(secret, count), random_);
    EXPECT_OK(set.status());
    return std::make_shared<const LoadedSubjects>(
        LoadedSubjects{.set = *std::move(set),
                       .load_time = kNow,
                       .loaded_by = "security/sam",
                       .secret_mark = MarkOf(secret)});
  }

  SeededRandom random_{1};
  const SubjectSecret secret_{std::string(32, 's')};
};

TEST_F(SubjectSetTest, EverybodyIsFoundAndFewOthers) {
  auto digests = DigestsOf(secret_, 10'000);
  digests.insert(digests.end(), digests.begin(), digests.begin() + 5);
  ASSERT_OK_AND_ASSIGN(const SubjectSet set,
                       SubjectSet::Build(digests, random_));
  EXPECT_EQ(set.count(), 10'000u);
  EXPECT_NE(set.load(), 0u);
  for (const uint64_t digest : digests) EXPECT_TRUE(set.Contains(digest));
  int found = 0;
  for (int i = 0; i < 10'000; ++i) {
    found += set.Contains(secret_.DigestOf(absl::StrCat("nobody", i)));
  }
  EXPECT_LT(found, 100);  // 1 in 256 is 39
}

TEST_F(SubjectSetTest, ManyAreOfSeveralParts) {
  std::vector<uint64_t> digests(2'000'000);
  random_.Fill({reinterpret_cast<uint8_t*>(digests.data()),
                digests.size() * sizeof(uint64_t)});
  ASSERT_OK_AND_ASSIGN(const SubjectSet set,
                       SubjectSet::Build(digests, random_));
  EXPECT_GT(set.parts().size(), 1u);
  EXPECT_EQ(set.count(), digests.size());
  for (size_t i = 0; i < digests.size(); i += 97) {
    ASSERT_TRUE(set.Contains(digests[i])) << i;
  }
  EXPECT_LT(static_cast<double>(set.size_bytes() * 8) /
                static_cast<double>(digests.size()),
            9.3);
  ASSERT_OK_AND_ASSIGN(const SubjectSet again,
                       SubjectSet::FromParts(set.load(), set.parts()));
  EXPECT_TRUE(again.Contains(digests[0]));
}

TEST_F(SubjectSetTest, WhatIsWrittenIsReadAndDamageIsNot) {
  const SubjectsPtr subjects = MustBuild(secret_, 100);
  const std::string bytes = WriteSubjects(*subjects);
  ASSERT_OK_AND_ASSIGN(const LoadedSubjects read, ReadSubjects(bytes));
  EXPECT_EQ(read.set.load(), subjects->set.load());
  EXPECT_EQ(read.set.count(), 100u);
  EXPECT_EQ(read.load_time, kNow);
  EXPECT_EQ(read.loaded_by, "security/sam");
  EXPECT_EQ(read.secret_mark, MarkOf(secret_));
  EXPECT_TRUE(read.set.Contains(secret_.DigestOf("u1")));
  for (size_t i = 0; i < bytes.size(); i += 7) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_THAT(ReadSubjects(damaged), FailsWith(Reason::kStoreCorrupt, ""));
    EXPECT_THAT(ReadSubjects(bytes.substr(0, i)),
                FailsWith(Reason::kStoreCorrupt, ""));
  }
}

TEST_F(SubjectSetTest, AnIssuersSubjectsSurviveARestart) {
  TempDir dir;
  const auto sealer = MakeSealer();
  const IssuerId shop("shop");
  ASSERT_OK_AND_ASSIGN(const auto ledger,
                       Ledger::Open(dir.File("ledger"), sealer, random_, kNow));
  ASSERT_OK_AND_ASSIGN(auto sets,
                       SubjectSets::Open(dir.File("subjects"), *ledger));
  EXPECT_EQ(sets->Find(shop), nullptr);
  EXPECT_FALSE(sets->IsUnknown(shop, "anybody"));
  const SubjectsPtr built = MustBuild(sets->SecretOf(shop), 1000);
  // Staged by a process that ended: it is as if it had not been.
  ASSERT_OK(sets->Stage(shop, *built));
  ASSERT_OK_AND_ASSIGN(sets, SubjectSets::Open(dir.File("subjects"), *ledger));
  EXPECT_EQ(sets->Find(shop), nullptr);
  EXPECT_THAT(sets->Install(shop, built),
              FailsWith(Reason::kStoreUnavailable, ""));
  EXPECT_EQ(sets->Find(shop), nullptr);
  ASSERT_OK(sets->Stage(shop, *built));
  ASSERT_OK(sets->Install(shop, built));
  for (int round = 0; round < 2; ++round) {
    EXPECT_FALSE(sets->IsUnknown(shop, "u7"));
    EXPECT_TRUE(sets->IsUnknown(shop, "nobody at all"));
    EXPECT_FALSE(sets->IsUnknown(IssuerId("bank"), "nobody at all"));
    ASSERT_OK_AND_ASSIGN(sets,
                         SubjectSets::Open(dir.File("subjects"), *ledger));
  }
  // Beside another ledger their digests are of no use.
  ASSERT_OK_AND_ASSIGN(const auto other,
                       Ledger::Open(dir.File("other"), sealer, random_, kNow));
  ASSERT_OK_AND_ASSIGN(const auto lost,
                       SubjectSets::Open(dir.File("subjects"), *other));
  EXPECT_FALSE(lost->IsUnknown(shop, "nobody at all"));
  ASSERT_OK(sets->Remove(shop));
  EXPECT_FALSE(sets->IsUnknown(shop, "nobody at all"));
  ASSERT_OK_AND_ASSIGN(sets, SubjectSets::Open(dir.File("subjects"), *ledger));
  EXPECT_EQ(sets->Find(shop), nullptr);
}

TEST_F(SubjectSetTest, ADamagedFileHoldsNobodyToAnything) {
  TempDir dir;
  const auto sealer = MakeSealer();
  ASSERT_OK_AND_ASSIGN(const auto ledger,
                       Ledger::Open(dir.File("ledger"), sealer, random_, kNow));
  std::filesystem::create_directories(dir.File("subjects"));
  std::ofstream(dir.File("subjects/shop.subjects")) << "WSS1 and no more";
  ASSERT_OK_AND_ASSIGN(const auto sets,
                       SubjectSets::Open(dir.File("subjects"), *ledger));
  EXPECT_FALSE(sets->IsUnknown(IssuerId("shop"), "anybody"));
}

TEST_F(SubjectSetTest, WhatCannotBeWrittenChangesNothing) {
  TempDir dir;
  const auto sealer = MakeSealer();
  const IssuerId shop("shop");
  ASSERT_OK_AND_ASSIGN(const auto ledger,
                       Ledger::Open(dir.File("ledger"), sealer, random_, kNow));
  ASSERT_OK_AND_ASSIGN(const auto sets,
                       SubjectSets::Open(dir.File("subjects"), *ledger));
  std::filesystem::remove_all(dir.File("subjects"));
  EXPECT_THAT(sets->Stage(shop, *MustBuild(sets->SecretOf(shop), 10)),
              FailsWith(Reason::kStoreUnavailable, ""));
  EXPECT_EQ(sets->Find(shop), nullptr);
}

}  // namespace
}  // namespace warder::ledger

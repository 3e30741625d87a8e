#include "server/ledger/journal.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace warder::ledger {
namespace {

using Records = std::vector<LedgerRecord>;

class JournalTest : public testing::Test {
 protected:
  static LedgerRecord Record(uint64_t digest) {
    return {.minute = 29'000'000, .key = 7, .digest = digest};
  }
  static std::string NameOf(uint32_t key) {
    return absl::StrCat("issuers/shop/keys/", key);
  }
  std::unique_ptr<Journal> MustCreate() {
    std::filesystem::remove(path_);
    auto journal = Journal::Create(path_, NameOf);
    EXPECT_OK(journal.status());
    return journal.ok() ? *std::move(journal) : nullptr;
  }
  absl::StatusOr<JournalSummary> Read() {
    read_.clear();
    names_.clear();
    return ReadJournal(
        path_,
        [this](uint32_t number, absl::string_view name) {
          names_.emplace_back(number, name);
        },
        [this](const LedgerRecord& record) { read_.push_back(record); });
  }
  std::string Bytes() const {
    std::ifstream in(path_, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  void Overwrite(const std::string& bytes) const {
    std::ofstream(path_, std::ios::binary) << bytes;
  }
  void MustAppend(Journal& journal, const Records& records) {
    ASSERT_OK(journal.Append(records));
  }

  TempDir dir_;
  const std::string path_ = dir_.File("journal");
  Records read_;
  std::vector<std::pair<uint32_t, std::string>> names_;
};

TEST_F(JournalTest, WhatWasAppendedIsReadInItsOrder) {
  const Records first = {Record(1), {1, 2, ~uint64_t{0}}, Record(9)},
                second = {Record(3), {1, 0, 5}};
  const auto journal = MustCreate();
  MustAppend(*journal, first);
  MustAppend(*journal, {});
  MustAppend(*journal, second);
  EXPECT_EQ(journal->size_bytes(), Bytes().size());
  ASSERT_OK_AND_ASSIGN(const JournalSummary summary, Read());
  EXPECT_EQ(read_,
            (Records{first[0], first[1], first[2], second[0], second[1]}));
  EXPECT_EQ(summary.records, 5u);
  EXPECT_EQ(summary.passed_over_bytes, 0u);
  // Each key is named once, before its first record.
  using Names = std::vector<std::pair<uint32_t, std::string>>;
  EXPECT_EQ(names_, (Names{{7, NameOf(7)}, {2, NameOf(2)}, {0, NameOf(0)}}));
}

TEST_F(JournalTest, ABatchThatIsNotWholeIsPassedOverAndNothingElse) {
  const auto journal = MustCreate();
  MustAppend(*journal, {Record(1)});
  MustAppend(*journal, {Record(2), Record(3)});
  const std::string whole = Bytes();
  const size_t last = 24 + 2 * 16;
  for (size_t missing = 1; missing <= last; ++missing) {
    Overwrite(whole.substr(0, whole.size() - missing));
    ASSERT_OK_AND_ASSIGN(const JournalSummary summary, Read());
    EXPECT_EQ(read_, Records{Record(1)}) << missing;
    EXPECT_EQ(summary.passed_over_bytes, last - missing);
  }
  // A file that grew before its bytes came.
  Overwrite(whole + std::string(5000, '\0'));
  ASSERT_OK_AND_ASSIGN(const JournalSummary summary, Read());
  EXPECT_EQ(read_.size(), 3u);
  EXPECT_EQ(summary.passed_over_bytes, 5000u);
  for (size_t size = 0; size < 4; ++size) {
    Overwrite(whole.substr(0, size));
    EXPECT_OK(Read());
  }
}

TEST_F(JournalTest, DamageIsNotPassedOver) {
  const auto journal = MustCreate();
  for (uint64_t i = 0; i < 5; ++i) MustAppend(*journal, {Record(i)});
  const std::string whole = Bytes();
  // Every bit of every batch but the last counts.
  for (size_t at = 0; at < whole.size() - 40; ++at) {
    std::string bad = whole;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    Overwrite(bad);
    EXPECT_THAT(Read().status(), FailsWith(Reason::kStoreCorrupt)) << at;
    EXPECT_EQ(Bytes(), bad);  // nor is anything made worse
  }
  // A batch that stands where another stood is none.
  Overwrite(whole.substr(0, 4) + whole.substr(whole.size() - 40));
  EXPECT_FALSE(Read().ok() && !read_.empty());
  Overwrite(whole + std::string(20'000'000, 'x'));
  EXPECT_THAT(Read().status(), FailsWith(Reason::kStoreCorrupt, "follow"));
  Overwrite("SQLite format 3");
  EXPECT_THAT(Read().status(), FailsWith(Reason::kStoreCorrupt, "begin"));
  std::filesystem::remove(path_);
  EXPECT_THAT(Read().status(), FailsWith(Reason::kStoreUnavailable, "opened"));
}

TEST_F(JournalTest, NoJournalIsWrittenOverAnother) {
  const auto journal = MustCreate();
  EXPECT_THAT(Journal::Create(path_, NameOf).status(),
              FailsWith(Reason::kStoreUnavailable, "exists"));
}

TEST_F(JournalTest, ManyAppendAtOnceAndNothingIsLostOrTwice) {
  constexpr uint64_t kThreads = 8, kEach = 200;
  {
    const auto journal = MustCreate();
    std::vector<std::thread> threads;
    for (uint64_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (uint64_t i = 0; i < kEach; ++i) {
          EXPECT_OK(journal->Append(Records{Record(t << 32 | i)}));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  ASSERT_OK(Read());
  std::vector<uint64_t> next(kThreads);
  for (const LedgerRecord& record : read_) {
    ASSERT_EQ(record.digest & 0xffffffff, next[record.digest >> 32]++);
  }
  EXPECT_EQ(next, std::vector<uint64_t>(kThreads, kEach));
}

TEST_F(JournalTest, TooManyAtOnceAreRefused) {
  const auto journal = MustCreate();
  EXPECT_THAT(journal->Append(Records(Journal::kMostOfOneWrite + 1)),
              FailsWith(Reason::kInvalidField, "65537"));
  EXPECT_OK(journal->Append(Records(Journal::kMostOfOneWrite)));
}

TEST_F(JournalTest, AFullDiskIsSaidAndForgottenOnceThereIsRoom) {
  signal(SIGXFSZ, SIG_IGN);
  rlimit former{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &former), 0);
  const auto journal = MustCreate();
  MustAppend(*journal, {Record(1)});
  rlimit narrow = former;
  narrow.rlim_cur = journal->size_bytes() + 30;  // no room for a whole one
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &narrow), 0);
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(journal->Append(Records{{1, 8, 2}}),
                FailsWith(Reason::kStoreUnavailable, "room"));
  }
  EXPECT_FALSE(journal->broken());
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &former), 0);
  // The name that was lost with its batch comes with the next.
  MustAppend(*journal, {{1, 8, 3}});
  ASSERT_OK(Read());
  EXPECT_EQ(read_, (Records{Record(1), {1, 8, 3}}));
  EXPECT_EQ(names_.size(), 2u);
}

// Whoever was told that his record is on the disk finds it there.
TEST_F(JournalTest, AKilledProcessLosesNothingThatItWasTold) {
  int told[2];
  ASSERT_EQ(pipe(told), 0);
  const pid_t child = fork();
  if (child == 0) {
    auto journal = Journal::Create(path_, NameOf);
    std::vector<std::thread> threads;
    for (uint64_t t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (uint64_t i = 0; i < 100'000; ++i) {
          const uint64_t digest = t << 32 | i;
          if (!(*journal)->Append(Records{Record(digest)}).ok()) _exit(1);
          if (write(told[1], &digest, sizeof(digest)) != sizeof(digest)) {
            _exit(1);
          }
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    _exit(0);
  }
  close(told[1]);
  std::vector<uint64_t> acknowledged;
  uint64_t digest = 0;
  while (read(told[0], &digest, sizeof(digest)) == sizeof(digest)) {
    acknowledged.push_back(digest);
    if (acknowledged.size() == 300) kill(child, SIGKILL);
  }
  close(told[0]);
  waitpid(child, nullptr, 0);
  ASSERT_GE(acknowledged.size(), 300u);
  ASSERT_OK(Read());
  std::set<uint64_t> there;
  for (const LedgerRecord& record : read_) there.insert(record.digest);
  for (const uint64_t one : acknowledged) EXPECT_TRUE(there.contains(one));
}

}  // namespace
}  // namespace warder::ledger

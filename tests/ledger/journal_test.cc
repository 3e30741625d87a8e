#include "server/ledger/journal.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <sstream>
#include <thread>

#include "absl/time/clock.h"
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
  // Opens it and reads what it holds.
  absl::StatusOr<Journal::Opened> Open() {
    read_.clear();
    return Journal::Open(
        path_, [this](const LedgerRecord& record) { read_.push_back(record); });
  }
  std::unique_ptr<Journal> MustOpen() {
    auto opened = Open();
    EXPECT_OK(opened.status());
    return opened.ok() ? std::move(opened->journal) : nullptr;
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
};

TEST_F(JournalTest, WhatWasAppendedIsReadInItsOrder) {
  const Records first = {Record(1), {1, 2, ~uint64_t{0}}}, second = {Record(3)};
  {
    const auto journal = MustOpen();
    EXPECT_TRUE(read_.empty());
    MustAppend(*journal, first);
    MustAppend(*journal, {});
    MustAppend(*journal, second);
    EXPECT_EQ(journal->size_bytes(), Bytes().size());
  }
  ASSERT_OK_AND_ASSIGN(Journal::Opened opened, Open());
  EXPECT_EQ(read_, (Records{first[0], first[1], second[0]}));
  EXPECT_EQ(opened.records, 3u);
  EXPECT_EQ(opened.cut_bytes, 0u);
  MustAppend(*opened.journal, {Record(4)});
  opened.journal.reset();
  MustOpen();
  EXPECT_EQ(read_.back(), Record(4));
}

TEST_F(JournalTest, ABatchThatIsNotWholeIsCutOffAndNothingElse) {
  {
    const auto journal = MustOpen();
    MustAppend(*journal, {Record(1)});
    MustAppend(*journal, {Record(2), Record(3)});
  }
  const std::string whole = Bytes();
  const size_t last = 20 + 2 * 16;
  for (size_t missing = 1; missing <= last; ++missing) {
    Overwrite(whole.substr(0, whole.size() - missing));
    ASSERT_OK_AND_ASSIGN(Journal::Opened opened, Open());
    EXPECT_EQ(read_, Records{Record(1)}) << missing;
    EXPECT_EQ(opened.cut_bytes, last - missing);
    MustAppend(*opened.journal, {Record(4)});
    opened.journal.reset();
    MustOpen();
    EXPECT_EQ(read_, (Records{Record(1), Record(4)})) << missing;
  }
  // A file that grew before its bytes came.
  Overwrite(whole + std::string(5000, '\0'));
  ASSERT_OK_AND_ASSIGN(const Journal::Opened opened, Open());
  EXPECT_EQ(read_.size(), 3u);
  EXPECT_EQ(opened.cut_bytes, 5000u);
}

TEST_F(JournalTest, DamageIsNotPassedOver) {
  {
    const auto journal = MustOpen();
    for (uint64_t i = 0; i < 5; ++i) MustAppend(*journal, {Record(i)});
  }
  const std::string whole = Bytes();
  // Every bit of every batch but the last counts.
  for (size_t at = 0; at < whole.size() - 36; ++at) {
    std::string bad = whole;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    Overwrite(bad);
    EXPECT_THAT(Open().status(), FailsWith(Reason::kStoreCorrupt)) << at;
    EXPECT_EQ(Bytes(), bad);  // nor is anything made worse
  }
  // A batch that stands where another stood is none.
  Overwrite(whole.substr(0, 4) + whole.substr(40));
  EXPECT_FALSE(Open().ok() && read_.size() > 0);
  Overwrite(whole + std::string(2'000'000, 'x'));
  EXPECT_THAT(Open().status(), FailsWith(Reason::kStoreCorrupt, "follow"));
  Overwrite("SQLite format 3");
  EXPECT_THAT(Open().status(), FailsWith(Reason::kStoreCorrupt, "begin"));
}

TEST_F(JournalTest, OneProcessHasIt) {
  const auto journal = MustOpen();
  EXPECT_THAT(Open().status(), FailsWith(Reason::kStoreUnavailable, "another"));
}

TEST_F(JournalTest, ManyAppendAtOnceAndNothingIsLostOrTwice) {
  constexpr uint64_t kThreads = 8, kEach = 200;
  {
    const auto journal = MustOpen();
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
  MustOpen();
  std::vector<uint64_t> next(kThreads);
  for (const LedgerRecord& record : read_) {
    ASSERT_EQ(record.digest & 0xffffffff, next[record.digest >> 32]++);
  }
  EXPECT_EQ(next, std::vector<uint64_t>(kThreads, kEach));
}

TEST_F(JournalTest, TooManyAtOnceAreRefused) {
  const auto journal = MustOpen();
  EXPECT_THAT(journal->Append(Records(Journal::kMostOfOneWrite + 1)),
              FailsWith(Reason::kInvalidField, "65537"));
  EXPECT_OK(journal->Append(Records(Journal::kMostOfOneWrite)));
}

TEST_F(JournalTest, AFullDiskIsSaidAndForgottenOnceThereIsRoom) {
  signal(SIGXFSZ, SIG_IGN);
  rlimit former{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &former), 0);
  auto journal = MustOpen();
  MustAppend(*journal, {Record(1)});
  rlimit narrow = former;
  narrow.rlim_cur = journal->size_bytes() + 30;  // no room for a whole one
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &narrow), 0);
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(journal->Append(Records{Record(2)}),
                FailsWith(Reason::kStoreUnavailable, "room"));
  }
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &former), 0);
  MustAppend(*journal, {Record(3)});
  journal.reset();
  MustOpen();
  EXPECT_EQ(read_, (Records{Record(1), Record(3)}));
}

// Whoever was told that his record is on the disk finds it there.
TEST_F(JournalTest, AKilledProcessLosesNothingThatItWasTold) {
  int told[2];
  ASSERT_EQ(pipe(told), 0);
  const pid_t child = fork();
  if (child == 0) {
    auto opened = Journal::Open(path_, [](const LedgerRecord&) {});
    std::vector<std::thread> threads;
    for (uint64_t t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (uint64_t i = 0; i < 100'000; ++i) {
          const uint64_t digest = t << 32 | i;
          if (!opened->journal->Append(Records{Record(digest)}).ok()) _exit(1);
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
  MustOpen();
  std::set<uint64_t> there;
  for (const LedgerRecord& record : read_) there.insert(record.digest);
  for (const uint64_t one : acknowledged) EXPECT_TRUE(there.contains(one));
}

}  // namespace
}  // namespace warder::ledger

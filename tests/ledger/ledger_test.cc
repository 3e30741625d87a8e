#include "server/ledger/ledger.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_sealer.h"

namespace warder::ledger {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(29'000'000 * int64_t{60});

class LedgerTest : public testing::Test {
 protected:
  void SetUp() override { MustOpen(); }

  // As the next process would; a minute after the first one, all is known.
  void MustOpen() {
    ledger_.reset();
    auto opened = Ledger::Open(path_, sealer_, random_, kStart);
    ASSERT_OK(opened.status());
    ledger_ = *std::move(opened);
    ledger_->Load();
  }
  absl::Status Record(absl::Time when, const std::vector<std::string>& inputs) {
    std::vector<Issuance> issued;
    for (const std::string& input : inputs) {
      issued.push_back({.issuer = shop_,
                        .key = key_,
                        .issue_time = when,
                        .signing_input = input});
    }
    return ledger_->Record(issued);
  }
  Verdict Check(absl::Time when, const std::string& input) {
    return ledger_->Check(shop_, when, input, absl::InfinitePast()).verdict;
  }
  // Which minutes after kStart.
  static absl::Time At(int minute) { return kStart + absl::Minutes(minute); }
  void MustTick(int minute) {
    ASSERT_OK(ledger_->Tick(At(minute),
                            [this](const IssuerId&) { return retention_; }));
  }
  std::vector<std::string> FilesLike(absl::string_view ending) const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      if (absl::EndsWith(entry.path().string(), ending)) {
        found.push_back(entry.path());
      }
    }
    return found;
  }

  TempDir dir_;
  const std::string path_ = dir_.File("ledger");
  const crypto::Sealer sealer_ = MakeSealer();
  SeededRandom random_{1};
  const IssuerId shop_{"shop"}, bank_{"bank"};
  const KeyId key_{"K"};
  Retention retention_{.longest_life = absl::Hours(1)};
  std::unique_ptr<Ledger> ledger_;
};

TEST_F(LedgerTest, WhatWasRecordedIsFoundAndNothingElse) {
  ASSERT_OK(Record(At(1), {"a", "b"}));
  EXPECT_EQ(Check(At(1), "a"), Verdict::kIssued);
  EXPECT_EQ(Check(At(1) + absl::Seconds(59), "b"), Verdict::kIssued);
  EXPECT_EQ(Check(At(1), "c"), Verdict::kNeverIssued);
  EXPECT_EQ(Check(At(2), "a"), Verdict::kNeverIssued);
  EXPECT_EQ(Check(At(900), "a"), Verdict::kNeverIssued);
  EXPECT_EQ(ledger_->Check(bank_, At(1), "a", absl::InfinitePast()).verdict,
            Verdict::kNeverIssued);
  EXPECT_EQ(ledger_->CountIssued(shop_, key_, {29'000'001, 29'000'001}), 2u);
  EXPECT_EQ(ledger_->CountIssued(shop_, key_, {29'000'002, 29'000'009}), 0u);
}

TEST_F(LedgerTest, WhatWasSignedBeforeThereWasALedgerIsNotJudged) {
  EXPECT_EQ(Check(kStart - absl::Seconds(1), "x"), Verdict::kIndeterminate);
  EXPECT_EQ(Check(kStart + absl::Seconds(59), "x"), Verdict::kIndeterminate);
  EXPECT_EQ(Check(At(1), "x"), Verdict::kNeverIssued);
  ASSERT_OK(Record(kStart, {"a"}));
  EXPECT_EQ(Check(kStart, "a"), Verdict::kIssued);
}

TEST_F(LedgerTest, WhatMayBeForgottenIsNotJudged) {
  ASSERT_OK(Record(At(1), {"a"}));
  const Answer answer = ledger_->Check(shop_, At(1), "x", At(2));
  EXPECT_EQ(answer.verdict, Verdict::kIndeterminate);
  EXPECT_TRUE(absl::StrContains(answer.why, "earlier")) << answer.why;
  EXPECT_EQ(ledger_->Check(shop_, At(1), "a", At(2)).verdict, Verdict::kIssued);
}

TEST_F(LedgerTest, ARestartFindsAll) {
  ASSERT_OK(Record(At(1), {"a"}));
  ASSERT_OK(Record(At(2), {"b"}));
  MustOpen();
  ASSERT_OK(Record(At(2), {"c"}));
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(Check(At(1), "a"), Verdict::kIssued) << round;
    EXPECT_EQ(Check(At(2), "b"), Verdict::kIssued) << round;
    EXPECT_EQ(Check(At(2), "c"), Verdict::kIssued) << round;
    EXPECT_EQ(Check(At(2), "x"), Verdict::kNeverIssued) << round;
    EXPECT_EQ(ledger_->CountIssued(shop_, key_, {0, ~uint32_t{0}}), 3u);
    if (round == 0) MustTick(10);  // seals what was and what is
    MustOpen();
  }
  EXPECT_TRUE(FilesLike(".journal").empty());
  EXPECT_EQ(FilesLike(".segments").size(), 3u);
}

TEST_F(LedgerTest, UntilItIsReadAbsenceProvesNothing) {
  ASSERT_OK(Record(At(1), {"a"}));
  ledger_.reset();
  ASSERT_OK_AND_ASSIGN(ledger_, Ledger::Open(path_, sealer_, random_, kStart));
  EXPECT_EQ(Check(At(1), "a"), Verdict::kIndeterminate);
  ASSERT_OK(Record(At(1), {"b"}));
  EXPECT_EQ(Check(At(1), "b"), Verdict::kIssued);
  ledger_->Load();
  EXPECT_EQ(Check(At(1), "a"), Verdict::kIssued);
  EXPECT_EQ(Check(At(1), "b"), Verdict::kIssued);
  EXPECT_EQ(Check(At(1), "x"), Verdict::kNeverIssued);
  EXPECT_EQ(ledger_->CountIssued(shop_, key_, {0, ~uint32_t{0}}), 2u);
}

TEST_F(LedgerTest, AFileThatIsGoneOrDamagedIsDoubtAndNoFalseAlarm) {
  ASSERT_OK(Record(At(1), {"a"}));
  ASSERT_OK(Record(At(30), {"b"}));
  const auto doubted = [&] {
    MustOpen();
    EXPECT_EQ(Check(At(1), "a"), Verdict::kIndeterminate);
    EXPECT_EQ(Check(At(30), "b"), Verdict::kIssued);
    EXPECT_EQ(Check(At(30), "x"), Verdict::kNeverIssued);
    EXPECT_GE(ledger_->size().incomplete_minutes, 2u);
  };
  const std::string journal = path_ + "/00000001.journal";
  const std::string aside = dir_.File("aside");
  std::filesystem::rename(journal, aside);
  doubted();
  std::ofstream(journal) << "nonsense";
  doubted();
  // Nor does time make a file of it that could be believed.
  MustTick(10);
  doubted();
  std::filesystem::rename(aside, journal);
  MustOpen();
  EXPECT_EQ(Check(At(1), "a"), Verdict::kIssued);
  EXPECT_EQ(Check(At(1), "x"), Verdict::kNeverIssued);
  MustTick(10);
  const std::string segments = path_ + "/00000001.segments";
  std::filesystem::resize_file(segments,
                               std::filesystem::file_size(segments) - 1);
  doubted();
}

TEST_F(LedgerTest, AProcessThatEndedWhileSealingHasLostNothing) {
  ASSERT_OK(Record(At(1), {"a"}));
  // Segments that are not on record: their journal is.
  std::ofstream(path_ + "/00000001.segments") << "half of it";
  MustOpen();
  EXPECT_EQ(Check(At(1), "a"), Verdict::kIssued);
  MustTick(10);
  // On record, and the journal not removed yet.
  std::ofstream(path_ + "/00000001.journal") << "left";
  MustOpen();
  EXPECT_EQ(Check(At(1), "a"), Verdict::kIssued);
  EXPECT_EQ(Check(At(1), "x"), Verdict::kNeverIssued);
}

TEST_F(LedgerTest, WhatCannotBeSealedStaysAsItWas) {
  ASSERT_OK(Record(At(1), {"a"}));
  std::filesystem::create_directory(path_ + "/00000001.segments.new");
  EXPECT_THAT(
      ledger_->Tick(At(10), [this](const IssuerId&) { return retention_; }),
      FailsWith(Reason::kStoreUnavailable, "00000001.segments"));
  EXPECT_EQ(Check(At(1), "a"), Verdict::kIssued);
  std::filesystem::remove(path_ + "/00000001.segments.new");
  MustTick(10);
  EXPECT_EQ(FilesLike(".segments").size(), 1u);
  EXPECT_EQ(Check(At(1), "a"), Verdict::kIssued);
}

TEST_F(LedgerTest, ATokenIsRecordedForAsLongAsItsIssuersTokensLive) {
  const auto tick = [&](int minute) {
    ASSERT_OK(ledger_->Tick(At(minute), [&](const IssuerId& issuer) {
      return Retention{.longest_life =
                           issuer == bank_ ? absl::Hours(5) : absl::Hours(1)};
    }));
  };
  ASSERT_OK(Record(At(1), {"a"}));
  const Issuance token{
      .issuer = bank_, .key = key_, .issue_time = At(1), .signing_input = "t"};
  ASSERT_OK(ledger_->Record({&token, 1}));
  const auto check_bank = [&] {
    return ledger_->Check(bank_, At(1), "t", absl::InfinitePast()).verdict;
  };
  tick(60);
  EXPECT_EQ(Check(At(1), "a"), Verdict::kIssued);
  tick(70);
  EXPECT_EQ(Check(At(1), "a"), Verdict::kIndeterminate);
  EXPECT_EQ(check_bank(), Verdict::kIssued);
  EXPECT_EQ(ledger_->size().tokens, 1u);
  tick(310);
  EXPECT_EQ(check_bank(), Verdict::kIndeterminate);
  EXPECT_TRUE(FilesLike(".segments").empty());
  EXPECT_EQ(ledger_->size().files, 0u);
}

// Whoever asks later, and whatever policy holds by then.
TEST_F(LedgerTest, WhatWasForgottenIsNotTakenForAForgeryAfterARestart) {
  ASSERT_OK(Record(At(1), {"a"}));
  MustTick(100);
  EXPECT_EQ(ledger_->size().files, 0u);
  EXPECT_EQ(Check(At(1), "a"), Verdict::kIndeterminate);
  MustOpen();
  EXPECT_EQ(Check(At(1), "a"), Verdict::kIndeterminate);
  EXPECT_EQ(Check(At(50), "x"), Verdict::kNeverIssued);
  // Nor are its counts compared with what was seen.
  EXPECT_FALSE(ledger_->IsComplete(shop_, {29'000'001, 29'000'001}));
  EXPECT_TRUE(ledger_->IsComplete(shop_, {29'000'050, 29'000'050}));
}

TEST_F(LedgerTest, AManifestThatWasPutBackIsDoubt) {
  const std::string manifest = path_ + "/manifest.json";
  std::filesystem::copy(manifest, dir_.File("copy"));
  ASSERT_OK(Record(At(1), {"a"}));
  std::filesystem::rename(dir_.File("copy"), manifest);
  ledger_.reset();
  ASSERT_OK_AND_ASSIGN(ledger_, Ledger::Open(path_, sealer_, random_, At(5)));
  ledger_->Load();
  EXPECT_EQ(Check(At(1), "a"), Verdict::kIndeterminate);
  ASSERT_OK(Record(At(6), {"b"}));
  EXPECT_EQ(Check(At(6), "b"), Verdict::kIssued);
  EXPECT_EQ(Check(At(6), "x"), Verdict::kNeverIssued);
}

TEST_F(LedgerTest, NothingDeletesWhatALegalHoldKeeps) {
  ASSERT_OK(Record(At(1), {"a"}));
  retention_.legal_hold = true;
  MustTick(100'000);
  EXPECT_EQ(FilesLike(".journal").size(), 1u);
  EXPECT_EQ(FilesLike(".segments").size(), 1u);
  MustOpen();
  MustTick(200'000);
  EXPECT_EQ(Check(At(1), "a"), Verdict::kIssued);
  // The journal stands in where the segments are damaged.
  std::ofstream(path_ + "/00000001.segments") << "nonsense";
  MustOpen();
  EXPECT_EQ(Check(At(1), "a"), Verdict::kIssued);
  EXPECT_EQ(ledger_->size().incomplete_minutes, 1u);
  retention_.legal_hold = false;
  MustTick(200'000);
  EXPECT_TRUE(FilesLike(".journal").empty());
  EXPECT_TRUE(FilesLike(".segments").empty());
}

TEST_F(LedgerTest, WithoutRoomForARecordThereIsNoToken) {
  signal(SIGXFSZ, SIG_IGN);
  rlimit former{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &former), 0);
  ASSERT_OK(Record(At(1), {"a"}));
  rlimit narrow = former;
  narrow.rlim_cur = 0;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &narrow), 0);
  for (const int minute : {1, 30}) {  // in this file, and in one to be made
    const absl::Status status = Record(At(minute), {"b"});
    EXPECT_THAT(status, FailsWith(Reason::kStoreUnavailable, "no token"));
    EXPECT_EQ(Check(At(minute), "b"), Verdict::kNeverIssued);
  }
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &former), 0);
  ASSERT_OK(Record(At(1), {"c"}));
  ASSERT_OK(Record(At(30), {"d"}));
  MustOpen();
  EXPECT_EQ(Check(At(1), "c"), Verdict::kIssued);
  EXPECT_EQ(Check(At(30), "d"), Verdict::kIssued);
  EXPECT_EQ(Check(At(1), "x"), Verdict::kNeverIssued);
}

TEST_F(LedgerTest, ADirectoryThatLostItsManifestIsNotTakenForANewOne) {
  ASSERT_OK(Record(At(1), {"a"}));
  ledger_.reset();
  const std::string manifest = path_ + "/manifest.json";
  const auto open = [&] {
    return Ledger::Open(path_, sealer_, random_, kStart).status();
  };
  const crypto::Sealer other = MakeSealer(2);
  EXPECT_THAT(Ledger::Open(path_, other, random_, kStart).status(),
              FailsWith(Reason::kKeyEncryptionKey, "manifest.json"));
  std::filesystem::rename(manifest, dir_.File("aside"));
  EXPECT_THAT(open(), FailsWith(Reason::kStoreCorrupt, "is gone"));
  std::ofstream(manifest) << "{";
  EXPECT_THAT(open(), FailsWith(Reason::kStoreCorrupt, "is damaged"));
  std::filesystem::rename(dir_.File("aside"), manifest);
  EXPECT_OK(open());
}

// Whatever is sealed when: who was told that his record is kept is found.
TEST_F(LedgerTest, SealingGoesOnBesideRecordingAndAsking) {
  constexpr int kThreads = 3, kMinutes = 40, kEach = 10;
  std::atomic<int> minute = 1;
  std::atomic<int> running = kThreads;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int m = 1; m <= kMinutes; ++m) {
        for (int i = 0; i < kEach; ++i) {
          const std::string input = absl::StrCat(t, " ", m, " ", i);
          EXPECT_OK(Record(At(m), {input}));
          EXPECT_EQ(Check(At(m), input), Verdict::kIssued);
          EXPECT_EQ(Check(At(m), absl::StrCat(t, " ", m, " ", 0)),
                    Verdict::kIssued);
        }
        minute = std::max(minute.load(), m);
      }
      --running;
    });
  }
  while (running > 0) MustTick(minute + 1);
  for (std::thread& thread : threads) thread.join();
  MustTick(kMinutes + 10);
  for (int round = 0; round < 2; ++round) {
    for (int t = 0; t < kThreads; ++t) {
      for (int m = 1; m <= kMinutes; ++m) {
        for (int i = 0; i < kEach; ++i) {
          ASSERT_EQ(Check(At(m), absl::StrCat(t, " ", m, " ", i)),
                    Verdict::kIssued);
        }
      }
    }
    EXPECT_EQ(ledger_->CountIssued(shop_, key_, {0, ~uint32_t{0}}),
              uint64_t{kThreads * kMinutes * kEach});
    MustOpen();
  }
}

}  // namespace
}  // namespace warder::ledger

// What a gateway holds of the ledger, so that it need not ask of every token:
//
// clang-format off
//     Check ──> found in what is held ─────> issued; nobody was asked, unless its
//           │                                key is drained
//           └─> otherwise the server says ─> issued, never issued
//                      └─> it cannot ──────> never issued, where all of the
//                                            token's minute is held
// clang-format on
//
// Held are the filters of 16 bits of minutes that are sealed, for as long as
// their tokens live: a token of the last few minutes is asked for. Of tokens
// that were not issued 1 in 65,536 is taken for one that was.
#ifndef WARDER_CLIENT_HELD_LEDGER_H_
#define WARDER_CLIENT_HELD_LEDGER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "client/verify/issuance.h"
#include "client/verify/token_observer.h"
#include "server/base/mutex.h"
#include "server/ledger/fuse_filter.h"
#include "server/ledger/ledger.h"
#include "server/ledger/token_digest.h"

namespace warder::client {

// Thread-safe.
class HeldLedger : public IssuanceChecker {
 public:
  // Of all issuers; what comes then is not held. Two hours of a thousand
  // million tokens a day.
  static constexpr size_t kMostBytes = 256 << 20;

  // `server` is asked where what is held does not say it; `observer`, which may
  // be null, is told of what was never issued where the server could not say.
  // Both outlive this.
  HeldLedger(IssuanceChecker& server, TokenObserver* observer,
             size_t most_bytes = kMostBytes)
      : server_(server), observer_(observer), most_bytes_(most_bytes) {}

  // Returns kIssued where a filter that is held has it, without a call, unless
  // its key is drained. Else what `server` says, for which it blocks; where
  // that is kIndeterminate, what is held says: kIssued, or kNeverIssued where
  // all of the token's minute is held.
  Issuance Check(const SeenToken& token) override;

  // Which files are held of the issuer, and of which ledger: for FetchSegments.
  struct Holding {
    uint64_t ledger = 0;
    std::vector<uint64_t> files;
  };
  Holding HoldingOf(const std::string& issuer) const;
  // Takes what the server handed out. Where `ledger` is another one, what was
  // held of the issuer is forgotten first.
  //   INVALID_ARGUMENT    a filter is none; nothing is taken
  //   RESOURCE_EXHAUSTED  there is no room; nothing is taken
  absl::Status Take(const std::string& issuer, uint64_t ledger,
                    const ledger::Handout& handout);
  // Returns the hours since 1970 whose secret is needed and not here; where it
  // lacks, the server is asked.
  std::vector<uint32_t> HoursLacking(const std::string& issuer) const;
  void TakeSecret(const std::string& issuer, uint32_t hour,
                  ledger::HourSecret secret);
  // Tokens of earlier minutes have expired. Where it was a later minute before,
  // by more than five, all that is held of the issuer is forgotten.
  void ForgetBefore(const std::string& issuer, uint32_t minute);
  // Forgets the issuers that `issuers` does not name.
  void Keep(const std::vector<std::string>& issuers);

  // Returns whether some of the issuer's was refused for want of room, and
  // nothing has been forgotten since.
  bool IsFull(const std::string& issuer) const;

  struct Status {
    size_t segments = 0;
    size_t bytes = 0;
    int64_t answered = 0;  // issued, by what is held
    int64_t asked = 0;     // of the server, whatever it said
  };
  Status status() const;

 private:
  struct Segment {
    uint64_t file;
    ledger::FuseFilter16 filter;
  };
  struct Issuer {
    uint64_t ledger = 0;
    uint32_t from = 0;                          // what is earlier was forgotten
    std::multimap<uint32_t, Segment> segments;  // by minute
    std::map<uint64_t, uint32_t> files;         // with their last minute
    std::vector<ledger::MinuteRange> settled;
    bool full = false;  // some was refused for want of room
    std::map<uint32_t, ledger::HourSecret> secrets;  // by hour
    // Of minutes that were asked for.
    std::map<uint32_t, std::shared_ptr<const ledger::MinuteSecret>> minutes;
  };
  enum class Look {
    kFound,
    kAbsent,   // all of its minute is held, and it is not there
    kUnknown,  // it may have been issued
  };

  Look LookFor(const SeenToken& token);
  // What `gone` holds is held no more: there is room for others.
  void Freed(const Issuer& gone) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Says nothing of what was forgotten.
  static void ClipSettled(Issuer& held);
  // Returns the secret of a minute of which anything is held; or nullptr.
  std::shared_ptr<const ledger::MinuteSecret> SecretOf(absl::string_view issuer,
                                                       uint32_t minute);

  IssuanceChecker& server_;
  TokenObserver* const observer_;
  const size_t most_bytes_;

  mutable Mutex mu_;
  std::map<std::string, Issuer, std::less<>> issuers_ ABSL_GUARDED_BY(mu_);
  size_t bytes_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t answered_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t asked_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace warder::client

#endif  // WARDER_CLIENT_HELD_LEDGER_H_

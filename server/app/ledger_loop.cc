#include "server/app/ledger_loop.h"

#include "server/app/observation_intake.h"
#include "server/base/log.h"

namespace warder::app {
namespace {

// The policy's bound for max_token_lifetime: of an issuer that is not known.
constexpr absl::Duration kLongestLife = absl::Hours(24 * 30);

}  // namespace

ledger::Retention RetentionOf(const Publisher& publisher,
                              const IssuerId& issuer) {
  const SnapshotPtr snapshot = publisher.Find(issuer.value());
  return {.longest_life = kLongestSkew + kLongestLateness +
                          (snapshot == nullptr ? kLongestLife
                                               : snapshot->max_token_lifetime),
          .legal_hold = snapshot == nullptr || snapshot->legal_hold};
}

absl::Duration LedgerLoop::Run() {
  if (!ledger_.loaded()) ledger_.Load();
  Tick();
  return runner_.clock().Uptime() + kEvery;
}

void LedgerLoop::Tick() {
  const absl::Status status = ledger_.Tick(
      runner_.clock_guard().Read().trusted, [this](const IssuerId& issuer) {
        return RetentionOf(runner_.publisher(), issuer);
      });
  if (!status.ok() && status != last_) {
    Log(LogLevel::kError, "ledger.not_sealed",
        {{"error", std::string(status.message())},
         {"next", "tried again every few seconds; no record is lost"}});
  }
  last_ = status;
  if (observations_ != nullptr) {
    if (const absl::Status raised = observations_->CheckBooks(); !raised.ok()) {
      Log(LogLevel::kError, "alarm.not_raised",
          {{"error", std::string(raised.message())},
           {"next", "tried again every few seconds"}});
    }
  }
  const ledger::Ledger::Size size = ledger_.size();
  runner_.metrics().SetLedger(static_cast<int64_t>(size.tokens),
                              static_cast<int64_t>(size.files),
                              static_cast<int64_t>(size.incomplete_minutes));
}

}  // namespace warder::app

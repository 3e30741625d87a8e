#include "server/app/clock_guard.h"

#include <algorithm>
#include <string>
#include <vector>

#include "server/app/audit_log.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/base/time_text.h"
#include "server/domain/clock_correction.h"
#include "server/domain/schedule.h"

namespace warder::app {
namespace {

constexpr absl::Duration kJump = absl::Minutes(10);
constexpr absl::Duration kSteady = absl::Hours(1);
constexpr int kIssuersAtATime = 1000;

absl::Time WholeMicros(absl::Time time) {
  return absl::FromUnixMicros(absl::ToUnixMicros(time));
}

absl::Status PullBackEveryIssuer(Transaction& txn, absl::Time now) {
  std::string after;
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<domain::Issuer> issuers,
                     txn.ListIssuers(after, kIssuersAtATime));
    if (issuers.empty()) return absl::OkStatus();
    for (const domain::Issuer& issuer : issuers) {
      ASSIGN_OR_RETURN(domain::IssuerDraft draft,
                       txn.LoadDraft(issuer.id, KeyScope::kLiving));
      if (!domain::PullBack(draft, now)) continue;
      RETURN_IF_ERROR(txn.SaveDraft(draft, domain::NextWake(draft)));
    }
    after = issuers.back().id.value();
  }
}

}  // namespace

ClockGuard::ClockGuard(Clock& clock)
    : clock_(clock), anchor_(clock.TimeNow()), anchor_uptime_(clock.Uptime()) {}

ClockGuard::Reading ClockGuard::Read() {
  MutexLock lock(&mu_);
  const absl::Time wall = clock_.TimeNow();
  const absl::Duration uptime = clock_.Uptime();
  absl::Time latest = anchor_ + (uptime - anchor_uptime_);
  const absl::Duration ahead = wall - latest;
  const bool jumped = ahead > kJump;
  if (jumped && (!held_ || absl::AbsDuration(ahead - held_by_) > kJump)) {
    Log(LogLevel::kError, "clock.jumped_forward",
        {{"by", DurationText(ahead)},
         {"next",
          "changes carry the time before the jump, and rotation waits an hour "
          "or until the clock is set back; restart warderd if the new time is "
          "right"}});
    held_ = true;
    held_by_ = ahead;
    held_since_ = uptime;
  }
  held_ = jumped && uptime - held_since_ < kSteady;
  if (!held_ && ahead > absl::ZeroDuration()) {
    anchor_ = latest = wall;
    anchor_uptime_ = uptime;
  }
  return {.wall = WholeMicros(wall),
          .trusted = WholeMicros(std::min(wall, latest)),
          .latest = WholeMicros(latest),
          .held = held_};
}

absl::StatusOr<absl::Time> AcceptClock(Store& store, absl::Time now,
                                       const Sha256& sha256) {
  now = WholeMicros(now);
  absl::Time last;
  RETURN_IF_ERROR(store.Mutate([&](Transaction& txn) -> absl::Status {
    ASSIGN_OR_RETURN(ChainWriter chain, ChainWriter::Open(txn, sha256));
    last = chain.last_time();
    if (last <= now) return absl::OkStatus();
    RETURN_IF_ERROR(PullBackEveryIssuer(txn, now));
    domain::AuditEvent event;
    event.time = now;
    event.actor = domain::SystemActor().principal;
    event.action = "clock.accepted";
    event.resource = "clock";
    event.detail = WriteJson({{"last_recorded", TimeText(last)}});
    return chain.Append(std::move(event));
  }));
  return last;
}

}  // namespace warder::app

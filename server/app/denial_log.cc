#include "server/app/denial_log.h"

#include <algorithm>
#include <utility>

#include "server/app/audit_log.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"

namespace warder::app {
namespace {

constexpr absl::Duration kMinute = absl::Minutes(1);
// What an event keeps of a text the denied caller had a hand in.
constexpr size_t kMaxDeniedText = 512;

}  // namespace

domain::AuditEvent DenialLog::Counted(const Minute& minute) {
  domain::AuditEvent event = minute.last;
  event.detail = WriteJson({{"count", minute.denials - kEach},
                            {"last_method", event.action},
                            {"within", "1m"}});
  event.action = "denials.counted";
  event.request_id.clear();
  return event;
}

void DenialLog::Append(std::vector<domain::AuditEvent> events) {
  const absl::Status written = store_.Mutate([&](Transaction& txn) {
    ASSIGN_OR_RETURN(ChainWriter chain, ChainWriter::Open(txn, sha256_));
    for (domain::AuditEvent event : events) {
      event.time = std::max(guard_.Read().trusted, chain.last_time());
      RETURN_IF_ERROR(chain.Append(std::move(event)));
    }
    return absl::OkStatus();
  });
  if (written.ok()) return;
  for (const domain::AuditEvent& event : events) {
    Log(LogLevel::kError, "denial.not_audited",
        {{"caller", event.actor},
         {"method", event.action},
         {"error", std::string(written.message())}});
  }
}

void DenialLog::Write(domain::AuditEvent event, const absl::Status& status) {
  metrics_.CountDenial();
  event.denied = true;
  event.resource = event.resource.substr(0, kMaxDeniedText);
  event.detail = WriteJson(
      {{"reason", ReasonOf(status)},
       {"message", std::string(status.message().substr(0, kMaxDeniedText))}});
  std::vector<domain::AuditEvent> events;
  {
    MutexLock lock(&mu_);
    const absl::Duration now = clock_.Uptime();
    const auto [it, fresh] = minutes_.try_emplace(event.actor);
    Minute& minute = it->second;
    if (fresh || now - minute.began >= kMinute) {
      if (minute.denials > kEach) events.push_back(Counted(minute));
      minute = {.began = now, .denials = 0, .last = {}};
    }
    if (++minute.denials > kEach) {
      minute.last = std::move(event);
      return;
    }
  }
  events.push_back(std::move(event));
  Append(std::move(events));
}

void DenialLog::Flush(bool all) {
  std::vector<domain::AuditEvent> events;
  {
    MutexLock lock(&mu_);
    const absl::Duration now = clock_.Uptime();
    absl::erase_if(minutes_, [&](const auto& entry) {
      const Minute& minute = entry.second;
      if (!all && now - minute.began < kMinute) return false;
      if (minute.denials > kEach) events.push_back(Counted(minute));
      return true;
    });
  }
  if (!events.empty()) Append(std::move(events));
}

}  // namespace warder::app

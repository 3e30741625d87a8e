#include "server/app/audit_log.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/base64url.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"

namespace warder::app {

std::string FirstPreviousHash() { return std::string(43, 'A'); }

std::string HashOf(const domain::AuditEvent& event, const Sha256& sha256) {
  std::string fields;
  const auto add = [&fields](absl::string_view field) {
    absl::StrAppend(&fields, field.size(), ":", field, ",");
  };
  add(absl::StrCat(event.sequence));
  add(absl::StrCat(absl::ToUnixMicros(event.time)));
  add(event.actor);
  add(event.action);
  add(event.resource);
  add(event.denied ? "1" : "0");
  add(event.detail);
  add(event.request_id);
  add(event.previous_hash);
  return Base64UrlEncode(sha256(fields));
}

absl::StatusOr<ChainWriter> ChainWriter::Open(Transaction& txn,
                                              const Sha256& sha256) {
  ChainWriter writer(txn, sha256);
  ASSIGN_OR_RETURN(const std::optional<domain::AuditEvent> last,
                   txn.LastEvent());
  writer.hash_ = FirstPreviousHash();
  if (last) {
    writer.sequence_ = last->sequence;
    writer.hash_ = last->hash;
    writer.last_time_ = last->time;
  }
  return writer;
}

absl::Status ChainWriter::Append(domain::AuditEvent event) {
  event.sequence = ++sequence_;
  event.previous_hash = hash_;
  // The store keeps microseconds; the hash covers what is kept.
  event.time = absl::FromUnixMicros(absl::ToUnixMicros(event.time));
  event.hash = HashOf(event, *sha256_);
  hash_ = event.hash;
  last_time_ = event.time;
  return txn_->AppendEvent(event);
}

absl::Status ChainChecker::Check(const domain::AuditEvent& event) {
  absl::string_view wrong;
  if (event.sequence != sequence_ + 1) {
    wrong = "the sequence has a gap before it";
  } else if (event.previous_hash != hash_) {
    wrong = "its previous hash is not the hash of the event before";
  } else if (event.hash != HashOf(event, sha256_)) {
    wrong = "its contents do not match its hash";
  }
  if (!wrong.empty()) {
    return Error(absl::StatusCode::kDataLoss, Reason::kStoreCorrupt,
                 absl::StrCat("audit event ", event.sequence, ": ", wrong));
  }
  sequence_ = event.sequence;
  hash_ = event.hash;
  return absl::OkStatus();
}

}  // namespace warder::app

// The audit log as a hash chain: each event's hash covers the one before, so
// nothing in the middle can be changed, dropped or put in unnoticed.
//
//   hash(n) = base64url(SHA-256(fields(n)))
//   fields  = each of sequence, time in microseconds, actor, action, resource,
//             denied, detail, request_id, previous hash as "<length>:<bytes>,"
//   previous hash of event 1 = 43 times "A"
//
// The log's tail can be cut off without the chain noticing; keep the last hash
// elsewhere (`warder audit verify` prints it).
#ifndef WARDER_SERVER_APP_AUDIT_LOG_H_
#define WARDER_SERVER_APP_AUDIT_LOG_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/app/store.h"
#include "server/app/vault.h"
#include "server/domain/audit.h"

namespace warder::app {

// Returns the previous_hash of the first event.
std::string FirstPreviousHash();

// Returns the hash an event must carry.
std::string HashOf(const domain::AuditEvent& event, const Sha256& sha256);

// Appends events to the chain inside one transaction.
class ChainWriter {
 public:
  // Reads the last event of `txn`. Both outlive this.
  static absl::StatusOr<ChainWriter> Open(Transaction& txn,
                                          const Sha256& sha256);
  static absl::StatusOr<ChainWriter> Open(Transaction& txn,
                                          Sha256&& sha256) = delete;

  // Fills in sequence, previous_hash and hash, and writes the event.
  absl::Status Append(domain::AuditEvent event);

  // When the last event happened; InfinitePast in an empty log.
  absl::Time last_time() const { return last_time_; }

 private:
  ChainWriter(Transaction& txn, const Sha256& sha256)
      : txn_(&txn), sha256_(&sha256) {}

  Transaction* txn_;
  const Sha256* sha256_;
  int64_t sequence_ = 0;
  std::string hash_;
  absl::Time last_time_ = absl::InfinitePast();
};

// Checks a run of events as it comes from the store or over the wire.
class ChainChecker {
 public:
  explicit ChainChecker(Sha256 sha256) : sha256_(std::move(sha256)) {}

  // DATA_LOSS STORE_CORRUPT naming the first event that does not fit: a gap, a
  // changed field, a previous hash that is not the one before.
  absl::Status Check(const domain::AuditEvent& event);

  int64_t sequence() const { return sequence_; }
  const std::string& hash() const { return hash_; }

 private:
  Sha256 sha256_;
  int64_t sequence_ = 0;
  std::string hash_ = FirstPreviousHash();
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_AUDIT_LOG_H_

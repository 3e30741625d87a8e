// Checks the audit log's hash chain on the reader's side.
#ifndef WARDER_CLIENT_AUDIT_CHAIN_H_
#define WARDER_CLIENT_AUDIT_CHAIN_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "warder/v1/audit.pb.h"

namespace warder::client {

// Written from the specification in proto/README.md, apart from the server's
// own code, so that neither hides the other's mistakes.
class AuditChain {
 public:
  // DATA_LOSS STORE_CORRUPT naming the first event that does not fit.
  absl::Status Check(const v1::AuditEvent& event);

  int64_t sequence() const { return sequence_; }
  const std::string& hash() const { return hash_; }

 private:
  int64_t sequence_ = 0;
  std::string hash_ = std::string(43, 'A');
};

}  // namespace warder::client

#endif  // WARDER_CLIENT_AUDIT_CHAIN_H_

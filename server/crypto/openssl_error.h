// The error queue, drained into one status.
#ifndef WARDER_SERVER_CRYPTO_OPENSSL_ERROR_H_
#define WARDER_SERVER_CRYPTO_OPENSSL_ERROR_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace warder::crypto {

// Returns UNAVAILABLE VAULT_UNAVAILABLE "`call` failed: <reasons>" and leaves
// the thread's queue empty.
absl::Status OpensslError(absl::string_view call);

// Empties the queue after a failure that is a normal answer (a signature that
// does not verify).
void ClearOpensslErrors();

}  // namespace warder::crypto

#endif  // WARDER_SERVER_CRYPTO_OPENSSL_ERROR_H_

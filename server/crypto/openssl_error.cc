#include "server/crypto/openssl_error.h"

#include <openssl/err.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"

namespace warder::crypto {

absl::Status OpensslError(absl::string_view call) {
  std::string text = absl::StrCat(call, " failed");
  const char* separator = ": ";
  while (const unsigned long code = ERR_get_error()) {  // NOLINT: OpenSSL's
    char reason[256];
    ERR_error_string_n(code, reason, sizeof(reason));
    absl::StrAppend(&text, separator, reason);
    separator = "; ";
  }
  return Error(absl::StatusCode::kUnavailable, Reason::kVaultUnavailable, text);
}

void ClearOpensslErrors() { ERR_clear_error(); }

}  // namespace warder::crypto

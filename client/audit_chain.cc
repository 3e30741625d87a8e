#include "client/audit_chain.h"

#include "absl/strings/str_cat.h"
#include "server/base/base64url.h"
#include "server/base/error.h"
#include "server/crypto/digest.h"

namespace warder::client {
namespace {

std::string Hash(const v1::AuditEvent& event) {
  const int64_t micros =
      event.time().seconds() * 1000000 + event.time().nanos() / 1000;
  const std::string fields[] = {absl::StrCat(event.sequence()),
                                absl::StrCat(micros),
                                event.actor(),
                                event.action(),
                                event.resource(),
                                event.denied() ? "1" : "0",
                                event.detail(),
                                event.request_id(),
                                event.previous_hash()};
  std::string text;
  for (const std::string& field : fields) {
    absl::StrAppend(&text, field.size(), ":", field, ",");
  }
  return Base64UrlEncode(crypto::Sha256(text));
}

}  // namespace

absl::Status AuditChain::Check(const v1::AuditEvent& event) {
  absl::string_view wrong;
  if (event.sequence() != sequence_ + 1) {
    wrong = "the sequence has a gap before it";
  } else if (event.previous_hash() != hash_) {
    wrong = "its previous hash is not that of the event before";
  } else if (event.hash() != Hash(event)) {
    wrong = "its contents do not match its hash";
  }
  if (!wrong.empty()) {
    return Error(absl::StatusCode::kDataLoss, Reason::kStoreCorrupt,
                 absl::StrCat("audit event ", event.sequence(), ": ", wrong,
                              "; treat everything from here on as changed by "
                              "somebody"));
  }
  sequence_ = event.sequence();
  hash_ = event.hash();
  return absl::OkStatus();
}

}  // namespace warder::client

#include "client/ledger_asker.h"

#include <string>

#include "server/base/utf8.h"
#include "warder/v1/ledger.grpc.pb.h"

namespace warder::client {

Issuance LedgerAsker::Check(const SeenToken& token) {
  if (absl::ToInt64Nanoseconds(clock_.Uptime()) < silent_until_ns_.load()) {
    return Issuance::kIndeterminate;
  }
  struct Place {
    explicit Place(std::atomic<int>& count) : asking(count), number(++count) {}
    ~Place() { --asking; }
    std::atomic<int>& asking;
    const int number;
  } const place(asking_);
  if (place.number > kMostAsking) return Issuance::kIndeterminate;
  v1::CheckIssuedRequest request;
  request.set_issuer(std::string(token.issuer));
  request.set_token(std::string(token.signing_input));
  request.set_source(std::string(Utf8Prefix(token.source, kLongestSource)));
  const auto answer =
      client_.Call(&v1::LedgerService::Stub::CheckIssued, request,
                   /*reads_only=*/true, {.timeout = kPatience, .attempts = 1});
  if (!answer.ok()) {
    // What the server says of the token itself is no sign that it is gone.
    if ((absl::IsUnavailable(answer.status()) ||
         absl::IsDeadlineExceeded(answer.status())) &&
        ++failures_ >= kFailures) {
      silent_until_ns_ = absl::ToInt64Nanoseconds(clock_.Uptime() + kPause);
    }
    return Issuance::kIndeterminate;
  }
  failures_ = 0;
  switch (answer->verdict()) {
    case v1::VERDICT_ISSUED: return Issuance::kIssued;
    case v1::VERDICT_NEVER_ISSUED: return Issuance::kNeverIssued;
    default: return Issuance::kIndeterminate;
  }
}

}  // namespace warder::client

// Takes on record what external keys are about to sign: the ledger knows of
// their tokens before anybody has them.
#ifndef WARDER_SERVER_APP_ISSUANCE_REPORTER_H_
#define WARDER_SERVER_APP_ISSUANCE_REPORTER_H_

#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/app/change_runner.h"
#include "server/app/signer_usage.h"
#include "server/ledger/ledger.h"

namespace warder::app {

// Thread-safe.
class IssuanceReporter {
 public:
  static constexpr size_t kMostOfOneReport = 1000;
  // `iat` is now, by this.
  static constexpr absl::Duration kTolerance = absl::Minutes(2);

  // All outlive this.
  IssuanceReporter(ChangeRunner& runner, ledger::Ledger& ledger,
                   SignerUsage& usage)
      : runner_(runner), ledger_(ledger), usage_(usage) {}

  // Records tokens ("header.payload") that the caller is about to sign with its
  // key, all or none of them; when it returns OK they may be handed out. A
  // grant of the caller has to allow each, as for SignJwt. No store access
  // unless denied; blocks for the write of the records.
  //
  // clang-format off
  //   PERMISSION_DENIED    not role signer; NOT_GRANTED, audited: also where no
  //                        grant says external_keys any more
  //   NOT_FOUND            no such issuer
  //   INVALID_ARGUMENT     signing_inputs: none, or past kMostOfOneReport; of
  //                        one of them: its form, kid, alg, iss, aud, exp, typ,
  //                        or an iat that is not now
  //   FAILED_PRECONDITION  NO_SIGNING_KEY: the caller has no such key that signs
  //                        now
  //   RESOURCE_EXHAUSTED   RATE_LIMITED
  //   UNAVAILABLE          STORE_UNAVAILABLE: none of them may be handed out
  // clang-format on
  absl::Status Report(const Request& request, const IssuerId& issuer,
                      const KeyId& key,
                      std::span<const std::string> signing_inputs);

 private:
  ChangeRunner& runner_;
  ledger::Ledger& ledger_;
  SignerUsage& usage_;
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_ISSUANCE_REPORTER_H_

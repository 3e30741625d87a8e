// CheckIssued: was this token issued here?
#ifndef WARDER_SERVER_APP_LEDGER_CHECKER_H_
#define WARDER_SERVER_APP_LEDGER_CHECKER_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/app/change_runner.h"
#include "server/app/gateway_directory.h"
#include "server/ledger/ledger.h"

namespace warder::app {

struct CheckIssuedCommand {
  IssuerId issuer;
  std::string token;        // the signature may be left out
  std::string source = {};  // who shows it; "": it is not known
};

// Thread-safe.
class LedgerChecker {
 public:
  static constexpr size_t kMostOfOneBatch = 1000;
  static constexpr size_t kMostSecrets = 1000;
  static constexpr size_t kMostHeld = 100'000;
  static constexpr size_t kLongestSource = 64;

  // All outlive this.
  LedgerChecker(ChangeRunner& runner, const GatewayDirectory& gateways,
                ledger::Ledger& ledger)
      : runner_(runner), gateways_(gateways), ledger_(ledger) {}

  // Returns whether the token was issued. Of one that has expired it is said
  // only that it was: its record may be gone. One HMAC; reads no store unless
  // denied. A gateway asks of the issuers that it verifies.
  //   PERMISSION_DENIED  audited
  //   NOT_FOUND          no such issuer
  //   INVALID_ARGUMENT   token: not of the form of a token, or without `iat`;
  //                      source: longer than kLongestSource
  absl::StatusOr<ledger::Answer> Check(const Request& request,
                                       const CheckIssuedCommand& command);
  // As Check, for each of `commands` in their order, all or none.
  //   INVALID_ARGUMENT  requests: none, or more than kMostOfOneBatch
  absl::StatusOr<std::vector<ledger::Answer>> CheckBatch(
      const Request& request, std::span<const CheckIssuedCommand> commands);

  // Returns the secrets of these hours since 1970, 32 bytes each, by which a
  // gateway makes digests.
  //   PERMISSION_DENIED, NOT_FOUND  as Check
  //   INVALID_ARGUMENT  hours: none, more than kMostSecrets, or of a time to
  //                     come by more than a day
  absl::StatusOr<std::vector<std::string>> DigestSecrets(
      const Request& request, const IssuerId& issuer,
      std::span<const uint32_t> hours);

  // Returns what is sealed of the tokens that may live, see Ledger::HandOut. It
  // is settled once reports of external keys can add nothing to it.
  //   PERMISSION_DENIED, NOT_FOUND   as Check
  //   INVALID_ARGUMENT               held: more than kMostHeld
  //   UNAVAILABLE STORE_UNAVAILABLE  the ledger is still being read
  absl::StatusOr<ledger::Handout> HandOut(const Request& request,
                                          const IssuerId& issuer,
                                          uint64_t ledger,
                                          std::span<const uint64_t> held);
  uint64_t ledger_id() const { return ledger_.id(); }

  // Returns OK where the caller may ask about the issuer.
  absl::Status Authorize(const Request& request, const IssuerId& issuer);
  // Returns since when tokens of the issuer are judged at `now`.
  absl::Time JudgedFrom(const IssuerId& issuer, absl::Time now) const;

 private:
  ChangeRunner& runner_;
  const GatewayDirectory& gateways_;
  ledger::Ledger& ledger_;
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_LEDGER_CHECKER_H_

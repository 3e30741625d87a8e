// The leaver certificate: what one departure rested on and did, as one signed
// statement that an auditor can keep and check without this service.
#ifndef WARDER_SERVER_APP_LEAVER_CERTIFICATE_H_
#define WARDER_SERVER_APP_LEAVER_CERTIFICATE_H_

#include <string>

#include "absl/status/statusor.h"
#include "server/app/change_runner.h"
#include "server/app/vault.h"
#include "server/base/strict_json.h"

namespace warder::app {

inline constexpr char kLeaverCertificateType[] = "leaver-certificate+jwt";

// Thread-safe.
class LeaverCertificates {
 public:
  // `public_base_url` becomes the `iss`. What the others refer to outlives
  // this.
  LeaverCertificates(ChangeRunner& runner, StatementSigner& signer,
                     std::string public_base_url)
      : runner_(runner),
        signer_(signer),
        public_base_url_(std::move(public_base_url)) {}

  // Returns a compact JWS (RFC 7515) by the key of the private CA, `kid` its
  // thumbprint, over these claims:
  //
  //   iss, iat, sub        this service, now, owners/{owner}
  //   person               name, contact, what HR calls him
  //   departure            instant, how the news came and when, effect, how it
  //                        differed from its plan, what was done late
  //   custodies            what of the store and its key he had in hand
  //   keys                 each key ever exposed to him: how, from when to
  //   when,
  //                        what was done and when, successor, live tokens
  //   issuers              who owns them now; by when gateways refuse
  //   refusals             per gateway, as far as known; of each key that all
  //                        refuse the statement (revocation_statement.h)
  //   uses_after_refusal   as far as known
  //   audit                the events it rests on, with the hashes of the chain
  //
  // Reads all his exposures and keys. An owner gets his own only.
  //
  //   PERMISSION_DENIED
  //   NOT_FOUND            no such owner
  //   FAILED_PRECONDITION  WRONG_STATE: he has not departed
  absl::StatusOr<std::string> Make(const Request& request,
                                   const OwnerId& owner);

 private:
  absl::StatusOr<Json> ClaimsOf(ReadTransaction& txn, const OwnerId& id);

  ChangeRunner& runner_;
  StatementSigner& signer_;
  const std::string public_base_url_;
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_LEAVER_CERTIFICATE_H_

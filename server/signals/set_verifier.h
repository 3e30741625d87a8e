// Security Event Tokens of others, judged by the room `jose`.
#ifndef WARDER_SERVER_SIGNALS_SET_VERIFIER_H_
#define WARDER_SERVER_SIGNALS_SET_VERIFIER_H_

#include "server/app/outbound.h"

namespace warder::signals {

// What app::SetVerifier promises. Stateless.
class SetVerifier : public app::SetVerifier {
 public:
  app::SetVerdict Verify(absl::string_view set, absl::string_view jwks,
                         absl::string_view issuer, absl::string_view audience,
                         absl::Time now) override;
  absl::Status CheckKeySet(absl::string_view field,
                           absl::string_view jwks) override;
};

}  // namespace warder::signals

#endif  // WARDER_SERVER_SIGNALS_SET_VERIFIER_H_

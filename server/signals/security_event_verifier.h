// Security Event Tokens of others, judged by the room `jose`.
#ifndef WARDER_SERVER_SIGNALS_SECURITY_EVENT_VERIFIER_H_
#define WARDER_SERVER_SIGNALS_SECURITY_EVENT_VERIFIER_H_

#include "server/app/outbound.h"

namespace warder::signals {

// What app::SecurityEventVerifier promises. Stateless.
class JoseSecurityEventVerifier : public app::SecurityEventVerifier {
 public:
  app::SecurityEventVerdict Verify(absl::string_view set,
                                   absl::string_view jwks,
                                   absl::string_view issuer,
                                   absl::string_view audience,
                                   absl::Time now) override;
  absl::Status CheckKeySet(absl::string_view field,
                           absl::string_view jwks) override;
};

}  // namespace warder::signals

#endif  // WARDER_SERVER_SIGNALS_SECURITY_EVENT_VERIFIER_H_

// Ports: what the service needs of the world outside to tell it of events and
// to believe its. `signals` and `vault` implement them.
#ifndef WARDER_SERVER_APP_OUTBOUND_H_
#define WARDER_SERVER_APP_OUTBOUND_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/base/strict_json.h"

namespace warder::app {

struct HttpReply {
  int status = 0;
  std::string body;  // its beginning
};

// Thread-safe. Follows no redirect, keeps no cookie, reaches no link-local
// address, and loopback only where the URL says so. Blocks for ten seconds at
// most, and for as long as the system's resolver takes to give up.
//
//   UNAVAILABLE  UNREACHABLE: says which step failed, and of the URL its
//                origin alone: paths and queries may be secrets
class HttpClient {
 public:
  virtual ~HttpClient() = default;

  // `headers` are "Name: value". Of the answer the first 4 KiB are kept.
  virtual absl::StatusOr<HttpReply> Post(
      const std::string& url, const std::vector<std::string>& headers,
      const std::string& body) = 0;
  // As Post, without a body: one question, whose answer's status tells. On a
  // connection of its own, so that a balancer chooses anew.
  virtual absl::StatusOr<HttpReply> Ask(
      const std::string& url, const std::vector<std::string>& headers) = 0;
  // Of a body past 256 KiB: UNAVAILABLE.
  virtual absl::StatusOr<HttpReply> Get(const std::string& url) = 0;
  // Ends running calls soon, and every later one at once.
  virtual void Abort() = 0;
};

// Secrets shared with somebody outside; they lie sealed in the store, each
// bound to the resource `name` it belongs to. Thread-safe.
//
//   FAILED_PRECONDITION  KEY_ENCRYPTION_KEY: the sealed text does not open
class SharedSecrets {
 public:
  virtual ~SharedSecrets() = default;

  virtual absl::StatusOr<std::string> Seal(absl::string_view name,
                                           absl::string_view secret) = 0;
  virtual absl::StatusOr<std::string> Open(absl::string_view name,
                                           absl::string_view sealed) = 0;
  // Returns the 32 bytes of HMAC-SHA256 (RFC 2104) of `message` by the secret.
  virtual absl::StatusOr<std::string> Mac(absl::string_view name,
                                          absl::string_view sealed,
                                          absl::string_view message) = 0;
};

// The errors of RFC 8935 section 2.4 that a SET can meet.
enum class SecurityEventError {
  kNone,
  kInvalidRequest,
  kInvalidKey,  // unknown to the key set; a newer one may know it
  kInvalidIssuer,
  kInvalidAudience,
  kAuthenticationFailed,
};

// Returns the error's code on the wire: "invalid_request".
absl::string_view SecurityEventErrorName(SecurityEventError error);

struct SecurityEventVerdict {
  SecurityEventError error = SecurityEventError::kNone;
  std::string description;  // of an error, for people
  Json claims;              // of a good one
};

// Thread-safe.
class SecurityEventVerifier {
 public:
  virtual ~SecurityEventVerifier() = default;

  // Judges a Security Event Token (RFC 8417, `typ` secevent+jwt): signed by a
  // key of `jwks`, of this issuer, for this audience, issued less than 7
  // days ago and at most 5 minutes ahead of `now`, 64 KiB at most. Signatures
  // are checked last.
  virtual SecurityEventVerdict Verify(absl::string_view set,
                                      absl::string_view jwks,
                                      absl::string_view issuer,
                                      absl::string_view audience,
                                      absl::Time now) = 0;

  // Returns OK when `jwks` holds a key that can be used; INVALID_ARGUMENT for
  // the field `field` otherwise.
  virtual absl::Status CheckKeySet(absl::string_view field,
                                   absl::string_view jwks) = 0;
};

// Returns OK for an https URL, or an http one of loopback, that names a host
// and neither user nor fragment; INVALID_ARGUMENT for `field` otherwise.
absl::Status CheckUrl(absl::string_view field, absl::string_view url);

// Returns whether the host of `url` is written as this machine.
bool NamesLoopback(absl::string_view url);

// Returns what of `url` is no secret: scheme, host and port.
std::string OriginOf(absl::string_view url);

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_OUTBOUND_H_

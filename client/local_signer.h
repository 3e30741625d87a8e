// Signs with a key that never leaves this process, and tells the server of each
// token before anybody has it: what is not told of is an alarm where it is
// seen.
//
//   ASSIGN_OR_RETURN(auto signer, LocalSigner::Make(*client, clock, random,
//                                                   std::move(key), options));
//   RETURN_IF_ERROR(signer->Register());
//   signer->Start();                                  // keeps its lease
//   ASSIGN_OR_RETURN(const std::string token, signer->Sign({...}));
//
// Tokens are signed here and recorded there: a batch costs one call to the
// server, however many there are in it.
#ifndef WARDER_CLIENT_LOCAL_SIGNER_H_
#define WARDER_CLIENT_LOCAL_SIGNER_H_

#include <memory>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "server/base/clock.h"
#include "server/base/mutex.h"
#include "server/base/random.h"
#include "server/crypto/private_key.h"
#include "warder/v1/external_key.grpc.pb.h"

namespace warder::client {

struct LocalSignerOptions {
  std::string issuer;  // "issuers/shop"
  // How long the key outlives this process, and the server's reach.
  absl::Duration lease = absl::Hours(1);
  // It signs at once, see RegisterExternalKeyRequest.immediate.
  bool immediate = false;
};

// As SignJwtRequest.
struct LocalToken {
  std::vector<std::string> audiences;
  std::string subject = {};
  absl::Duration lifetime = absl::Minutes(15);
  std::string token_type = "JWT";
  std::string claims = {};  // a JSON object of further claims, or ""
};

// Thread-safe.
class LocalSigner {
 public:
  static constexpr size_t kMostOfOneBatch = 1000;

  // All outlive it. INVALID_ARGUMENT: a key of a type that no issuer uses.
  static absl::StatusOr<std::unique_ptr<LocalSigner>> Make(
      Client& client, Clock& clock, Random& random, crypto::PrivateKey key,
      LocalSignerOptions options);
  ~LocalSigner();

  // Proves that the key is here, and has it published; where it is registered
  // already its lease is renewed. Returns what is published. Blocks for two or
  // three calls to the server.
  //   as ExternalKeyService
  absl::StatusOr<v1::Key> Register();
  // Lets the lease begin anew. FAILED_PRECONDITION WRONG_STATE: the key is as
  // old as the policy lets keys be, or has ended; make a signer of another one.
  absl::StatusOr<v1::Key> Renew();

  // Starts a thread that renews the lease each time that a third of it is over,
  // for as long as the policy lets keys be; see last_renewal. Call once, after
  // Register.
  void Start();
  // Ends the thread; the key lives until its lease ends.
  void Stop();

  // Returns a signed token that is on record. Blocks for one call.
  //   INVALID_ARGUMENT     claims: no JSON object, or it names a claim that has
  //                        a field of its own
  //   FAILED_PRECONDITION  NO_SIGNING_KEY: it is not registered, or does not
  //                        sign yet, or its lease is over
  //   as ExternalKeyService.ReportIssuance: there is no token then
  absl::StatusOr<std::string> Sign(const LocalToken& token);
  // As Sign, all or none of them: 1 to kMostOfOneBatch.
  absl::StatusOr<std::vector<std::string>> SignBatch(
      std::span<const LocalToken> tokens);

  // "issuers/shop/keys/..."
  const std::string& key_name() const { return key_name_; }
  // Returns why the lease could not be renewed last; OK where it could.
  absl::Status last_renewal() const;

 private:
  LocalSigner(Client& client, Clock& clock, Random& random,
              crypto::PrivateKey key, LocalSignerOptions options)
      : client_(client),
        clock_(clock),
        random_(random),
        key_(std::move(key)),
        options_(std::move(options)) {}

  void Run();
  absl::StatusOr<v1::KeyChallenge> Challenge();
  // Asks the server for it the first time.
  absl::StatusOr<std::string> IssuerUri();
  absl::StatusOr<std::string> SigningInputOf(const LocalToken& token,
                                             const std::string& issuer_uri);

  Client& client_;
  Clock& clock_;
  Random& random_;
  const crypto::PrivateKey key_;
  const LocalSignerOptions options_;
  crypto::SignatureScheme scheme_ = crypto::SignatureScheme::kEcdsaSha256;
  std::string algorithm_, kid_, public_jwk_, key_name_;

  mutable Mutex mu_;
  std::string issuer_uri_ ABSL_GUARDED_BY(mu_);
  absl::Status renewal_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace warder::client

#endif  // WARDER_CLIENT_LOCAL_SIGNER_H_

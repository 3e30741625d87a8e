#include "client/local_signer.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "server/base/base64url.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/jose/jwk.h"

namespace warder::client {
namespace {

using Stub = v1::ExternalKeyService::Stub;

constexpr size_t kTokenIdBytes = 16;
// While the server cannot be reached.
constexpr absl::Duration kRetryAfter = absl::Seconds(5);

struct Algorithm {
  crypto::KeyType type;
  crypto::SignatureScheme scheme;
  const char* name;
};
constexpr Algorithm kAlgorithms[] = {
    {crypto::KeyType::kP256, crypto::SignatureScheme::kEcdsaSha256, "ES256"},
    {crypto::KeyType::kP384, crypto::SignatureScheme::kEcdsaSha384, "ES384"},
    {crypto::KeyType::kP521, crypto::SignatureScheme::kEcdsaSha512, "ES512"},
    {crypto::KeyType::kEd25519, crypto::SignatureScheme::kEd25519, "EdDSA"},
    {crypto::KeyType::kRsa2048, crypto::SignatureScheme::kRsaPkcs1Sha256,
     "RS256"}};

}  // namespace

absl::StatusOr<std::unique_ptr<LocalSigner>> LocalSigner::Make(
    Client& client, Clock& clock, Random& random, crypto::PrivateKey key,
    LocalSignerOptions options) {
  const auto* algorithm =
      std::find_if(std::begin(kAlgorithms), std::end(kAlgorithms),
                   [&](const Algorithm& a) { return a.type == key.type(); });
  if (algorithm == std::end(kAlgorithms)) {
    return FieldError("key", "no issuer signs with keys of its type");
  }
  ASSIGN_OR_RETURN(const crypto::PublicKey public_key, key.Public());
  auto signer = std::unique_ptr<LocalSigner>(new LocalSigner(
      client, clock, random, std::move(key), std::move(options)));
  signer->scheme_ = algorithm->scheme;
  signer->algorithm_ = algorithm->name;
  ASSIGN_OR_RETURN(signer->kid_, jose::Thumbprint(public_key));
  ASSIGN_OR_RETURN(signer->public_jwk_,
                   jose::WriteJwk(public_key, algorithm->name));
  signer->key_name_ =
      absl::StrCat(signer->options_.issuer, "/keys/", signer->kid_);
  return signer;
}

LocalSigner::~LocalSigner() { Stop(); }

absl::StatusOr<v1::KeyChallenge> LocalSigner::Challenge() {
  v1::CreateKeyChallengeRequest request;
  request.set_parent(options_.issuer);
  ASSIGN_OR_RETURN(v1::KeyChallenge challenge,
                   client_.Call(&Stub::CreateKeyChallenge, request,
                                /*reads_only=*/true));
  MutexLock lock(&mu_);
  issuer_uri_ = challenge.issuer_uri();
  return challenge;
}

absl::StatusOr<std::string> LocalSigner::IssuerUri() {
  {
    MutexLock lock(&mu_);
    if (!issuer_uri_.empty()) return issuer_uri_;
  }
  ASSIGN_OR_RETURN(const v1::KeyChallenge challenge, Challenge());
  return challenge.issuer_uri();
}

absl::StatusOr<v1::Key> LocalSigner::Register() {
  ASSIGN_OR_RETURN(const v1::KeyChallenge challenge, Challenge());
  v1::RegisterExternalKeyRequest request;
  request.set_parent(options_.issuer);
  request.set_public_jwk(public_jwk_);
  request.set_challenge(challenge.text());
  ASSIGN_OR_RETURN(const std::string proof,
                   key_.Sign(scheme_, challenge.text()));
  request.set_proof(proof);
  request.mutable_lease()->set_seconds(absl::ToInt64Seconds(options_.lease));
  request.set_immediate(options_.immediate);
  auto key = client_.Call(&Stub::RegisterExternalKey, request);
  if (absl::IsAlreadyExists(key.status())) return Renew();
  return key;
}

absl::StatusOr<v1::Key> LocalSigner::Renew() {
  v1::RenewKeyLeaseRequest request;
  request.set_name(key_name_);
  request.mutable_lease()->set_seconds(absl::ToInt64Seconds(options_.lease));
  auto key = client_.Call(&Stub::RenewKeyLease, request, /*reads_only=*/true);
  MutexLock lock(&mu_);
  renewal_ = key.status();
  return key;
}

void LocalSigner::Start() {
  thread_ = std::thread([this] { Run(); });
}

void LocalSigner::Stop() {
  {
    MutexLock lock(&mu_);
    stopping_ = true;
  }
  clock_.Notify();
  if (thread_.joinable()) thread_.join();
}

void LocalSigner::Run() {
  absl::Duration wait = options_.lease / 3;
  while (true) {
    {
      MutexLock lock(&mu_);
      clock_.AwaitWithDeadline(
          &mu_,
          // Runs with mu_ held; the analysis does not see through the call.
          [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return stopping_; },
          clock_.TimeNow() + wait);
      if (stopping_) return;
    }
    wait = Renew().ok() ? options_.lease / 3
                        : std::min(kRetryAfter, options_.lease / 3);
  }
}

absl::Status LocalSigner::last_renewal() const {
  MutexLock lock(&mu_);
  return renewal_;
}

absl::StatusOr<std::string> LocalSigner::SigningInputOf(
    const LocalToken& token, const std::string& issuer_uri) {
  Json claims = Json::object();
  if (!token.claims.empty()) {
    auto parsed = ParseJsonObject(token.claims);
    if (!parsed.ok()) return FieldError("claims", parsed.status().message());
    claims = *std::move(parsed);
    for (const char* fixed :
         {"iss", "iat", "exp", "jti", "sub", "aud", "nbf"}) {
      if (claims.contains(fixed)) {
        return FieldError(
            "claims", absl::StrCat("\"", fixed, "\" has a field of its own"));
      }
    }
  }
  const int64_t issued = absl::ToUnixSeconds(clock_.TimeNow());
  claims["iss"] = issuer_uri;
  if (token.audiences.size() == 1) {
    claims["aud"] = token.audiences[0];
  } else {
    claims["aud"] = token.audiences;
  }
  if (!token.subject.empty()) claims["sub"] = token.subject;
  claims["iat"] = issued;
  claims["exp"] = issued + absl::ToInt64Seconds(token.lifetime);
  claims["jti"] = RandomToken(random_, kTokenIdBytes);
  const std::string header = WriteJson(
      {{"alg", algorithm_}, {"kid", kid_}, {"typ", token.token_type}});
  return absl::StrCat(Base64UrlEncode(header), ".",
                      Base64UrlEncode(WriteJson(claims)));
}

absl::StatusOr<std::vector<std::string>> LocalSigner::SignBatch(
    std::span<const LocalToken> tokens) {
  if (tokens.empty() || tokens.size() > kMostOfOneBatch) {
    return FieldError("tokens", absl::StrCat(tokens.size(), " of them; 1 to ",
                                             kMostOfOneBatch, " are taken"));
  }
  ASSIGN_OR_RETURN(const std::string issuer_uri, IssuerUri());
  v1::ReportIssuanceRequest report;
  report.set_name(key_name_);
  std::vector<std::string> made;
  made.reserve(tokens.size());
  for (const LocalToken& token : tokens) {
    ASSIGN_OR_RETURN(const std::string input,
                     SigningInputOf(token, issuer_uri));
    ASSIGN_OR_RETURN(const std::string signature, key_.Sign(scheme_, input));
    report.add_signing_inputs(input);
    made.push_back(absl::StrCat(input, ".", Base64UrlEncode(signature)));
  }
  // A report that is sent twice is recorded twice, and that does no harm.
  RETURN_IF_ERROR(client_
                      .Call(&Stub::ReportIssuance, std::move(report),
                            /*reads_only=*/true)
                      .status());
  return made;
}

absl::StatusOr<std::string> LocalSigner::Sign(const LocalToken& token) {
  ASSIGN_OR_RETURN(std::vector<std::string> tokens, SignBatch({&token, 1}));
  return std::move(tokens.front());
}

}  // namespace warder::client

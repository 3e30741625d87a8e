// Verifier::Verify against raw OpenSSL verification of the same signature, and
// against libjwt; what a remembered token costs. Rounds of all alternate, so
// that a noisy machine hits them alike; the best round of each counts.
#include <jwt.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/verify/verifier.h"
#include "server/base/base64url.h"
#include "server/base/clock.h"
#include "server/crypto/private_key.h"
#include "server/jose/algorithm.h"
#include "server/jose/jwk.h"
#include "tools/benchmarks/report.h"

namespace warder::bench {
namespace {

constexpr double kRoundSeconds = 0.4;
constexpr int kRounds = 9;
constexpr char kIssuer[] = "https://keys.example/issuers/shop";

void Expect(bool fine, const char* what) {
  if (fine) return;
  std::cerr << what << "\n";
  exit(1);
}

// What a program that holds the key in hand would do: digest and verify, with
// what can be prepared prepared.
class RawVerifier {
 public:
  RawVerifier(EVP_PKEY* key, const EVP_MD* digest, std::string input,
              std::string signature)
      : context_(EVP_MD_CTX_new()),
        key_(key),
        digest_(digest),
        input_(std::move(input)),
        signature_(std::move(signature)) {}

  void operator()() {
    Expect(
        EVP_DigestVerifyInit(context_, nullptr, digest_, nullptr, key_) == 1 &&
            EVP_DigestVerify(
                context_, reinterpret_cast<const uint8_t*>(signature_.data()),
                signature_.size(),
                reinterpret_cast<const uint8_t*>(input_.data()),
                input_.size()) == 1,
        "OpenSSL refuses");
    EVP_MD_CTX_reset(context_);
  }

 private:
  EVP_MD_CTX* const context_;
  EVP_PKEY* const key_;
  const EVP_MD* const digest_;
  const std::string input_, signature_;
};

// One algorithm: a token by a key of its own, and everyone who verifies it.
struct Case {
  Case(const char* alg, EVP_PKEY* key, crypto::KeyType type) : pkey(key) {
    const auto public_key = Must(crypto::PublicKey::FromPkey(key, type));
    const std::string jwk = Must(jose::WriteJwk(public_key, alg));
    const Json parsed = Must(ParseJsonObject(jwk));
    const int64_t now = absl::ToUnixSeconds(clock.TimeNow());
    const std::string header =
        WriteJson({{"alg", alg},
                   {"kid", parsed["kid"].get<std::string>()},
                   {"typ", "JWT"}});
    const std::string claims =
        WriteJson({{"iss", kIssuer},
                   {"sub", "user-4711"},
                   {"aud", "https://api.example"},
                   {"iat", now},
                   {"exp", now + 600},
                   {"jti", "0b6a2f2e-8f2c-4f44-8c1e-0d5a3a1b2c3d"},
                   {"scope", "orders.read orders.write"}});
    input = absl::StrCat(Base64UrlEncode(header), ".", Base64UrlEncode(claims));
    const bool eddsa = type == crypto::KeyType::kEd25519;
    digest = eddsa ? nullptr : EVP_sha256();
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    size_t size = 1024;
    der.resize(size);
    Expect(EVP_DigestSignInit(context, nullptr, digest, nullptr, pkey) == 1 &&
               EVP_DigestSign(context, reinterpret_cast<uint8_t*>(der.data()),
                              &size,
                              reinterpret_cast<const uint8_t*>(input.data()),
                              input.size()) == 1,
           "OpenSSL does not sign");
    EVP_MD_CTX_free(context);
    der.resize(size);
    token = absl::StrCat(input, ".", Base64UrlEncode(JoseForm(type)));
    for (const size_t cached : {size_t{0}, size_t{1000}}) {
      client::VerifierOptions options;
      options.audiences = {"https://api.example"};
      options.cached_tokens = cached;
      auto verifier = std::make_unique<client::Verifier>(options, clock);
      client::PublishedSet set;
      set.issuer = "issuers/shop";
      set.issuer_uri = kIssuer;
      set.revision = 1;
      set.jwks = absl::StrCat("{\"keys\":[", jwk, "]}");
      set.max_token_lifetime = absl::Hours(1);
      Expect(verifier->Apply(set).ok(), "the set is refused");
      verifier->Confirm();
      (cached == 0 ? plain : caching) = std::move(verifier);
    }
    BIO* out = BIO_new(BIO_s_mem());
    Expect(PEM_write_bio_PUBKEY(out, pkey) == 1, "no PEM");
    char* text = nullptr;
    const long length = BIO_get_mem_data(out, &text);
    pem.assign(text, static_cast<size_t>(length));
    BIO_free(out);
  }

  // ECDSA: R || S; all others as OpenSSL has it.
  std::string JoseForm(crypto::KeyType type) const {
    if (type != crypto::KeyType::kP256) return der;
    const auto* at = reinterpret_cast<const uint8_t*>(der.data());
    ECDSA_SIG* parts =
        d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
    std::string raw(64, '\0');
    auto* to = reinterpret_cast<uint8_t*>(raw.data());
    BN_bn2binpad(ECDSA_SIG_get0_r(parts), to, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(parts), to + 32, 32);
    ECDSA_SIG_free(parts);
    return raw;
  }

  void Verify(const client::Verifier& verifier) const {
    Expect(verifier.Verify(token, clock.TimeNow()).ok(), "Warder refuses");
  }
  void LibJwt() const {
    jwt_t* jwt = nullptr;
    Expect(jwt_decode(&jwt, token.c_str(),
                      reinterpret_cast<const unsigned char*>(pem.data()),
                      static_cast<int>(pem.size())) == 0,
           "libjwt refuses");
    jwt_free(jwt);
  }

  mutable SystemClock clock;
  EVP_PKEY* const pkey;
  const EVP_MD* digest = nullptr;
  std::string input, der, token, pem;
  std::unique_ptr<client::Verifier> plain, caching;
};

void Run(const char* metric, const Case& one, bool with_libjwt) {
  RawVerifier raw(one.pkey, one.digest, one.input, one.der);
  double best_raw = 0, best_ours = 0, best_cached = 0, best_libjwt = 0;
  for (int round = 0; round < kRounds; ++round) {
    best_raw = std::max(best_raw, Rate(kRoundSeconds, std::ref(raw)));
    best_ours = std::max(best_ours,
                         Rate(kRoundSeconds, [&] { one.Verify(*one.plain); }));
    if (!with_libjwt) continue;
    best_libjwt =
        std::max(best_libjwt, Rate(kRoundSeconds, [&] { one.LibJwt(); }));
    best_cached = std::max(
        best_cached, Rate(kRoundSeconds, [&] { one.Verify(*one.caching); }));
  }
  Report("verify", metric, best_ours, best_raw, /*lower_is_better=*/false);
  if (!with_libjwt) return;
  Report("verify", absl::StrCat(metric, "_vs_libjwt"), best_ours, best_libjwt,
         /*lower_is_better=*/false);
  Report("verify", "cache_hit_us", 1e6 / best_cached, 1.0,
         /*lower_is_better=*/true);
}

}  // namespace
}  // namespace warder::bench

int main() {
  using namespace warder;
  using bench::Case;
  bench::Run("es256",
             Case("ES256", EVP_EC_gen("P-256"), crypto::KeyType::kP256),
             /*with_libjwt=*/true);
  bench::Run("eddsa",
             Case("EdDSA", EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"),
                  crypto::KeyType::kEd25519),
             /*with_libjwt=*/false);
  bench::Run("rs256",
             Case("RS256", EVP_RSA_gen(2048), crypto::KeyType::kRsa2048),
             /*with_libjwt=*/false);
  return 0;
}

#include "client/verify/verifier.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/verify/token_form.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/time_text.h"

namespace warder::client {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::min();

// As typ is compared (RFC 7515 section 4.1.9).
std::string TypeText(absl::string_view type) {
  std::string text = absl::AsciiStrToLower(type);
  if (absl::StartsWith(text, "application/")) text.erase(0, 12);
  return text;
}

// What a header says, once it was found harmless. Issuers write few of them, so
// each thread remembers the last ones it read.
struct Header {
  std::string text;  // base64url, as it came
  uint64_t generation = 0;
  const TrustedKey* key = nullptr;
  std::string typ;        // as it came
  std::string type_text;  // as it is compared
};

std::optional<Verdict> ReadHeader(const KeySets& sets, absl::string_view part,
                                  Header& out) {
  Json header;
  if (auto bad = ReadObject("the header", part, header)) return bad;
  for (const char* name : {"jwk", "jku", "x5u", "x5c"}) {
    if (header.contains(name)) {
      return Refuse(Refusal::kKeyInHeader,
                    absl::StrCat("the header brings a key of its own: ", name));
    }
  }
  for (const char* name : {"crit", "b64"}) {
    if (header.contains(name)) {
      return Refuse(Refusal::kCritical,
                    absl::StrCat("the header has ", name,
                                 ", which is not understood here"));
    }
  }
  const auto alg = JsonString(header, "alg");
  if (!alg.ok()) return Refuse(Refusal::kMalformed, "the header has no alg");
  if (absl::EqualsIgnoreCase(*alg, "none")) {
    return Refuse(Refusal::kNoAlgorithm, "alg is none: nothing is signed");
  }
  const auto kid = JsonString(header, "kid");
  if (!kid.ok() || kid->empty()) {
    return Refuse(Refusal::kNoKeyId, "the header names no key (kid)");
  }
  out.key = sets.Find(*kid);
  if (out.key == nullptr) {
    return Refuse(Refusal::kUnknownKey,
                  absl::StrCat("kid \"", kid->substr(0, 64),
                               "\" is in no published key set"));
  }
  if (out.key->alg != *alg) {
    return Refuse(Refusal::kWrongAlgorithm,
                  absl::StrCat("alg is ", alg->substr(0, 40), ", the key's is ",
                               out.key->alg));
  }
  if (header.contains("typ")) {
    const auto typ = JsonString(header, "typ");
    if (!typ.ok()) return Refuse(Refusal::kWrongType, "typ is no string");
    out.typ = *typ;
  }
  out.type_text = TypeText(out.typ);
  out.text = std::string(part);
  out.generation = sets.generation();
  return std::nullopt;
}

// Returns the header, read before or now, or fills `bad`.
const Header* HeaderOf(const KeySets& sets, absl::string_view part,
                       std::optional<Verdict>& bad) {
  static constexpr size_t kRemembered = 8;
  thread_local std::array<Header, kRemembered> remembered;
  thread_local size_t next = 0;
  for (const Header& header : remembered) {
    if (header.generation == sets.generation() && header.text == part) {
      return &header;
    }
  }
  Header fresh;
  bad = ReadHeader(sets, part, fresh);
  if (bad) return nullptr;
  Header& place = remembered[next++ % kRemembered];
  place = std::move(fresh);
  return &place;
}

bool Names(const Json& audience, const std::vector<std::string>& ours) {
  const auto one = [&](const Json& value) {
    if (!value.is_string()) return false;
    return std::find(ours.begin(), ours.end(),
                     value.get_ref<const std::string&>()) != ours.end();
  };
  if (audience.is_array()) {
    return std::any_of(audience.begin(), audience.end(), one);
  }
  return one(audience);
}

}  // namespace

absl::Status ValidateOptions(const VerifierOptions& options) {
  if (options.audiences.empty()) {
    return FieldError("audiences",
                      "name at least one: a token for anybody is for nobody");
  }
  if (options.types.empty()) {
    return FieldError("types", "name at least one, such as JWT");
  }
  if (options.clock_skew < absl::ZeroDuration() ||
      options.clock_skew > absl::Minutes(10)) {
    return FieldError("clock_skew", "0s to 10m is taken");
  }
  if (options.max_staleness < absl::Seconds(3) ||
      options.max_staleness > absl::Hours(24)) {
    return FieldError("max_staleness",
                      "3s to 24h is taken: heartbeats come once a second at "
                      "most");
  }
  return absl::OkStatus();
}

Verifier::Verifier(VerifierOptions options, Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      state_(MakeState(*KeySets::Make({}, nullptr))),
      confirmed_ns_(kNever) {
  for (const std::string& type : options_.types) {
    types_.push_back(TypeText(type));
  }
}

std::unique_ptr<const Verifier::State> Verifier::MakeState(
    std::unique_ptr<const KeySets> sets) const {
  auto state = std::make_unique<State>();
  state->sets = std::move(sets);
  if (options_.cached_tokens > 0) {
    state->cache = std::make_unique<TokenCache>(options_.cached_tokens);
  }
  return state;
}

absl::Status Verifier::Change(
    const std::function<bool(std::map<std::string, PublishedSet>&)>& change) {
  MutexLock lock(&apply_mu_);
  std::unique_ptr<const KeySets> made;
  {
    const SnapshotCell<State>::Reader before(state_);
    auto sets = before->sets->sets();
    if (!change(sets)) return absl::OkStatus();
    ASSIGN_OR_RETURN(made, KeySets::Make(std::move(sets), before->sets.get()));
  }
  // What was read is let go: Store frees it.
  state_.Store(MakeState(std::move(made)));
  return absl::OkStatus();
}

absl::Status Verifier::Apply(const PublishedSet& set) {
  return Change([&](std::map<std::string, PublishedSet>& sets) {
    PublishedSet& held = sets[set.issuer];
    if (held == set) return false;
    held = set;
    return true;
  });
}

absl::Status Verifier::Keep(const std::vector<std::string>& issuers) {
  return Change([&](std::map<std::string, PublishedSet>& sets) {
    return std::erase_if(sets, [&](const auto& entry) {
             return std::find(issuers.begin(), issuers.end(), entry.first) ==
                    issuers.end();
           }) > 0;
  });
}

void Verifier::ForgetVerified() {
  // The same sets in a new state: its cache is empty.
  Change([](std::map<std::string, PublishedSet>&) {
    return true;
  }).IgnoreError();  // they were good before
}

void Verifier::Confirm(absl::Duration age) {
  const int64_t at = absl::ToInt64Nanoseconds(clock_.Uptime() - age);
  int64_t before = confirmed_ns_.load();
  while (before < at && !confirmed_ns_.compare_exchange_weak(before, at)) {
  }
}

std::map<std::string, PublishedSet> Verifier::Sets() const {
  return SnapshotCell<State>::Reader(state_)->sets->sets();
}

absl::Duration Verifier::Age() const {
  const int64_t confirmed = confirmed_ns_.load(std::memory_order_acquire);
  if (confirmed == kNever) return absl::InfiniteDuration();
  return clock_.Uptime() - absl::Nanoseconds(confirmed);
}

Verdict Verifier::Check(const State& state, absl::string_view token,
                        absl::Time now, absl::string_view source) const {
  if (token.size() > options_.max_token_bytes) {
    return Refuse(Refusal::kTooLong,
                  absl::StrCat(token.size(), " bytes; at most ",
                               options_.max_token_bytes, " are read"));
  }
  std::shared_ptr<const VerifiedToken> verified;
  std::shared_ptr<VerifiedToken> fresh;  // the same, of one that is not cached
  if (state.cache != nullptr) verified = state.cache->Find(token);
  const bool cached = verified != nullptr;
  std::optional<TokenParts> parts;    // of one that is not cached
  const TrustedKey* known = nullptr;  // likewise
  if (!cached) {
    parts = Split(token, source);
    if (!parts) {
      return Refuse(Refusal::kMalformed,
                    "not three base64url parts with dots between");
    }
    std::optional<Verdict> bad;
    const Header* header = HeaderOf(*state.sets, parts->header, bad);
    if (bad) {
      if (bad->refusal == Refusal::kUnknownKey &&
          options_.observer != nullptr) {
        TellOfDeadKey(*state.sets, *parts, now);
      }
      return *std::move(bad);
    }
    known = header->key;
    const TrustedKey& key = *known;
    bad = CheckSignature(key, parts->signing_input, parts->signature);
    if (bad) return *std::move(bad);
    if (std::find(types_.begin(), types_.end(), header->type_text) ==
        types_.end()) {
      return Refuse(Refusal::kWrongType,
                    absl::StrCat("typ is \"", header->typ.substr(0, 40), "\""));
    }
    if (key.drill && !options_.accept_drills) {
      return Refuse(Refusal::kDrillIssuer,
                    absl::StrCat(key.issuer_uri, " exists for drills"));
    }
    fresh = std::make_shared<VerifiedToken>();
    bad = ReadObject("the payload", parts->payload, fresh->claims);
    if (bad) return *std::move(bad);
    const Json& claims = fresh->claims;
    const auto issuer = claims.find("iss");
    if (issuer == claims.end() || !issuer->is_string() ||
        issuer->get_ref<const std::string&>() != key.issuer_uri) {
      return Refuse(
          Refusal::kWrongIssuer,
          absl::StrCat("iss is not ", key.issuer_uri, ", whose key signed"));
    }
    const auto audience = claims.find("aud");
    if (audience == claims.end() || !Names(*audience, options_.audiences)) {
      TellOf(key, claims, *parts, now, TokenViolation::kAudience);
      return Refuse(Refusal::kWrongAudience, "aud names none of ours");
    }
    const auto expires = TimeClaim(claims, "exp");
    const auto issued = TimeClaim(claims, "iat");
    if (!expires || !issued) {
      return Refuse(Refusal::kBadTime, absl::StrCat(!expires ? "exp" : "iat",
                                                    " is absent or no number"));
    }
    if (*expires - *issued > key.max_token_lifetime) {
      TellOf(key, claims, *parts, now, TokenViolation::kLifetime);
      return Refuse(Refusal::kLivesTooLong,
                    absl::StrCat("it lives ", DurationText(*expires - *issued),
                                 "; the issuer allows ",
                                 DurationText(key.max_token_lifetime)));
    }
    fresh->kid = key.kid;
    fresh->typ = header->typ;
    fresh->expire_time = *expires;
    verified = fresh;
  }
  const Json& claims = verified->claims;
  if (now >= verified->expire_time + options_.clock_skew) {
    return Refuse(
        Refusal::kExpired,
        absl::StrCat("it expired at ", TimeText(verified->expire_time)));
  }
  if (*TimeClaim(claims, "iat") > now + options_.clock_skew) {
    if (known != nullptr) {
      TellOf(*known, claims, *parts, now, TokenViolation::kFutureIat);
    }
    return Refuse(Refusal::kIssuedInFuture, "iat lies in the future");
  }
  if (claims.contains("nbf")) {
    const auto from = TimeClaim(claims, "nbf");
    if (!from) return Refuse(Refusal::kBadTime, "nbf is no number");
    if (*from > now + options_.clock_skew) {
      return Refuse(Refusal::kNotYetValid,
                    absl::StrCat("it is not valid before ", TimeText(*from)));
    }
  }
  if (!cached) {
    // Last: whoever asks the ledger waits for it.
    if (auto bad = CheckIssuance(*known, *parts, now, *fresh))
      return *std::move(bad);
    // What could not be said may be said the next time.
    if (state.cache != nullptr && fresh->issuance != Issuance::kIndeterminate) {
      state.cache->Insert(token, verified);
    }
  }
  if (known != nullptr) TellOf(*known, claims, *parts, now, std::nullopt);
  Verdict verdict;
  verdict.token = std::move(verified);
  verdict.cached = cached;
  return verdict;
}

Verdict Verifier::Verify(absl::string_view token, absl::Time now,
                         absl::string_view source) const {
  const bool is_stale = stale();
  Verdict verdict;
  uint64_t generation = 0;
  {
    const SnapshotCell<State>::Reader state(state_);
    if (state->sets->sets().empty()) {
      return Refuse(Refusal::kNoKeySet, "no key set has been received yet");
    }
    if (is_stale && (!options_.serve_stale || Age() > kServesStaleFor)) {
      return Refuse(Refusal::kStale,
                    absl::StrCat("nothing was heard of the server for longer "
                                 "than ",
                                 DurationText(options_.serve_stale
                                                  ? kServesStaleFor
                                                  : options_.max_staleness)));
    }
    generation = state->sets->generation();
    verdict = Check(*state, token, now, source);
  }
  if (verdict.ok() && !verdict.cached && verdict.token->issuance) {
    // While the ledger was asked the sets may have changed, and the server may
    // have been told that they are enforced. One place of the cell at a time:
    // who held one and waited for another could wait for ever.
    const SnapshotCell<State>::Reader since(state_);
    if (since->sets->generation() != generation) {
      verdict = Check(*since, token, now, source);
    }
  }
  verdict.stale = is_stale;
  return verdict;
}

}  // namespace warder::client

#include "server/app/token_signer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/app/grants.h"
#include "server/app/token_writer.h"
#include "server/base/base64url.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/base/time_text.h"

namespace warder::app {
namespace {

constexpr size_t kMaxClaimsBytes = 16 * 1024;

// Appends `"name":value,`.
void Put(absl::string_view name, absl::string_view json_value,
         std::string* out) {
  absl::StrAppend(out, "\"", name, "\":", json_value, ",");
}

absl::StatusOr<std::string> ExtraClaims(const std::string& claims) {
  if (claims.empty() || claims == "{}") return std::string();
  auto parsed = ParseJsonObject(claims, {.max_bytes = kMaxClaimsBytes});
  if (!parsed.ok()) {
    return FieldError("claims", parsed.status().message());
  }
  for (const char* fixed : {"iss", "iat", "exp", "jti", "sub", "aud", "nbf"}) {
    if (parsed->contains(fixed)) {
      return FieldError("claims",
                        absl::StrCat("\"", fixed,
                                     "\" is set by the server or by a field of "
                                     "its own"));
    }
  }
  if (parsed->empty()) return std::string();
  std::string text = WriteJson(*parsed);
  return text.substr(1, text.size() - 2);
}

absl::Status CheckCommand(const SignJwtCommand& command) {
  if (command.audiences.empty() || command.audiences.size() > 20) {
    return FieldError("audiences", absl::StrCat(command.audiences.size(),
                                                " named; 1 to 20 are taken"));
  }
  for (const std::string& audience : command.audiences) {
    if (audience.empty() || audience.size() > 512) {
      return FieldError("audiences", "an entry is empty or past 512 bytes");
    }
  }
  if (command.token_type.size() > 256 ||
      domain::IsReservedTokenType(command.token_type)) {
    return FieldError("token_type", "is past 256 bytes or reserved");
  }
  if (command.subject.size() > 512) {
    return FieldError("subject", "past 512 bytes");
  }
  if (command.lifetime && *command.lifetime < absl::Seconds(1)) {
    return FieldError("lifetime", absl::StrCat(DurationText(*command.lifetime),
                                               " is less than a second"));
  }
  return absl::OkStatus();
}

absl::StatusOr<const SigningKey*> FindSigner(const IssuerSnapshot& snapshot,
                                             domain::Algorithm algorithm,
                                             absl::Time now) {
  for (const SigningKey& key : snapshot.signers) {
    if (key.algorithm == algorithm && now < key.sign_until) return &key;
  }
  return Precondition(
      Reason::kNoSigningKey,
      absl::StrCat("no ACTIVE ", domain::AlgorithmName(algorithm),
                   " key signs for ", IssuerName(snapshot.id),
                   "; look at: warder key list --issuer ",
                   snapshot.id.value()));
}

// What the signature of a compact JWS is of.
absl::string_view SigningInputOf(absl::string_view token) {
  return token.substr(0, token.rfind('.'));
}

}  // namespace

absl::Status TokenSigner::Admit(const Request& request,
                                const IssuerId& issuer) {
  if (AccessOf(request.caller.role, Permission::kSignTokens) == Access::kNo) {
    return runner_
        .Authorize(request, Permission::kSignTokens, IssuerName(issuer))
        .status();
  }
  if (const absl::Status gone = runner_.RefuseUntrusted(request.caller);
      !gone.ok()) {
    return runner_.Denied(request, IssuerName(issuer), gone);
  }
  return absl::OkStatus();
}

absl::StatusOr<SignedToken> TokenSigner::Sign(const Request& request,
                                              const SignJwtCommand& command) {
  RETURN_IF_ERROR(Admit(request, command.issuer));
  ASSIGN_OR_RETURN(SignedToken token, SignUnrecorded(request, command));
  const IssuerId* const issuer = &command.issuer;
  RETURN_IF_ERROR(Record(request.caller.name, {&issuer, 1}, {&token, 1}));
  return token;
}

absl::StatusOr<std::vector<SignedToken>> TokenSigner::SignBatch(
    const Request& request, std::span<const SignJwtCommand> commands) {
  if (commands.empty() || commands.size() > kMostOfOneBatch) {
    return FieldError("requests",
                      absl::StrCat(commands.size(), " of them; 1 to ",
                                   kMostOfOneBatch, " are taken"));
  }
  RETURN_IF_ERROR(Admit(request, commands[0].issuer));
  std::vector<SignedToken> tokens;
  std::vector<const IssuerId*> issuers;
  tokens.reserve(commands.size());
  issuers.reserve(commands.size());
  for (const SignJwtCommand& command : commands) {
    auto token = SignUnrecorded(request, command);
    if (!token.ok()) {
      return WithContext(token.status(),
                         absl::StrCat("requests[", tokens.size(), "]"));
    }
    tokens.push_back(*std::move(token));
    issuers.push_back(&command.issuer);
  }
  RETURN_IF_ERROR(Record(request.caller.name, issuers, tokens));
  return tokens;
}

absl::Status TokenSigner::Record(const std::string& signer,
                                 std::span<const IssuerId* const> issuers,
                                 std::span<const SignedToken> tokens) {
  std::vector<ledger::Issuance> issued;
  issued.reserve(tokens.size());
  for (size_t i = 0; i < tokens.size(); ++i) {
    issued.push_back({.issuer = *issuers[i],
                      .key = tokens[i].key,
                      .issue_time = tokens[i].issue_time,
                      .signing_input = SigningInputOf(tokens[i].token)});
  }
  RETURN_IF_ERROR(ledger_.Record(issued));
  for (const SignedToken& token : tokens) {
    runner_.live_tokens().Count(token.key, token.expire_time);
    usage_.Count(token.key, signer);
  }
  return absl::OkStatus();
}

absl::StatusOr<SignedToken> TokenSigner::SignUnrecorded(
    const Request& request, const SignJwtCommand& command) {
  const auto resource = [&] { return IssuerName(command.issuer); };
  RETURN_IF_ERROR(CheckCommand(command));
  const SnapshotPtr snapshot = runner_.publisher().Find(command.issuer.value());
  if (snapshot == nullptr) return NotFound(resource());
  const auto grant = FindGrant(*snapshot, request.caller.name,
                               {.audiences = command.audiences,
                                .subject = command.subject,
                                .token_type = command.token_type,
                                .lifetime = command.lifetime});
  if (!grant.ok()) return runner_.Denied(request, resource(), grant.status());
  ASSIGN_OR_RETURN(const std::string extra, ExtraClaims(command.claims));
  RETURN_IF_ERROR(usage_.Admit(command.issuer, request.caller.name,
                               (*grant)->max_per_second,
                               runner_.clock().Uptime()));

  const ClockGuard::Reading clock = runner_.clock_guard().Read();
  // A clock set back makes no key sign longer.
  ASSIGN_OR_RETURN(
      const SigningKey* const key,
      FindSigner(*snapshot,
                 command.algorithm.value_or(snapshot->algorithms.front()),
                 clock.latest));
  // Verifiers have wall clocks. Ordinary jitter dates no token before its key.
  absl::Time now = clock.wall;
  if (key->activate_time - now <= kClockTolerance) {
    now = std::max(now, key->activate_time);
  }
  const absl::Duration lifetime =
      command.lifetime.value_or((*grant)->max_lifetime);
  const int64_t issued = absl::ToUnixSeconds(now);
  const int64_t expires =
      issued + std::max<int64_t>(1, absl::ToInt64Seconds(lifetime));

  SignedToken result;
  result.key = key->id;
  result.token_id = RandomToken(random_, 16);
  result.issue_time = absl::FromUnixSeconds(issued);
  result.expire_time = absl::FromUnixSeconds(expires);

  std::string claims = "{";
  claims.reserve(256 + extra.size());
  if (command.audiences.size() == 1) {
    Put("aud", JsonQuoted(command.audiences[0]), &claims);
  } else {
    std::string list = "[";
    for (const std::string& audience : command.audiences) {
      absl::StrAppend(&list, list.size() > 1 ? "," : "", JsonQuoted(audience));
    }
    Put("aud", list + "]", &claims);
  }
  Put("exp", absl::StrCat(expires), &claims);
  Put("iat", absl::StrCat(issued), &claims);
  Put("iss", JsonQuoted(snapshot->issuer_uri), &claims);
  Put("jti", JsonQuoted(result.token_id), &claims);
  if (!command.subject.empty())
    Put("sub", JsonQuoted(command.subject), &claims);
  if (extra.empty()) {
    claims.back() = '}';
  } else {
    absl::StrAppend(&claims, extra, "}");
  }

  const std::string type = command.token_type.empty()
                               ? (*grant)->token_types.front()
                               : command.token_type;
  ASSIGN_OR_RETURN(result.token, SignBy(command.issuer, *key, type, claims));
  return result;
}

absl::StatusOr<std::string> TokenSigner::SignBy(const IssuerId& issuer,
                                                const SigningKey& key,
                                                absl::string_view type,
                                                absl::string_view claims) {
  auto token = WriteToken(runner_.vault(), issuer, key, type, claims);
  runner_.metrics().CountSign(domain::AlgorithmName(key.algorithm), token.ok());
  return token;
}

absl::StatusOr<std::string> TokenSigner::SignSecurityEvent(
    const IssuerId& issuer, Json claims) {
  const SnapshotPtr snapshot = runner_.publisher().Find(issuer.value());
  if (snapshot == nullptr) return NotFound(IssuerName(issuer));
  const ClockGuard::Reading clock = runner_.clock_guard().Read();
  ASSIGN_OR_RETURN(
      const SigningKey* const key,
      FindSigner(*snapshot, domain::Algorithm::kRs256, clock.latest));
  claims["iss"] = snapshot->issuer_uri;
  claims["iat"] = absl::ToUnixSeconds(clock.wall);
  ASSIGN_OR_RETURN(std::string token,
                   SignBy(issuer, *key, "secevent+jwt", WriteJson(claims)));
  const ledger::Issuance issued = {.issuer = issuer,
                                   .key = key->id,
                                   .issue_time = clock.wall,
                                   .signing_input = SigningInputOf(token)};
  RETURN_IF_ERROR(ledger_.Record({&issued, 1}));
  return token;
}

}  // namespace warder::app

// warder token sign|inspect|verify|check
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/cli/context.h"
#include "client/http_get.h"
#include "client/local_signer.h"
#include "server/base/error.h"
#include "server/base/ids.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/base/time_text.h"
#include "server/jose/jwk.h"
#include "server/jose/jws.h"
#include "server/jose/jwt.h"
#include "warder/v1/ledger.grpc.pb.h"
#include "warder/v1/token.grpc.pb.h"

namespace warder::cli {
namespace {

struct Flags {
  std::string issuer, subject, lifetime, type, claims, algorithm, token,
      audience, iss, url, key_file;
  std::vector<std::string> audiences;
};

// The argument, or standard input for "-" and nothing.
std::string TokenOf(const Flags& flags) {
  std::string token = flags.token;
  if (token.empty() || token == "-") std::getline(std::cin, token);
  return std::string(absl::StripAsciiWhitespace(token));
}

// By a key of the caller's own; the token is on record before it is shown.
absl::Status SignLocally(Context& context, const Flags& flags) {
  if (!flags.algorithm.empty()) {
    return FieldError("--algorithm", "the key in --key-file has its own");
  }
  ASSIGN_OR_RETURN(client::Client* const client, context.Connect());
  ASSIGN_OR_RETURN(auto key, ReadKeyFile(flags.key_file));
  client::LocalSignerOptions options;
  options.issuer = IssuerName(IssuerId(flags.issuer));
  ASSIGN_OR_RETURN(
      const auto signer,
      client::LocalSigner::Make(*client, context.clock(), context.random(),
                                std::move(key), options));
  client::LocalToken wanted{.audiences = flags.audiences,
                            .subject = flags.subject,
                            .claims = flags.claims};
  if (!flags.type.empty()) wanted.token_type = flags.type;
  if (!flags.lifetime.empty()) {
    ASSIGN_OR_RETURN(wanted.lifetime, ParseDuration(flags.lifetime));
  }
  ASSIGN_OR_RETURN(const std::string token, signer->Sign(wanted));
  v1::SignJwtResponse answer;
  answer.set_token(token);
  answer.set_kid(LastPart(signer->key_name()));
  context.Print(answer, token + "\n");
  return absl::OkStatus();
}

absl::Status Sign(Context& context, const Flags& flags) {
  if (!flags.key_file.empty()) return SignLocally(context, flags);
  v1::SignJwtRequest request;
  request.set_issuer(IssuerName(IssuerId(flags.issuer)));
  request.set_subject(flags.subject);
  request.set_token_type(flags.type);
  request.set_claims(flags.claims);
  for (const auto& audience : flags.audiences) request.add_audiences(audience);
  if (!flags.lifetime.empty()) {
    ASSIGN_OR_RETURN(const absl::Duration life, ParseDuration(flags.lifetime));
    SetDuration(life, request.mutable_lifetime());
  }
  v1::Algorithm algorithm = v1::ALGORITHM_UNSPECIFIED;
  if (!flags.algorithm.empty() &&
      !v1::Algorithm_Parse(
          absl::StrCat("ALGORITHM_", absl::AsciiStrToUpper(flags.algorithm)),
          &algorithm)) {
    return FieldError("--algorithm",
                      "is not one of ES256, ES384, ES512, "
                      "EdDSA, RS256, PS256");
  }
  request.set_algorithm(algorithm);
  ASSIGN_OR_RETURN(const v1::SignJwtResponse signed_token,
                   context.Change(&v1::TokenService::Stub::SignJwt, request));
  context.Print(signed_token, signed_token.token() + "\n");
  return absl::OkStatus();
}

std::string Pretty(const Json& value) {
  return value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

absl::Status Inspect(Context& context, const Flags& flags) {
  ASSIGN_OR_RETURN(const jose::Jws jws, jose::ParseJws(TokenOf(flags)));
  Json claims;
  if (auto parsed = ParseJson(jws.payload); parsed.ok()) {
    claims = *std::move(parsed);
  } else {
    claims = Safe(jws.payload);
  }
  if (context.json) {
    context.PrintText(WriteJson({{"header", jws.header}, {"payload", claims}}) +
                      "\n");
    return absl::OkStatus();
  }
  context.PrintText("Not verified: this only shows what the token says.\n\n");
  context.PrintText(Pretty(jws.header));
  context.PrintText(Pretty(claims));
  for (const char* name : {"iat", "nbf", "exp"}) {
    if (claims.is_object() && claims.contains(name) &&
        claims[name].is_number_integer()) {
      context.PrintText(absl::StrCat(
          name, "  ",
          TimeText(absl::FromUnixSeconds(claims[name].get<int64_t>())), "\n"));
    }
  }
  return absl::OkStatus();
}

absl::Status Verify(Context& context, const Flags& flags) {
  ASSIGN_OR_RETURN(const client::Profile profile, context.Profile());
  const std::string url =
      !flags.url.empty() ? flags.url
                         : absl::StrCat(profile.public_url, "/issuers/",
                                        flags.issuer, "/.well-known/jwks.json");
  if (flags.url.empty() && flags.issuer.empty()) {
    return FieldError("--issuer", "name the issuer, or a key set with --url");
  }
  ASSIGN_OR_RETURN(const client::HttpAnswer answer,
                   client::HttpGet(url, profile.public_authority));
  if (answer.status == 404) return NotFound(url);
  if (answer.status != 200) {
    return Error(absl::StatusCode::kUnavailable, Reason::kUnreachable,
                 absl::StrCat(url, " answers ", answer.status));
  }
  ASSIGN_OR_RETURN(const std::vector<jose::Jwk> keys,
                   jose::ParseJwkSet(answer.body));
  auto claims = jose::VerifyJwt(
      TokenOf(flags), keys,
      {.issuer = flags.iss, .audience = flags.audience, .type = flags.type},
      context.clock().TimeNow());
  if (!claims.ok()) {
    if (context.json) {
      context.PrintText(
          WriteJson({{"verified", false},
                     {"why", std::string(claims.status().message())}}) +
          "\n");
    }
    // The exit code says that the token is bad, not that the caller is.
    return Error(absl::StatusCode::kDataLoss, Reason::kUnauthenticated,
                 absl::StrCat("refused: ", claims.status().message()));
  }
  context.PrintText(
      context.json ? WriteJson({{"verified", true}, {"claims", *claims}}) + "\n"
                   : "Verified against " + url + "\n\n" + Pretty(*claims));
  return absl::OkStatus();
}

// "VERDICT_NEVER_ISSUED": "NEVER_ISSUED".
std::string NameOf(v1::Verdict verdict) {
  return std::string(absl::StripPrefix(v1::Verdict_Name(verdict), "VERDICT_"));
}

absl::Status Check(Context& context, const Flags& flags) {
  v1::CheckIssuedRequest request;
  request.set_issuer(IssuerName(IssuerId(flags.issuer)));
  request.set_token(TokenOf(flags));
  ASSIGN_OR_RETURN(
      const v1::CheckIssuedResponse answer,
      context.Read(&v1::LedgerService::Stub::CheckIssued, request));
  if (context.json) {
    context.PrintText(WriteJson({{"verdict", NameOf(answer.verdict())},
                                 {"reason", answer.reason()}}) +
                      "\n");
  }
  // The exit code says that the token is bad, not that the caller is.
  if (answer.verdict() == v1::VERDICT_NEVER_ISSUED) {
    return Error(absl::StatusCode::kDataLoss, Reason::kUnauthenticated,
                 absl::StrCat("it was never issued here; if its signature is "
                              "valid, somebody has the key: warder key revoke "
                              "issuers/",
                              flags.issuer, "/keys/KID --reason compromised"));
  }
  if (!context.json) {
    context.PrintText(
        answer.verdict() == v1::VERDICT_ISSUED
            ? "ISSUED: it is on record. That its signature is "
              "valid says warder token verify.\n"
            : absl::StrCat("INDETERMINATE: ", Safe(answer.reason()), ".\n"));
  }
  return absl::OkStatus();
}

}  // namespace

void AddTokenCommands(CLI::App& app, Context& context) {
  CLI::App* noun = app.add_subcommand("token", "sign and look at tokens");
  noun->require_subcommand(1);
  auto flags = std::make_shared<Flags>();

  CLI::App* sign = noun->add_subcommand("sign", "sign a JWT (role signer)");
  sign->add_option("--issuer", flags->issuer, "the issuer")->required();
  sign->add_option("--audience", flags->audiences, "aud; repeat")->required();
  sign->add_option("--subject", flags->subject, "sub");
  sign->add_option("--lifetime", flags->lifetime, "15m, 1h");
  sign->add_option("--type", flags->type, "header typ");
  sign->add_option("--claims", flags->claims, "a JSON object of more claims");
  sign->add_option("--algorithm", flags->algorithm, "which of the policy's");
  sign->add_option("--key-file", flags->key_file,
                   "sign here, with a key that warder key register published");
  sign->callback([&context, flags] {
    context.run = [&context, flags] { return Sign(context, *flags); };
  });

  CLI::App* inspect =
      noun->add_subcommand("inspect", "show a token without verifying it");
  inspect->add_option("token", flags->token, "the token; - for standard input");
  inspect->callback([&context, flags] {
    context.run = [&context, flags] { return Inspect(context, *flags); };
  });

  CLI::App* check = noun->add_subcommand(
      "check", "ask the ledger whether a token was issued");
  check->add_option("token", flags->token, "the token; - for standard input");
  check->add_option("--issuer", flags->issuer, "whose it says it is")
      ->required();
  check->callback([&context, flags] {
    context.run = [&context, flags] { return Check(context, *flags); };
  });

  CLI::App* verify = noun->add_subcommand(
      "verify", "verify a token against the published key set");
  verify->add_option("token", flags->token, "the token; - for standard input");
  verify->add_option("--issuer", flags->issuer, "whose key set");
  verify->add_option("--url", flags->url, "the key set's URL instead");
  verify->add_option("--audience", flags->audience, "aud it must name");
  verify->add_option("--iss", flags->iss, "iss it must carry");
  verify->add_option("--type", flags->type, "typ it must carry");
  verify->callback([&context, flags] {
    context.run = [&context, flags] { return Verify(context, *flags); };
  });
}

}  // namespace warder::cli

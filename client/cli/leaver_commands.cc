// warder owner certificate, warder certificate verify
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/context.h"
#include "client/cli/leaver_report.h"
#include "server/base/error.h"
#include "server/base/ids.h"
#include "server/base/status_macros.h"
#include "server/base/time_text.h"
#include "server/crypto/certificate.h"
#include "server/jose/jwk.h"
#include "server/jose/jws.h"
#include "warder/v1/owner.grpc.pb.h"

namespace warder::cli {
namespace {

constexpr char kType[] = "leaver-certificate+jwt";
constexpr size_t kMaxBytes = 64 << 20;

struct Flags {
  std::string id, format = "text", out, file, authority;
};

// Returns the claims of `jws` when the CA of certificate `pem` signed it.
absl::StatusOr<Json> VerifiedClaims(const std::string& jws,
                                    const std::string& pem) {
  ASSIGN_OR_RETURN(crypto::PublicKey key, crypto::CertificatePublicKey(pem));
  ASSIGN_OR_RETURN(const std::string kid, jose::Thumbprint(key));
  ASSIGN_OR_RETURN(const jose::Jws parsed, jose::ParseJws(jws, kMaxBytes));
  if (parsed.typ != kType) {
    return FieldError("FILE", absl::StrCat("is a \"", parsed.typ.substr(0, 40),
                                           "\", not a ", kType));
  }
  RETURN_IF_ERROR(jose::VerifyJws(
      parsed, {{.kid = kid,
                .alg = "ES256",
                .key = std::make_shared<crypto::PublicKey>(std::move(key))}}));
  return ParseJsonObject(parsed.payload, {.max_bytes = kMaxBytes});
}

absl::Status Make(Context& context, const Flags& flags) {
  v1::GetLeaverCertificateRequest request;
  request.set_name(OwnerName(OwnerId(flags.id)));
  ASSIGN_OR_RETURN(
      const v1::LeaverCertificate certificate,
      context.Read(&v1::OwnerService::Stub::GetLeaverCertificate, request));
  ASSIGN_OR_RETURN(const jose::Jws jws,
                   jose::ParseJws(certificate.jws(), kMaxBytes));
  ASSIGN_OR_RETURN(const Json claims,
                   ParseJsonObject(jws.payload, {.max_bytes = kMaxBytes}));
  std::string text;
  if (flags.format == "html") {
    text = LeaverHtml(claims, certificate.jws());
  } else if (context.json || flags.format == "json") {
    text = WriteJson({{"claims", claims}, {"jws", certificate.jws()}}) + "\n";
  } else {
    text =
        LeaverText(claims, flags.out.empty() ? context.terminal : Terminal());
  }
  if (flags.out.empty()) {
    context.PrintText(text);
    return absl::OkStatus();
  }
  std::ofstream out(flags.out, std::ios::binary | std::ios::trunc);
  out << text << std::flush;
  if (!out) {
    return FieldError("--out",
                      absl::StrCat("\"", flags.out, "\" cannot be written"));
  }
  context.PrintText(
      context.json
          ? WriteJson({{"file", flags.out}}) + "\n"
          : absl::StrCat(
                "Wrote ", flags.out,
                flags.format == "text"
                    ? "\n"
                    : absl::StrCat(". Check it anywhere with: warder "
                                   "certificate verify ",
                                   flags.out, " --authority authority.pem\n")));
  return absl::OkStatus();
}

absl::Status Verify(Context& context, const Flags& flags) {
  std::string authority = flags.authority;
  if (authority.empty()) {
    ASSIGN_OR_RETURN(const client::Profile profile, context.Profile());
    authority = profile.authority;
  }
  // Whose fault it is must be clear: the document's, or what it is held
  // against.
  const auto pem =
      authority.empty() ? absl::StatusOr<std::string>("") : ReadFile(authority);
  if (authority.empty() || !pem.ok()) {
    return FieldError("--authority",
                      absl::StrCat("\"", authority,
                                   "\" cannot be read; name the CA certificate "
                                   "of the service (authority.pem)"));
  }
  ASSIGN_OR_RETURN(const std::string text, ReadFile(flags.file));
  if (absl::StartsWith(text, "Person ")) {
    return FieldError("FILE",
                      "is the text form, which carries no signature; make one "
                      "with --format json or html");
  }
  const auto jws = FindJws(text);
  const auto claims = jws.ok() ? VerifiedClaims(*jws, *pem)
                               : absl::StatusOr<Json>(jws.status());
  if (!claims.ok()) {
    if (ReasonOf(claims.status()) == ReasonName(Reason::kCertificate)) {
      return claims.status();  // the CA's file is to blame
    }
    if (context.json) {
      context.PrintText(
          WriteJson({{"verified", false},
                     {"why", std::string(claims.status().message())}}) +
          "\n");
    }
    return Error(absl::StatusCode::kDataLoss, Reason::kUnauthenticated,
                 absl::StrCat("refused: ", claims.status().message()));
  }
  if (context.json) {
    context.PrintText(WriteJson({{"verified", true}, {"claims", *claims}}) +
                      "\n");
    return absl::OkStatus();
  }
  context.PrintText(absl::StrCat("Signed by the CA of ", authority,
                                 "; nothing in it was changed.\n\n",
                                 LeaverText(*claims, context.terminal)));
  return absl::OkStatus();
}

}  // namespace

void AddLeaverCommands(CLI::App& owner, CLI::App& app, Context& context) {
  auto flags = std::make_shared<Flags>();
  CLI::App* make = owner.add_subcommand(
      "certificate", "the signed statement of what a departure did");
  make->add_option("id", flags->id, "the ID")->required();
  make->add_option("--format", flags->format, "text, json or html")
      ->check(CLI::IsMember({"text", "json", "html"}));
  make->add_option("--out", flags->out, "a file instead of standard output");
  make->callback([&context, flags] {
    context.run = [&context, flags] { return Make(context, *flags); };
  });

  CLI::App* noun =
      app.add_subcommand("certificate", "leaver certificates, offline");
  noun->require_subcommand(1);
  CLI::App* verify = noun->add_subcommand(
      "verify", "check a leaver certificate: JSON, page or bare statement");
  verify->add_option("file", flags->file, "- for standard input")->required();
  verify->add_option(
      "--authority", flags->authority,
      "PEM of the service's CA, authority.pem; default: the profile's");
  verify->callback([&context, flags] {
    context.run = [&context, flags] { return Verify(context, *flags); };
  });
}

}  // namespace warder::cli

#include "client/cli/statement.h"

#include <fstream>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/cli/drill_report.h"
#include "client/cli/leaver_report.h"
#include "client/cli/page.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/crypto/certificate.h"
#include "server/jose/jwk.h"
#include "server/jose/jws.h"

namespace warder::cli {
namespace {

constexpr size_t kMaxBytes = 64 << 20;
constexpr char kLeaver[] = "leaver-certificate+jwt";
constexpr char kRevocation[] = "revocation-statement+jwt";
constexpr char kDrill[] = "drill-report+jwt";

absl::StatusOr<std::string> FindJws(const std::string& text) {
  const absl::string_view plain = absl::StripAsciiWhitespace(text);
  if (absl::StartsWith(plain, "{")) {
    ASSIGN_OR_RETURN(const Json file,
                     ParseJsonObject(plain, {.max_bytes = kMaxBytes}));
    return JsonString(file, "jws");
  }
  if (!absl::StartsWith(plain, "<")) return std::string(plain);
  std::string jws = JwsOfPage(text);
  if (!jws.empty()) return jws;
  return FieldError("FILE", "is a page without a signed statement");
}

// What is around the statement must say what it says.
absl::Status CheckAround(const std::string& text, const Statement& statement) {
  const absl::string_view plain = absl::StripAsciiWhitespace(text);
  if (absl::StartsWith(plain, "{")) {
    ASSIGN_OR_RETURN(const Json file,
                     ParseJsonObject(plain, {.max_bytes = kMaxBytes}));
    if (file.contains("claims") && file["claims"] != statement.claims) {
      return FieldError("FILE", "its claims are not those that were signed");
    }
  } else if (absl::StartsWith(plain, "<") && StatementHtml(statement) != text) {
    // A page is what its statement makes of it, to the byte.
    return FieldError("FILE",
                      "the page shows something else than what was signed");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Statement> ReadStatement(const std::string& jws) {
  ASSIGN_OR_RETURN(const jose::Jws parsed, jose::ParseJws(jws, kMaxBytes));
  Statement statement{.jws = jws, .type = parsed.typ, .claims = {}};
  if (parsed.typ != kLeaver && parsed.typ != kRevocation &&
      parsed.typ != kDrill) {
    return FieldError("FILE", absl::StrCat("is a \"", parsed.typ.substr(0, 40),
                                           "\": none of ", kLeaver, ", ",
                                           kRevocation, ", ", kDrill));
  }
  ASSIGN_OR_RETURN(statement.claims,
                   ParseJsonObject(parsed.payload, {.max_bytes = kMaxBytes}));
  return statement;
}

absl::StatusOr<Statement> VerifiedStatement(const std::string& text,
                                            const std::string& pem) {
  ASSIGN_OR_RETURN(const std::string jws, FindJws(text));
  ASSIGN_OR_RETURN(Statement statement, ReadStatement(jws));
  RETURN_IF_ERROR(CheckAround(text, statement));
  ASSIGN_OR_RETURN(crypto::PublicKey key, crypto::CertificatePublicKey(pem));
  ASSIGN_OR_RETURN(const std::string kid, jose::Thumbprint(key));
  ASSIGN_OR_RETURN(const jose::Jws parsed, jose::ParseJws(jws, kMaxBytes));
  RETURN_IF_ERROR(jose::VerifyJws(
      parsed, {{.kid = kid,
                .alg = "ES256",
                .key = std::make_shared<crypto::PublicKey>(std::move(key))}}));
  return statement;
}

std::string StatementText(const Statement& statement,
                          const Terminal& terminal) {
  return statement.type == kLeaver ? LeaverText(statement.claims, terminal)
                                   : DrillText(statement.claims, terminal);
}

std::string StatementHtml(const Statement& statement) {
  return statement.type == kLeaver ? LeaverHtml(statement.claims, statement.jws)
                                   : DrillHtml(statement.claims, statement.jws);
}

void AddStatementOptions(CLI::App* command, std::string* format,
                         std::string* out) {
  command->add_option("--format", *format, "text, json or html")
      ->check(CLI::IsMember({"text", "json", "html"}));
  command->add_option("--out", *out, "a file instead of standard output");
}

absl::Status GiveStatement(Context& context, const std::string& jws,
                           const std::string& format, const std::string& out) {
  ASSIGN_OR_RETURN(const Statement statement, ReadStatement(jws));
  std::string text;
  if (format == "html") {
    text = StatementHtml(statement);
  } else if (context.json || format == "json") {
    text = WriteJson({{"claims", statement.claims}, {"jws", jws}}) + "\n";
  } else {
    text =
        StatementText(statement, out.empty() ? context.terminal : Terminal());
  }
  if (out.empty()) {
    context.PrintText(text);
    return absl::OkStatus();
  }
  std::ofstream file(out, std::ios::binary | std::ios::trunc);
  file << text << std::flush;
  if (!file) {
    return FieldError("--out", absl::StrCat("\"", out, "\" cannot be written"));
  }
  context.PrintText(
      context.json
          ? WriteJson({{"file", out}}) + "\n"
          : absl::StrCat(
                "Wrote ", out,
                format == "text"
                    ? "\n"
                    : absl::StrCat(". Check it anywhere with: warder "
                                   "certificate verify ",
                                   out, " --authority authority.pem\n")));
  return absl::OkStatus();
}

}  // namespace warder::cli

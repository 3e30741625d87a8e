// warder owner certificate, warder certificate verify
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/context.h"
#include "client/cli/statement.h"
#include "server/base/error.h"
#include "server/base/ids.h"
#include "server/base/status_macros.h"
#include "warder/v1/owner.grpc.pb.h"

namespace warder::cli {
namespace {

struct Flags {
  std::string id, format = "text", out, file, authority;
};

absl::Status Make(Context& context, const Flags& flags) {
  v1::GetLeaverCertificateRequest request;
  request.set_name(OwnerName(OwnerId(flags.id)));
  ASSIGN_OR_RETURN(
      const v1::LeaverCertificate certificate,
      context.Read(&v1::OwnerService::Stub::GetLeaverCertificate, request));
  return GiveStatement(context, certificate.jws(), flags.format, flags.out);
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
  if (absl::StartsWith(text, "Person ") || absl::StartsWith(text, "Drill ") ||
      absl::StartsWith(text, "Key ")) {
    return FieldError("FILE",
                      "is the text form, which carries no signature; make one "
                      "with --format json or html");
  }
  const auto statement = VerifiedStatement(text, *pem);
  if (!statement.ok()) {
    if (ReasonOf(statement.status()) == ReasonName(Reason::kCertificate)) {
      return statement.status();  // the CA's file is to blame
    }
    if (context.json) {
      context.PrintText(
          WriteJson({{"verified", false},
                     {"why", std::string(statement.status().message())}}) +
          "\n");
    }
    return Error(absl::StatusCode::kDataLoss, Reason::kUnauthenticated,
                 absl::StrCat("refused: ", statement.status().message()));
  }
  if (context.json) {
    context.PrintText(
        WriteJson({{"verified", true}, {"claims", statement->claims}}) + "\n");
    return absl::OkStatus();
  }
  context.PrintText(absl::StrCat("Signed by the CA of ", authority,
                                 "; nothing in it was changed.\n\n",
                                 StatementText(*statement, context.terminal)));
  return absl::OkStatus();
}

}  // namespace

void AddLeaverCommands(CLI::App& owner, CLI::App& app, Context& context) {
  auto flags = std::make_shared<Flags>();
  CLI::App* make = owner.add_subcommand(
      "certificate", "the signed statement of what a departure did");
  make->add_option("id", flags->id, "the ID")->required();
  AddStatementOptions(make, &flags->format, &flags->out);
  make->callback([&context, flags] {
    context.run = [&context, flags] { return Make(context, *flags); };
  });

  CLI::App* noun =
      app.add_subcommand("certificate", "signed statements, offline");
  noun->require_subcommand(1);
  CLI::App* verify =
      noun->add_subcommand("verify",
                           "check a leaver certificate, a statement about a "
                           "revocation or the report "
                           "of a drill: JSON, page or bare");
  verify->add_option("file", flags->file, "- for standard input")->required();
  verify->add_option(
      "--authority", flags->authority,
      "PEM of the service's CA, authority.pem; default: the profile's");
  verify->callback([&context, flags] {
    context.run = [&context, flags] { return Verify(context, *flags); };
  });
}

}  // namespace warder::cli

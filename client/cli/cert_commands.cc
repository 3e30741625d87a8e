// warder cert issue
#include <unistd.h>

#include <filesystem>
#include <string>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "client/cli/context.h"
#include "server/base/error.h"
#include "server/base/secret_bytes.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/base/time_text.h"
#include "server/crypto/certificate.h"
#include "warder/v1/certificate.grpc.pb.h"

namespace warder::cli {
namespace {

struct Flags {
  std::string role, name, lifetime, out = ".";
};

// The key is made here and stays here; only the request travels.
absl::Status Issue(Context& context, const Flags& flags) {
  ASSIGN_OR_RETURN(const auto key,
                   crypto::PrivateKey::Generate(crypto::KeyType::kP256));
  // Before the call: a certificate whose files cannot be written is wasted.
  std::error_code error;
  const std::filesystem::path out = std::filesystem::absolute(flags.out, error);
  if (error || access(out.c_str(), W_OK) != 0) {
    return Precondition(Reason::kConfiguration,
                        absl::StrCat(flags.out,
                                     " is no directory one can write to; name "
                                     "another with --out"));
  }
  const std::string base =
      (out / absl::StrCat(flags.role, "-", flags.name)).lexically_normal();
  for (const char* end : {"-key.pem", ".pem", "-ca.pem", ".yaml"}) {
    if (access((base + end).c_str(), F_OK) != 0) continue;
    return Precondition(Reason::kConfiguration,
                        absl::StrCat(base, end,
                                     " is there already; move it away or use "
                                     "--out"));
  }
  v1::IssueCertificateRequest request;
  ASSIGN_OR_RETURN(*request.mutable_certificate_request(),
                   crypto::CreateCertificateRequest(key, flags.name));
  request.set_role(flags.role);
  request.set_certificate_name(flags.name);
  if (!flags.lifetime.empty()) {
    ASSIGN_OR_RETURN(const absl::Duration life, ParseDuration(flags.lifetime));
    SetDuration(life, request.mutable_lifetime());
  }
  ASSIGN_OR_RETURN(
      const v1::IssueCertificateResponse issued,
      context.Change(&v1::CertificateService::Stub::IssueCertificate, request));
  if (context.plan) {
    context.Print(issued, absl::StrCat("a certificate warder://", flags.role,
                                       "/", flags.name, " until ",
                                       When(issued.expire_time()), "\n"));
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const client::Profile profile, context.Profile());
  ASSIGN_OR_RETURN(std::string key_pem, crypto::PrivateKeyPem(key));
  const absl::Status key_written =
      WriteNewFile(base + "-key.pem", key_pem, 0600);
  Cleanse(key_pem.data(), key_pem.size());
  RETURN_IF_ERROR(key_written);
  RETURN_IF_ERROR(WriteNewFile(base + ".pem", issued.certificate(), 0644));
  RETURN_IF_ERROR(WriteNewFile(base + "-ca.pem", issued.authority(), 0644));
  RETURN_IF_ERROR(WriteNewFile(
      base + ".yaml",
      absl::StrCat("address: ", profile.address,
                   "\npublic_url: ", profile.public_url,
                   "\ncertificate: ", base, ".pem\nprivate_key: ", base,
                   "-key.pem\nauthority: ", base, "-ca.pem\n"),
      0644));
  if (context.json) {
    context.PrintText(WriteJson({{"profile", base + ".yaml"},
                                 {"certificate", base + ".pem"},
                                 {"private_key", base + "-key.pem"},
                                 {"authority", base + "-ca.pem"},
                                 {"expires", When(issued.expire_time())}}) +
                      "\n");
    return absl::OkStatus();
  }
  context.PrintText(Fields({{"certificate", base + ".pem"},
                            {"private key", base + "-key.pem"},
                            {"profile", base + ".yaml"},
                            {"expires", When(issued.expire_time())}},
                           context.terminal) +
                    "\nUse it with: warder --profile " + base +
                    ".yaml status\n");
  return absl::OkStatus();
}

}  // namespace

void AddCertCommands(CLI::App& app, Context& context) {
  CLI::App* noun = app.add_subcommand("cert", "certificates of callers");
  noun->require_subcommand(1);
  auto flags = std::make_shared<Flags>();
  CLI::App* issue = noun->add_subcommand(
      "issue", "make a key here and have its certificate signed");
  issue
      ->add_option("--role", flags->role,
                   "security, hr, signer, gateway, auditor, operator, owner")
      ->required();
  issue->add_option("--name", flags->name, "the person or service")->required();
  issue->add_option("--lifetime", flags->lifetime, "default 90d, at most 398d");
  issue->add_option("--out", flags->out, "directory for the files")
      ->capture_default_str();
  AddPlan(issue, context);
  issue->callback([&context, flags] {
    context.run = [&context, flags] { return Issue(context, *flags); };
  });
}

}  // namespace warder::cli

// warder key register|renew: keys that a service keeps itself (role signer)
#include <filesystem>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/context.h"
#include "client/local_signer.h"
#include "server/base/ids.h"
#include "server/base/secret_bytes.h"
#include "server/base/status_macros.h"
#include "server/base/time_text.h"
#include "server/crypto/certificate.h"

namespace warder::cli {
namespace {

struct Flags {
  std::string issuer, key_file, lease = "1h";
  bool immediate = false;
};

// A file that is not there is made, with a new key.
absl::StatusOr<crypto::PrivateKey> ReadOrMakeKey(const std::string& path) {
  if (std::filesystem::exists(path)) return ReadKeyFile(path);
  ASSIGN_OR_RETURN(auto key,
                   crypto::PrivateKey::Generate(crypto::KeyType::kP256));
  ASSIGN_OR_RETURN(std::string pem, crypto::PrivateKeyPem(key));
  const absl::Status written = WriteNewFile(path, pem, 0600);
  Cleanse(pem.data(), pem.size());
  RETURN_IF_ERROR(written);
  return key;
}

absl::Status RegisterOrRenew(Context& context, const Flags& flags,
                             crypto::PrivateKey key, bool is_new) {
  ASSIGN_OR_RETURN(client::Client* const client, context.Connect());
  client::LocalSignerOptions options;
  options.issuer = IssuerName(IssuerId(flags.issuer));
  ASSIGN_OR_RETURN(options.lease, ParseDuration(flags.lease));
  options.immediate = flags.immediate;
  ASSIGN_OR_RETURN(
      const auto signer,
      client::LocalSigner::Make(*client, context.clock(), context.random(),
                                std::move(key), options));
  ASSIGN_OR_RETURN(const v1::Key published,
                   is_new ? signer->Register() : signer->Renew());
  context.Print(published,
                absl::StrCat(KeyText(published, context.terminal),
                             "\nKeep its lease: warder key renew --issuer ",
                             flags.issuer, " --key-file ", flags.key_file,
                             "\nSign with it:   warder token sign --issuer ",
                             flags.issuer, " --key-file ", flags.key_file,
                             " --audience ...\n"));
  return absl::OkStatus();
}

absl::Status Register(Context& context, const Flags& flags) {
  ASSIGN_OR_RETURN(auto key, ReadOrMakeKey(flags.key_file));
  return RegisterOrRenew(context, flags, std::move(key), /*is_new=*/true);
}

absl::Status Renew(Context& context, const Flags& flags) {
  ASSIGN_OR_RETURN(auto key, ReadKeyFile(flags.key_file));
  return RegisterOrRenew(context, flags, std::move(key), /*is_new=*/false);
}

void AddFlags(CLI::App* command, Flags& flags) {
  command->add_option("--issuer", flags.issuer, "for whom it signs")
      ->required();
  command->add_option("--key-file", flags.key_file, "its private half, in PEM")
      ->required();
  command->add_option("--lease", flags.lease,
                      "how long it lives unless renewed; default 1h");
}

}  // namespace

absl::StatusOr<crypto::PrivateKey> ReadKeyFile(const std::string& path) {
  ASSIGN_OR_RETURN(std::string pem, ReadFile(path));
  auto key = crypto::PrivateKey::FromPem(pem);
  Cleanse(pem.data(), pem.size());
  if (!key.ok()) {
    return FieldError("--key-file",
                      absl::StrCat(path, ": ", key.status().message()));
  }
  return key;
}

void AddExternalKeyCommands(CLI::App& key, Context& context) {
  auto flags = std::make_shared<Flags>();
  CLI::App* add = AddVerb(&key, context, flags, "register",
                          "publish a key that you keep yourself (role signer); "
                          "the file is made where there is none",
                          Register);
  AddFlags(add, *flags);
  add->add_flag("--immediate", flags->immediate,
                "sign at once, before verifiers have fetched the key");
  AddFlags(AddVerb(&key, context, flags, "renew",
                   "let a key of your own live on (role signer)", Renew),
           *flags);
}

}  // namespace warder::cli

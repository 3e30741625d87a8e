// warder honey create|list: decoys
#include <string>

#include "absl/strings/str_cat.h"
#include "client/cli/context.h"
#include "server/base/ids.h"
#include "server/base/secret_bytes.h"
#include "server/base/status_macros.h"
#include "warder/v1/key.grpc.pb.h"

namespace warder::cli {
namespace {

using Stub = v1::KeyService::Stub;

struct Flags {
  std::string issuer, place, algorithm, out;
};

absl::Status Create(Context& context, const Flags& flags) {
  v1::CreateHoneyKeyRequest request;
  request.set_parent(IssuerName(IssuerId(flags.issuer)));
  request.set_place(flags.place);
  ASSIGN_OR_RETURN(
      const v1::Algorithm algorithm,
      ParseEnum<v1::Algorithm>("--algorithm", "ALGORITHM_", flags.algorithm,
                               [](const std::string& n, v1::Algorithm* v) {
                                 return v1::Algorithm_Parse(n, v);
                               }));
  request.set_algorithm(algorithm);
  ASSIGN_OR_RETURN(v1::CreateHoneyKeyResponse made,
                   context.Change(&Stub::CreateHoneyKey, request));
  const std::string facts = KeyText(made.key(), context.terminal);
  if (context.plan) {
    context.Print(made, facts);
    return absl::OkStatus();
  }
  if (flags.out.empty()) {
    context.Print(made,
                  absl::StrCat(facts, "\nPlant this at \"", flags.place,
                               "\". It is not kept here, and is not shown "
                               "again.\n\n",
                               made.private_key()));
    return absl::OkStatus();
  }
  const absl::Status written =
      WriteNewFile(flags.out, made.private_key(), 0600);
  Cleanse(made.mutable_private_key()->data(), made.private_key().size());
  made.clear_private_key();
  if (!written.ok()) {
    return WithContext(
        written, absl::StrCat("the decoy is published, and its private half is "
                              "lost; revoke it: warder key revoke ",
                              made.key().name(), " --reason cessation"));
  }
  context.Print(
      made, absl::StrCat(facts, "\nPlant ", flags.out, " at \"", flags.place,
                         "\", and remove it from here.\n"));
  return absl::OkStatus();
}

absl::Status List(Context& context, const Flags& flags) {
  v1::ListKeysRequest request;
  request.set_page_size(1000);
  if (!flags.issuer.empty()) {
    request.set_parent(IssuerName(IssuerId(flags.issuer)));
  }
  std::vector<v1::Key> decoys;
  do {
    ASSIGN_OR_RETURN(const v1::ListKeysResponse page,
                     context.Read(&Stub::ListKeys, request));
    for (const v1::Key& key : page.keys()) {
      if (key.kind() == v1::KEY_KIND_HONEY) decoys.push_back(key);
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  if (decoys.empty() && !context.json) {
    context.PrintText(
        "No decoy is planted. One more place to watch:\n"
        "warder honey create --issuer ISSUER --place WHERE\n");
    return absl::OkStatus();
  }
  PrintList(context, decoys, Table({"PLACE", "KEY", "STATE", "PLANTED"}),
            [](const v1::Key& key) -> std::vector<std::string> {
              return {Safe(key.place()), key.name(),
                      Short(v1::KeyState_Name(key.state()), "KEY_STATE_"),
                      When(key.create_time())};
            });
  return absl::OkStatus();
}

}  // namespace

void AddHoneyCommands(CLI::App& app, Context& context) {
  CLI::App* noun = app.add_subcommand("honey", "decoy keys that name a leak");
  noun->require_subcommand(1);
  auto flags = std::make_shared<Flags>();
  CLI::App* create =
      AddVerb(noun, context, flags, "create", "make a decoy to plant", Create);
  create->add_option("--issuer", flags->issuer, "in whose key set it stands")
      ->required();
  create
      ->add_option("--place", flags->place,
                   "where it will lie: \"ci-variables\", \"wiki\"")
      ->required();
  create->add_option("--algorithm", flags->algorithm, "which of the policy's");
  create->add_option("--out", flags->out, "write the private half there");
  AddPlan(create, context);
  CLI::App* list = AddVerb(noun, context, flags, "list",
                           "which decoys are planted where", List);
  list->add_option("--issuer", flags->issuer, "only of this issuer");
}

}  // namespace warder::cli

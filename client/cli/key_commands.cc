// warder key list|show|issue|rotate|revoke|suspend|resume|drain; for `exposure`
// see exposure_commands.cc, for `register` and `renew` external_key_commands.cc
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/context.h"
#include "server/base/error.h"
#include "server/base/ids.h"
#include "server/base/status_macros.h"
#include "warder/v1/issuer.grpc.pb.h"
#include "warder/v1/key.grpc.pb.h"
#include "warder/v1/revocation.grpc.pb.h"

namespace warder::cli {
namespace {

using Stub = v1::KeyService::Stub;

struct Flags {
  std::string issuer, key, state, owner, algorithm, reason;
  bool immediate = false;
};

std::string StateOf(const v1::Key& key) {
  return Short(v1::KeyState_Name(key.state()), "KEY_STATE_");
}

std::string AlgorithmOf(const v1::Key& key) {
  return Short(v1::Algorithm_Name(key.algorithm()), "ALGORITHM_");
}

std::string PrivateHalfOf(const v1::Key& key) {
  switch (key.kind()) {
    case v1::KEY_KIND_EXTERNAL:
      return absl::StrCat("kept by ", Safe(key.signer()));
    case v1::KEY_KIND_HONEY:
      return absl::StrCat("planted at \"", Safe(key.place()), "\"");
    default:
      return key.private_half_held() ? "sealed in the vault" : "destroyed";
  }
}

std::string IssuerOf(const v1::Key& key) {
  const std::string& name = key.name();
  return LastPart(name.substr(0, name.find("/keys/")));
}

absl::StatusOr<v1::Algorithm> AlgorithmFlag(const Flags& flags) {
  return ParseEnum<v1::Algorithm>("--algorithm", "ALGORITHM_", flags.algorithm,
                                  [](const std::string& n, v1::Algorithm* v) {
                                    return v1::Algorithm_Parse(n, v);
                                  });
}

absl::Status List(Context& context, const Flags& flags) {
  v1::ListKeysRequest request;
  request.set_page_size(1000);
  if (!flags.issuer.empty()) {
    request.set_parent(IssuerName(IssuerId(flags.issuer)));
  }
  if (!flags.owner.empty()) request.set_owner(OwnerName(OwnerId(flags.owner)));
  ASSIGN_OR_RETURN(
      const v1::KeyState state,
      ParseEnum<v1::KeyState>("--state", "KEY_STATE_", flags.state,
                              [](const std::string& n, v1::KeyState* v) {
                                return v1::KeyState_Parse(n, v);
                              }));
  request.set_state(state);
  Table table({"ISSUER", "KID", "KIND", "STATE", "ALG", "OWNER", "PUBLISHED",
               "SIGNS FROM"});
  do {
    ASSIGN_OR_RETURN(const v1::ListKeysResponse page,
                     context.Read(&Stub::ListKeys, request));
    for (const v1::Key& key : page.keys()) {
      if (context.json) {
        context.PrintText(MessageJson(key) + "\n");
        continue;
      }
      table.Add({IssuerOf(key), key.kid(),
                 Short(v1::KeyKind_Name(key.kind()), "KEY_KIND_"), StateOf(key),
                 AlgorithmOf(key), LastPart(key.owner()),
                 When(key.publish_time()), When(key.activate_time())});
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  if (!context.json) context.PrintText(table.Text(context.terminal));
  return absl::OkStatus();
}

absl::Status Print(Context& context, const absl::StatusOr<v1::Key>& key) {
  RETURN_IF_ERROR(key.status());
  context.Print(*key, KeyText(*key, context.terminal));
  return absl::OkStatus();
}

absl::Status Rotate(Context& context, const Flags& flags) {
  v1::RotateKeyRequest request;
  request.set_name(IssuerName(IssuerId(flags.issuer)));
  request.set_immediate(flags.immediate);
  ASSIGN_OR_RETURN(const v1::Algorithm algorithm, AlgorithmFlag(flags));
  request.set_algorithm(algorithm);
  return Print(context,
               context.Change(&v1::IssuerService::Stub::RotateKey, request));
}

absl::Status Issue(Context& context, const Flags& flags) {
  v1::IssueKeyRequest request;
  request.set_parent(IssuerName(IssuerId(flags.issuer)));
  ASSIGN_OR_RETURN(const v1::Algorithm algorithm, AlgorithmFlag(flags));
  request.set_algorithm(algorithm);
  return Print(context, context.Change(&Stub::IssueKey, request));
}

absl::Status Revoke(Context& context, const Flags& flags) {
  v1::RevokeKeyRequest request;
  ASSIGN_OR_RETURN(const std::string name, KeyNameOf(flags.key, flags.issuer));
  request.set_name(name);
  ASSIGN_OR_RETURN(const v1::RevocationReason reason,
                   ParseEnum<v1::RevocationReason>(
                       "--reason", "REVOCATION_REASON_", flags.reason,
                       [](const std::string& n, v1::RevocationReason* v) {
                         return v1::RevocationReason_Parse(n, v);
                       }));
  request.set_reason(reason);
  if (context.plan) {
    v1::PlanRevocationRequest ask;
    ask.set_name(name);
    ASSIGN_OR_RETURN(
        const v1::RevocationPlan plan,
        context.Read(&v1::RevocationService::Stub::PlanRevocation, ask));
    context.Print(plan, RevocationPlanText(plan, context.terminal));
    return absl::OkStatus();
  }
  return Print(context, context.Change(&Stub::RevokeKey, request));
}

// The verbs that take a key's name and nothing else.
template <typename Request, typename Method>
absl::Status OnKey(Context& context, const Flags& flags, Method method,
                   bool reads) {
  Request request;
  ASSIGN_OR_RETURN(const std::string name, KeyNameOf(flags.key, flags.issuer));
  request.set_name(name);
  return Print(context, reads ? context.Read(method, request)
                              : context.Change(method, request));
}

}  // namespace

std::string KeyText(const v1::Key& key, const Terminal& terminal) {
  std::vector<std::pair<std::string, std::string>> fields = {
      {"name", key.name()},
      {"kid", key.kid()},
      {"state", StateOf(key)},
      {"algorithm", AlgorithmOf(key)},
      {"kind", Short(v1::KeyKind_Name(key.kind()), "KEY_KIND_")},
      {"owner", LastPart(key.owner())},
      {"published", When(key.publish_time())},
      {key.state() == v1::KEY_STATE_PENDING ? "will sign from" : "signed from",
       key.kind() == v1::KEY_KIND_HONEY ? "never" : When(key.activate_time())},
      {"stopped signing", When(key.retire_time())},
      {"leaves the key set", When(key.until_time())},
      {"private half", PrivateHalfOf(key)}};
  if (key.has_lease_time()) {
    fields.emplace_back("lease ends", When(key.lease_time()));
  }
  if (key.has_drain_time()) {
    fields.emplace_back("drained",
                        absl::StrCat(When(key.drain_time()),
                                     ": gateways that can ask the ledger take "
                                     "only those of its tokens that it has"));
  }
  if (key.has_suspend_time()) {
    fields.emplace_back("suspended", absl::StrCat(When(key.suspend_time()),
                                                  " by ", key.suspended_by()));
  }
  if (key.has_revoke_time()) {
    fields.emplace_back(
        "revoked",
        absl::StrCat(When(key.revoke_time()), " by ", key.revoked_by(), ", ",
                     Short(v1::RevocationReason_Name(key.revocation_reason()),
                           "REVOCATION_REASON_")));
  }
  return Fields(fields, terminal);
}

absl::StatusOr<std::string> KeyNameOf(const std::string& key,
                                      const std::string& issuer) {
  if (absl::StartsWith(key, "issuers/")) return key;
  if (issuer.empty()) {
    return FieldError("key",
                      "give issuers/ISSUER/keys/KID, or the KID with "
                      "--issuer ISSUER");
  }
  return KeyName(IssuerId(issuer), KeyId(key));
}

void AddKeyCommands(CLI::App& app, Context& context) {
  CLI::App* noun = app.add_subcommand("key", "signing keys");
  noun->require_subcommand(1);
  auto flags = std::make_shared<Flags>();
  const auto verb = [&](const char* name, const char* help,
                        absl::Status (*run)(Context&, const Flags&)) {
    return AddVerb(noun, context, flags, name, help, run);
  };
  const auto takes_key = [&](CLI::App* command) {
    command->add_option("key", flags->key, "issuers/ISSUER/keys/KID, or KID")
        ->required();
    command->add_option("--issuer", flags->issuer, "for a bare KID");
  };

  CLI::App* list = verb("list", "list keys", List);
  list->add_option("--issuer", flags->issuer, "only of this issuer");
  list->add_option("--state", flags->state,
                   "pending, active, retiring, retired, suspended, revoked");
  list->add_option("--owner", flags->owner, "only of this owner");

  takes_key(verb("show", "show one key", [](Context& c, const Flags& f) {
    return OnKey<v1::GetKeyRequest>(c, f, &Stub::GetKey, true);
  }));

  CLI::App* issue = verb("issue", "publish a key ahead of need", Issue);
  CLI::App* rotate = verb("rotate", "let a successor sign", Rotate);
  for (CLI::App* command : {issue, rotate}) {
    command->add_option("--issuer", flags->issuer, "the issuer")->required();
    command->add_option("--algorithm", flags->algorithm,
                        "which of the policy's");
    AddPlan(command, context);
  }
  rotate->add_flag("--immediate,--force", flags->immediate,
                   "sign at once, before verifiers have fetched the key; who "
                   "does not hold it is put on record");

  CLI::App* revoke = verb("revoke", "end a key for good", Revoke);
  takes_key(revoke);
  revoke
      ->add_option("--reason", flags->reason,
                   "compromised, owner-departed, superseded, cessation")
      ->required();
  AddPlan(revoke, context);

  CLI::App* suspend = verb("suspend", "unpublish a key while someone looks",
                           [](Context& c, const Flags& f) {
                             return OnKey<v1::SuspendKeyRequest>(
                                 c, f, &Stub::SuspendKey, false);
                           });
  CLI::App* resume =
      verb("resume", "publish a suspended key again",
           [](Context& c, const Flags& f) {
             return OnKey<v1::ResumeKeyRequest>(c, f, &Stub::ResumeKey, false);
           });
  CLI::App* drain =
      verb("drain",
           "end a stolen key so that honest tokens live on: gateways that can "
           "ask the ledger refuse forged ones at once",
           [](Context& c, const Flags& f) {
             return OnKey<v1::DrainKeyRequest>(c, f, &Stub::DrainKey, false);
           });
  for (CLI::App* command : {suspend, resume, drain}) {
    takes_key(command);
    AddPlan(command, context);
  }
  AddExposureCommand(*noun, /*of_key=*/true, context);
  AddExternalKeyCommands(*noun, context);
  AddUsageCommand(*noun, context);
}

}  // namespace warder::cli

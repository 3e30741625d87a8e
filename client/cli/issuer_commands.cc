// warder issuer create|list|show|update
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/cli/context.h"
#include "server/base/error.h"
#include "server/base/ids.h"
#include "server/base/status_macros.h"
#include "server/base/time_text.h"
#include "warder/v1/issuer.grpc.pb.h"

namespace warder::cli {
namespace {

using Stub = v1::IssuerService::Stub;

// The flags that create and update share.
struct Flags {
  std::string id, uri, display_name, owner, etag;
  std::vector<std::string> deputies, algorithms, grants;
  std::string rotation_period, max_key_age, publish_ahead, verify_grace,
      verifier_cache, cache_max_age, max_token_lifetime, clock_skew,
      max_revocation_exposure;
  std::string owned_key_departure, used_key_departure, legal_hold;
  bool at_risk = false, drill = false;
};

absl::StatusOr<v1::Grant> ParseGrant(const std::string& text) {
  v1::Grant grant;
  for (const absl::string_view word :
       absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    const std::pair<std::string, std::string> part =
        absl::StrSplit(word, absl::MaxSplits('=', 1));
    if (part.first == "signer") {
      grant.set_signer(part.second);
    } else if (part.first == "audience") {
      grant.add_audiences(part.second);
    } else if (part.first == "type") {
      grant.add_token_types(part.second);
    } else if (part.first == "subject") {
      grant.set_subject_pattern(part.second);
    } else if (part.first == "lifetime") {
      ASSIGN_OR_RETURN(const absl::Duration life, ParseDuration(part.second));
      SetDuration(life, grant.mutable_max_lifetime());
    } else if (part.first == "rate") {
      int32_t per_second = 0;
      if (!absl::SimpleAtoi(part.second, &per_second)) {
        return FieldError("--grant",
                          absl::StrCat("rate=", part.second,
                                       " is no number of tokens a second"));
      }
      grant.set_max_per_second(per_second);
    } else if (part.first == "external" &&
               (part.second == "yes" || part.second == "no")) {
      grant.set_external_keys(part.second == "yes");
    } else {
      return FieldError("--grant",
                        absl::StrCat("\"", word,
                                     "\" is not signer=, audience=, lifetime=, "
                                     "type=, subject=, rate= or external=yes"));
    }
  }
  return grant;
}

absl::StatusOr<v1::Algorithm> ParseAlgorithmFlag(const std::string& name) {
  v1::Algorithm algorithm;
  if (v1::Algorithm_Parse(
          absl::StrCat("ALGORITHM_", absl::AsciiStrToUpper(name)),
          &algorithm)) {
    return algorithm;
  }
  return FieldError("--algorithm",
                    absl::StrCat("\"", name,
                                 "\" is not ES256, ES384, ES512, "
                                 "EdDSA, RS256 or PS256"));
}

// Writes the policy flags over `policy`; returns whether any was given.
absl::StatusOr<bool> ApplyPolicy(const Flags& flags, v1::Policy* policy) {
  bool any = false;
  if (!flags.algorithms.empty()) {
    any = true;
    policy->clear_algorithms();
    for (const std::string& name : flags.algorithms) {
      ASSIGN_OR_RETURN(const v1::Algorithm algorithm, ParseAlgorithmFlag(name));
      policy->add_algorithms(algorithm);
    }
  }
  using Mutable = google::protobuf::Duration* (v1::Policy::*)();
  const std::pair<const std::string*, Mutable> spans[] = {
      {&flags.rotation_period, &v1::Policy::mutable_rotation_period},
      {&flags.max_key_age, &v1::Policy::mutable_max_key_age},
      {&flags.publish_ahead, &v1::Policy::mutable_publish_ahead},
      {&flags.verify_grace, &v1::Policy::mutable_verify_grace},
      {&flags.verifier_cache, &v1::Policy::mutable_verifier_cache},
      {&flags.cache_max_age, &v1::Policy::mutable_cache_max_age},
      {&flags.max_token_lifetime, &v1::Policy::mutable_max_token_lifetime},
      {&flags.clock_skew, &v1::Policy::mutable_clock_skew},
      {&flags.max_revocation_exposure,
       &v1::Policy::mutable_max_revocation_exposure}};
  for (const auto& [text, field] : spans) {
    if (text->empty()) continue;
    any = true;
    ASSIGN_OR_RETURN(const absl::Duration span, ParseDuration(*text));
    SetDuration(span, (policy->*field)());
  }
  using SetAction = void (v1::Policy::*)(v1::DepartureAction);
  const std::tuple<const char*, const std::string*, SetAction> actions[] = {
      {"--owned-key-departure", &flags.owned_key_departure,
       &v1::Policy::set_owned_key_departure},
      {"--used-key-departure", &flags.used_key_departure,
       &v1::Policy::set_used_key_departure}};
  for (const auto& [flag, text, set] : actions) {
    if (text->empty()) continue;
    any = true;
    v1::DepartureAction action;
    if (!v1::DepartureAction_Parse(
            absl::StrCat("DEPARTURE_ACTION_", absl::AsciiStrToUpper(*text)),
            &action)) {
      return FieldError(
          flag, absl::StrCat("\"", *text, "\" is not REVOKE or ROTATE"));
    }
    (policy->*set)(action);
  }
  return any;
}

std::string ActionName(v1::DepartureAction action) {
  return Short(v1::DepartureAction_Name(action), "DEPARTURE_ACTION_");
}

absl::Status FillGrantsAndPeople(const Flags& flags, v1::Issuer* issuer) {
  issuer->set_display_name(flags.display_name);
  if (!flags.owner.empty()) issuer->set_owner(OwnerName(OwnerId(flags.owner)));
  for (const std::string& deputy : flags.deputies) {
    issuer->add_deputies(OwnerName(OwnerId(deputy)));
  }
  for (const std::string& text : flags.grants) {
    ASSIGN_OR_RETURN(*issuer->add_grants(), ParseGrant(text));
  }
  return absl::OkStatus();
}

std::string StateOf(const v1::Issuer& issuer) {
  return v1::Issuer::State_Name(issuer.state());
}

std::string Show(const v1::Issuer& issuer, const Terminal& terminal) {
  const v1::Policy& p = issuer.policy();
  std::vector<std::string> deputies, algorithms;
  for (const auto& d : issuer.deputies()) deputies.push_back(LastPart(d));
  for (const int a : p.algorithms()) {
    algorithms.push_back(
        Short(v1::Algorithm_Name(static_cast<v1::Algorithm>(a)), "ALGORITHM_"));
  }
  std::vector<std::pair<std::string, std::string>> fields = {
      {"name", issuer.name()},
      {"state", StateOf(issuer)},
      {"issuer URI (iss)", issuer.issuer_uri()},
      {"display name", issuer.display_name()},
      {"owner", LastPart(issuer.owner())},
      {"deputies", deputies.empty() ? "none: name one with warder issuer update"
                                    : absl::StrJoin(deputies, ", ")},
      {"algorithms", absl::StrJoin(algorithms, ", ")},
      {"rotation period", HowLong(p.rotation_period())},
      {"max key age", HowLong(p.max_key_age())},
      {"publish ahead", HowLong(p.publish_ahead())},
      {"verify grace", HowLong(p.verify_grace())},
      {"verifier cache", HowLong(p.verifier_cache())},
      {"cache max-age", HowLong(p.cache_max_age())},
      {"max token lifetime", HowLong(p.max_token_lifetime())},
      {"clock skew", HowLong(p.clock_skew())},
      {"max revocation exposure", HowLong(p.max_revocation_exposure())},
      {"when a leaver owned a key", ActionName(p.owned_key_departure())},
      {"when he only used it", ActionName(p.used_key_departure())}};
  if (issuer.drill()) {
    fields.emplace_back("for drills",
                        "its tokens open nothing but probes: warder drill run");
  }
  for (const v1::Grant& grant : issuer.grants()) {
    fields.emplace_back(
        "grant",
        absl::StrCat(grant.signer(), " for ",
                     absl::StrJoin(grant.audiences(), ", "), ", up to ",
                     HowLong(grant.max_lifetime()), ", typ ",
                     absl::StrJoin(grant.token_types(), ", "), ", sub ",
                     grant.subject_pattern(),
                     grant.max_per_second() == 0
                         ? ""
                         : absl::StrCat(", at most ", grant.max_per_second(),
                                        " a second"),
                     grant.external_keys() ? ", keys of its own" : ""));
  }
  if (issuer.legal_hold()) {
    fields.emplace_back("legal hold", "no record of its tokens is deleted");
  }
  fields.emplace_back("revision", absl::StrCat(issuer.revision()));
  fields.emplace_back("etag", issuer.etag());
  fields.emplace_back("created", When(issuer.create_time()));
  fields.emplace_back("updated", When(issuer.update_time()));
  return Fields(fields, terminal);
}

void AddSharedFlags(CLI::App* command, Flags& flags) {
  command->add_option("--display-name", flags.display_name, "for people");
  command->add_option("--owner", flags.owner, "ID of the accountable owner");
  command->add_option("--deputy", flags.deputies,
                      "ID of who takes over; repeat, in order");
  command->add_option(
      "--algorithm", flags.algorithms,
      "ES256, ES384, ES512, EdDSA, RS256 or PS256; at most two");
  command->add_option("--grant", flags.grants,
                      "\"signer=NAME audience=AUD lifetime=15m type=JWT "
                      "subject=* rate=100\"; rate is tokens a second; repeat");
  const std::pair<const char*, std::string*> spans[] = {
      {"--rotation-period", &flags.rotation_period},
      {"--max-key-age", &flags.max_key_age},
      {"--publish-ahead", &flags.publish_ahead},
      {"--verify-grace", &flags.verify_grace},
      {"--verifier-cache", &flags.verifier_cache},
      {"--cache-max-age", &flags.cache_max_age},
      {"--max-token-lifetime", &flags.max_token_lifetime},
      {"--clock-skew", &flags.clock_skew},
      {"--max-revocation-exposure", &flags.max_revocation_exposure}};
  for (const auto& [name, out] : spans) {
    command->add_option(name, *out, "a duration: 30d, 12h, 45s");
  }
  command->add_option("--owned-key-departure", flags.owned_key_departure,
                      "keys a leaver answers for: REVOKE (default) or ROTATE; "
                      "keys he had a copy of are always revoked");
  command->add_option("--used-key-departure", flags.used_key_departure,
                      "keys a leaver could only use through the service: "
                      "ROTATE (default) or REVOKE");
}

absl::Status Create(Context& context, const Flags& flags) {
  v1::CreateIssuerRequest request;
  request.set_issuer_id(flags.id);
  request.mutable_issuer()->set_issuer_uri(flags.uri);
  request.mutable_issuer()->set_drill(flags.drill);
  RETURN_IF_ERROR(FillGrantsAndPeople(flags, request.mutable_issuer()));
  RETURN_IF_ERROR(
      ApplyPolicy(flags, request.mutable_issuer()->mutable_policy()).status());
  ASSIGN_OR_RETURN(const v1::Issuer issuer,
                   context.Change(&Stub::CreateIssuer, request));
  context.Print(issuer, Show(issuer, context.terminal));
  return absl::OkStatus();
}

absl::Status Update(Context& context, const Flags& flags, CLI::App* command) {
  v1::GetIssuerRequest get;
  get.set_name(IssuerName(IssuerId(flags.id)));
  ASSIGN_OR_RETURN(const v1::Issuer current,
                   context.Read(&Stub::GetIssuer, get));
  v1::UpdateIssuerRequest request;
  v1::Issuer& issuer = *request.mutable_issuer();
  issuer.set_name(get.name());
  // What was read is what is changed, unless the caller says otherwise.
  issuer.set_etag(flags.etag.empty() ? current.etag() : flags.etag);
  RETURN_IF_ERROR(FillGrantsAndPeople(flags, &issuer));
  *issuer.mutable_policy() = current.policy();
  ASSIGN_OR_RETURN(const bool policy,
                   ApplyPolicy(flags, issuer.mutable_policy()));
  auto* mask = request.mutable_update_mask();
  if (policy) mask->add_paths("policy");
  if (command->count("--display-name") > 0) mask->add_paths("display_name");
  if (command->count("--owner") > 0) mask->add_paths("owner");
  if (command->count("--deputy") > 0) mask->add_paths("deputies");
  if (command->count("--grant") > 0) mask->add_paths("grants");
  if (!flags.legal_hold.empty()) {
    issuer.set_legal_hold(flags.legal_hold == "on");
    mask->add_paths("legal_hold");
  }
  ASSIGN_OR_RETURN(const v1::Issuer updated,
                   context.Change(&Stub::UpdateIssuer, request));
  context.Print(updated, Show(updated, context.terminal));
  return absl::OkStatus();
}

std::string RisksOf(const v1::Issuer& issuer) {
  std::vector<std::string> risks;
  for (const int risk : issuer.risks()) {
    switch (risk) {
      case v1::Issuer::ORPHANED_ISSUER:
        risks.push_back("nobody owns it");
        break;
      case v1::Issuer::OWNER_LEAVES: risks.push_back("owner leaves"); break;
      case v1::Issuer::DEPUTIES_LEAVE:
        risks.push_back("no deputy stays");
        break;
      case v1::Issuer::ONE_DEPUTY: risks.push_back("one deputy"); break;
      default: risks.push_back("unknown");
    }
  }
  return risks.empty() ? "none" : absl::StrJoin(risks, ", ");
}

absl::Status List(Context& context, const Flags& flags) {
  Table table(
      {"ISSUER", "STATE", "OWNER", "DEPUTIES", "RISK", "REVISION", "UPDATED"});
  v1::ListIssuersRequest request;
  request.set_at_risk_only(flags.at_risk);
  request.set_page_size(1000);
  do {
    ASSIGN_OR_RETURN(const v1::ListIssuersResponse page,
                     context.Read(&Stub::ListIssuers, request));
    for (const v1::Issuer& issuer : page.issuers()) {
      if (context.json) {
        context.PrintText(MessageJson(issuer) + "\n");
        continue;
      }
      std::vector<std::string> deputies;
      for (const auto& d : issuer.deputies()) deputies.push_back(LastPart(d));
      table.Add(
          {LastPart(issuer.name()), StateOf(issuer), LastPart(issuer.owner()),
           deputies.empty() ? "NONE: name one" : absl::StrJoin(deputies, ","),
           RisksOf(issuer), absl::StrCat(issuer.revision()),
           When(issuer.update_time())});
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  if (!context.json) context.PrintText(table.Text(context.terminal));
  return absl::OkStatus();
}

}  // namespace

void AddIssuerCommands(CLI::App& app, Context& context) {
  CLI::App* noun = app.add_subcommand("issuer", "token-issuing identities");
  noun->require_subcommand(1);
  auto flags = std::make_shared<Flags>();

  CLI::App* create = noun->add_subcommand("create", "create an issuer");
  create->add_option("id", flags->id, "its ID")->required();
  create->add_option("--uri", flags->uri, "the iss of its tokens");
  create->add_flag("--drill", flags->drill,
                   "it exists for drills: warder drill run ends its keys");
  AddSharedFlags(create, *flags);
  create->get_option("--owner")->required();
  AddPlan(create, context);
  create->callback([&context, flags] {
    context.run = [&context, flags] { return Create(context, *flags); };
  });

  CLI::App* list = noun->add_subcommand("list", "list issuers");
  list->add_flag("--at-risk", flags->at_risk,
                 "only those whose owner or deputies leave, or that have one "
                 "deputy only");
  list->callback([&context, flags] {
    context.run = [&context, flags] { return List(context, *flags); };
  });

  CLI::App* show = noun->add_subcommand("show", "show one issuer");
  show->add_option("id", flags->id, "its ID")->required();
  show->callback([&context, flags] {
    context.run = [&context, flags]() -> absl::Status {
      v1::GetIssuerRequest request;
      request.set_name(IssuerName(IssuerId(flags->id)));
      ASSIGN_OR_RETURN(const v1::Issuer issuer,
                       context.Read(&Stub::GetIssuer, request));
      context.Print(issuer, Show(issuer, context.terminal));
      return absl::OkStatus();
    };
  });

  CLI::App* update = noun->add_subcommand(
      "update", "change policy, grants, owner or deputies");
  update->add_option("id", flags->id, "its ID")->required();
  update->add_option("--etag", flags->etag, "refuse if it changed since");
  update
      ->add_option("--legal-hold", flags->legal_hold,
                   "on: no record of its tokens is deleted; or off")
      ->check(CLI::IsMember({"on", "off"}));
  AddSharedFlags(update, *flags);
  AddPlan(update, context);
  update->callback([&context, flags, update] {
    context.run = [&context, flags, update] {
      return Update(context, *flags, update);
    };
  });
}

}  // namespace warder::cli

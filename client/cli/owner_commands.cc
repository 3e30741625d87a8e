// warder owner create|list|show|update|depart
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/cli/context.h"
#include "server/base/ids.h"
#include "server/base/status_macros.h"
#include "server/base/time_text.h"
#include "warder/v1/owner.grpc.pb.h"

namespace warder::cli {
namespace {

using Stub = v1::OwnerService::Stub;

struct Flags {
  std::string id, display_name, contact, deputy, at, etag;
};

std::string StateOf(const v1::Owner& owner) {
  return v1::Owner::State_Name(owner.state());
}

std::string Show(const v1::Owner& owner, const Terminal& terminal) {
  return Fields({{"name", owner.name()},
                 {"state", StateOf(owner)},
                 {"display name", owner.display_name()},
                 {"contact", owner.contact()},
                 {"deputy", LastPart(owner.deputy())},
                 {owner.state() == v1::Owner::DEPARTED ? "left" : "leaves",
                  When(owner.depart_time())},
                 {"created", When(owner.create_time())},
                 {"etag", owner.etag()}},
                terminal);
}

std::string FateOf(const v1::Departure::KeyOutcome& key) {
  switch (key.fate()) {
    case v1::Departure::REVOKE: return "REVOKE";
    case v1::Departure::ROTATE: return "ROTATE";
    default: return "-";
  }
}

std::string Show(const v1::Departure& departure, const Context& context) {
  std::string text = Fields(
      {{"owner", LastPart(departure.owner())},
       {"leaves", When(departure.instant())},
       {"reported", absl::StrCat(When(departure.report_time()), " by ",
                                 departure.reported_by())},
       {"carried out", departure.done() ? When(departure.effect_time())
                       : context.plan   ? "not yet: this is a plan"
                                        : "not yet: waits for the instant"}},
      context.terminal);
  if (departure.issuers_size() == 0) {
    return departure.done() || context.plan
               ? text + "\nNo issuer or key is touched.\n"
               : text;
  }
  Table issuers({"ISSUER", "OWNED BY", "SIGNS FROM NOW ON"});
  Table keys({"ISSUER", "KID", "FATE", "WHY"});
  for (const auto& issuer : departure.issuers()) {
    std::string successors;
    for (const auto& key : issuer.successors()) {
      absl::StrAppend(&successors, successors.empty() ? "" : ", ",
                      LastPart(key));
    }
    std::string owner =
        issuer.orphaned() ? "NOBODY: name an owner" : LastPart(issuer.owner());
    if (!issuer.orphaned() && issuer.without_deputy()) {
      owner += " (no deputy)";
    }
    issuers.Add({LastPart(issuer.issuer()), owner,
                 successors.empty() ? "as before" : successors});
    for (const auto& key : issuer.keys()) {
      keys.Add({LastPart(issuer.issuer()), LastPart(key.key()), FateOf(key),
                key.why()});
    }
  }
  return absl::StrCat(text, "\n", issuers.Text(context.terminal), "\n",
                      keys.Text(context.terminal));
}

absl::Status Create(Context& context, const Flags& flags) {
  v1::CreateOwnerRequest request;
  request.set_owner_id(flags.id);
  v1::Owner& owner = *request.mutable_owner();
  owner.set_display_name(flags.display_name);
  owner.set_contact(flags.contact);
  if (!flags.deputy.empty()) owner.set_deputy(OwnerName(OwnerId(flags.deputy)));
  ASSIGN_OR_RETURN(const v1::Owner created,
                   context.Change(&Stub::CreateOwner, request));
  context.Print(created, Show(created, context.terminal));
  return absl::OkStatus();
}

absl::Status Update(Context& context, const Flags& flags, CLI::App* command) {
  v1::UpdateOwnerRequest request;
  v1::Owner& owner = *request.mutable_owner();
  owner.set_name(OwnerName(OwnerId(flags.id)));
  owner.set_etag(flags.etag);
  owner.set_display_name(flags.display_name);
  owner.set_contact(flags.contact);
  if (!flags.deputy.empty()) owner.set_deputy(OwnerName(OwnerId(flags.deputy)));
  auto* mask = request.mutable_update_mask();
  if (command->count("--display-name") > 0) mask->add_paths("display_name");
  if (command->count("--contact") > 0) mask->add_paths("contact");
  if (command->count("--deputy") > 0) mask->add_paths("deputy");
  ASSIGN_OR_RETURN(const v1::Owner updated,
                   context.Change(&Stub::UpdateOwner, request));
  context.Print(updated, Show(updated, context.terminal));
  return absl::OkStatus();
}

absl::Status List(Context& context) {
  Table table({"OWNER", "STATE", "NAME", "CONTACT", "DEPUTY", "LEAVES"});
  v1::ListOwnersRequest request;
  request.set_page_size(1000);
  do {
    ASSIGN_OR_RETURN(const v1::ListOwnersResponse page,
                     context.Read(&Stub::ListOwners, request));
    for (const v1::Owner& owner : page.owners()) {
      if (context.json) {
        context.PrintText(MessageJson(owner) + "\n");
        continue;
      }
      table.Add({LastPart(owner.name()), StateOf(owner), owner.display_name(),
                 owner.contact(), LastPart(owner.deputy()),
                 When(owner.depart_time())});
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  if (!context.json) context.PrintText(table.Text(context.terminal));
  return absl::OkStatus();
}

absl::Status Depart(Context& context, const Flags& flags) {
  const std::string name = OwnerName(OwnerId(flags.id));
  std::optional<google::protobuf::Timestamp> instant;
  if (!flags.at.empty()) {
    ASSIGN_OR_RETURN(const absl::Time at, ParseTime(flags.at));
    const timespec parts = absl::ToTimespec(at);
    instant.emplace();
    instant->set_seconds(parts.tv_sec);
    instant->set_nanos(static_cast<int32_t>(parts.tv_nsec));
  }
  if (context.plan) {
    v1::PlanDepartureRequest request;
    request.set_name(name);
    if (instant) *request.mutable_instant() = *instant;
    ASSIGN_OR_RETURN(const v1::Departure plan,
                     context.Read(&Stub::PlanDeparture, request));
    context.Print(plan, Show(plan, context));
    return absl::OkStatus();
  }
  v1::ReportDepartureRequest request;
  request.set_name(name);
  if (instant) *request.mutable_instant() = *instant;
  ASSIGN_OR_RETURN(const v1::Departure departure,
                   context.Change(&Stub::ReportDeparture, request));
  context.Print(departure, Show(departure, context));
  return absl::OkStatus();
}

}  // namespace

void AddOwnerCommands(CLI::App& app, Context& context) {
  CLI::App* noun = app.add_subcommand("owner", "people who answer for keys");
  noun->require_subcommand(1);
  auto flags = std::make_shared<Flags>();
  const auto describes = [&](CLI::App* command) {
    command->add_option("--display-name", flags->display_name, "for people");
    command->add_option("--contact", flags->contact, "e-mail, as a rule");
    command->add_option("--deputy", flags->deputy,
                        "ID of who takes over where an issuer names nobody");
    AddPlan(command, context);
  };

  CLI::App* create = noun->add_subcommand("create", "add a person");
  create->add_option("id", flags->id, "an ID")->required();
  describes(create);
  create->callback([&context, flags] {
    context.run = [&context, flags] { return Create(context, *flags); };
  });

  CLI::App* update = noun->add_subcommand("update", "change a person");
  update->add_option("id", flags->id, "the ID")->required();
  update->add_option("--etag", flags->etag, "refuse if it changed since");
  describes(update);
  update->callback([&context, flags, update] {
    context.run = [&context, flags, update] {
      return Update(context, *flags, update);
    };
  });

  CLI::App* list = noun->add_subcommand("list", "list people");
  list->callback(
      [&context] { context.run = [&context] { return List(context); }; });

  CLI::App* show = noun->add_subcommand("show", "show one person");
  show->add_option("id", flags->id, "the ID")->required();
  show->callback([&context, flags] {
    context.run = [&context, flags]() -> absl::Status {
      v1::GetOwnerRequest request;
      request.set_name(OwnerName(OwnerId(flags->id)));
      ASSIGN_OR_RETURN(const v1::Owner owner,
                       context.Read(&Stub::GetOwner, request));
      context.Print(owner, Show(owner, context.terminal));
      return absl::OkStatus();
    };
  });

  CLI::App* depart = noun->add_subcommand(
      "depart", "the person leaves: end every key, let successors sign");
  depart->add_option("id", flags->id, "the ID")->required();
  depart->add_option("--at", flags->at,
                     "RFC 3339 instant, may lie in the future; default now");
  AddPlan(depart, context);
  depart->callback([&context, flags] {
    context.run = [&context, flags] { return Depart(context, *flags); };
  });
}

}  // namespace warder::cli

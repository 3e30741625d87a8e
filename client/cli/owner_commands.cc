// warder owner create|list|show|update; the other verbs have files of their own
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "client/cli/context.h"
#include "server/base/ids.h"
#include "server/base/status_macros.h"
#include "warder/v1/owner.grpc.pb.h"

namespace warder::cli {
namespace {

using Stub = v1::OwnerService::Stub;

struct Flags {
  std::string id, display_name, contact, external_id, deputy, etag;
  std::vector<std::string> members;
  bool team = false;
};

std::string MembersOf(const v1::Owner& owner) {
  std::vector<std::string> members;
  for (const auto& member : owner.members())
    members.push_back(LastPart(member));
  return absl::StrJoin(members, ", ");
}

std::string StateOf(const v1::Owner& owner) {
  return v1::Owner::State_Name(owner.state());
}

std::string Show(const v1::Owner& owner, const Terminal& terminal) {
  std::vector<std::pair<std::string, std::string>> fields = {
      {"name", owner.name()},
      {"state", StateOf(owner)},
      {"display name", owner.display_name()},
      {"contact", owner.contact()},
      {"external ID", owner.external_id()},
      {"deputy", LastPart(owner.deputy())}};
  if (owner.kind() == v1::Owner::TEAM) {
    fields.emplace_back("members", MembersOf(owner));
  } else {
    fields.emplace_back(
        owner.state() == v1::Owner::DEPARTED ? "left" : "leaves",
        When(owner.depart_time()));
    fields.emplace_back("confirmed", When(owner.confirm_time()));
    if (owner.has_overdue_time()) {
      fields.emplace_back("overdue since", When(owner.overdue_time()));
    }
    if (owner.has_suspend_time()) {
      fields.emplace_back("suspended", When(owner.suspend_time()));
    }
  }
  fields.emplace_back("created", When(owner.create_time()));
  fields.emplace_back("etag", owner.etag());
  return Fields(fields, terminal);
}

absl::Status Create(Context& context, const Flags& flags) {
  v1::CreateOwnerRequest request;
  request.set_owner_id(flags.id);
  v1::Owner& owner = *request.mutable_owner();
  owner.set_display_name(flags.display_name);
  owner.set_contact(flags.contact);
  owner.set_external_id(flags.external_id);
  if (!flags.deputy.empty()) owner.set_deputy(OwnerName(OwnerId(flags.deputy)));
  owner.set_kind(flags.team ? v1::Owner::TEAM : v1::Owner::PERSON);
  for (const std::string& member : flags.members) {
    owner.add_members(OwnerName(OwnerId(member)));
  }
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
  owner.set_external_id(flags.external_id);
  if (!flags.deputy.empty()) owner.set_deputy(OwnerName(OwnerId(flags.deputy)));
  for (const std::string& member : flags.members) {
    owner.add_members(OwnerName(OwnerId(member)));
  }
  auto* mask = request.mutable_update_mask();
  if (command->count("--display-name") > 0) mask->add_paths("display_name");
  if (command->count("--contact") > 0) mask->add_paths("contact");
  if (command->count("--external-id") > 0) mask->add_paths("external_id");
  if (command->count("--deputy") > 0) mask->add_paths("deputy");
  if (command->count("--member") > 0) mask->add_paths("members");
  ASSIGN_OR_RETURN(const v1::Owner updated,
                   context.Change(&Stub::UpdateOwner, request));
  context.Print(updated, Show(updated, context.terminal));
  return absl::OkStatus();
}

absl::Status List(Context& context, bool overdue_only) {
  Table table =
      overdue_only
          ? Table({"OWNER", "NAME", "CONFIRMED", "OVERDUE SINCE", "SUSPENDED"})
          : Table({"OWNER", "STATE", "NAME", "CONTACT", "DEPUTY", "LEAVES"});
  RETURN_IF_ERROR(ForEachOwner(context, [&](const v1::Owner& owner) {
    const bool overdue =
        owner.has_overdue_time() && owner.state() == v1::Owner::ACTIVE;
    if (overdue_only && !overdue) return;
    if (context.json) return context.PrintText(MessageJson(owner) + "\n");
    if (overdue_only) {
      return table.Add({LastPart(owner.name()), owner.display_name(),
                        When(owner.confirm_time()), When(owner.overdue_time()),
                        When(owner.suspend_time())});
    }
    table.Add({LastPart(owner.name()), StateOf(owner), owner.display_name(),
               owner.contact(), LastPart(owner.deputy()),
               When(owner.depart_time())});
  }));
  if (!context.json) context.PrintText(table.Text(context.terminal));
  return absl::OkStatus();
}

}  // namespace

absl::Status ForEachOwner(Context& context,
                          absl::FunctionRef<void(const v1::Owner&)> visit) {
  v1::ListOwnersRequest request;
  request.set_page_size(1000);
  do {
    ASSIGN_OR_RETURN(const v1::ListOwnersResponse page,
                     context.Read(&Stub::ListOwners, request));
    for (const v1::Owner& owner : page.owners()) visit(owner);
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return absl::OkStatus();
}

void AddOwnerCommands(CLI::App& app, Context& context) {
  CLI::App* noun = app.add_subcommand("owner", "people who answer for keys");
  noun->require_subcommand(1);
  auto flags = std::make_shared<Flags>();
  const auto describes = [&](CLI::App* command) {
    command->add_option("--display-name", flags->display_name, "for people");
    command->add_option("--contact", flags->contact, "e-mail, as a rule");
    command->add_option("--external-id", flags->external_id,
                        "what HR's feeds call the person; see hr.match");
    command->add_option("--deputy", flags->deputy,
                        "ID of who takes over where an issuer names nobody");
    command->add_option("--member", flags->members,
                        "of a team: ID of a person; repeat, in order");
    AddPlan(command, context);
  };

  CLI::App* create = noun->add_subcommand("create", "add a person, or a team");
  create->add_option("id", flags->id, "an ID")->required();
  create->add_flag("--team", flags->team,
                   "a team: deputy of last resort, hands on to its members");
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
  auto overdue_only = std::make_shared<bool>(false);
  list->add_flag("--overdue", *overdue_only,
                 "only whom nobody has confirmed for too long");
  list->callback([&context, overdue_only] {
    context.run = [&context, overdue_only] {
      return List(context, *overdue_only);
    };
  });

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

  AddAttestationCommands(*noun, context);
  AddDepartureCommands(*noun, context);
  AddLeaverCommands(*noun, app, context);
  AddExposureCommand(*noun, /*of_key=*/false, context);
}

}  // namespace warder::cli

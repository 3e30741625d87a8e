// warder owner confirm|suspend: who is still here, and who may not be
#include <string>
#include <vector>

#include "client/cli/context.h"
#include "server/base/ids.h"
#include "server/base/status_macros.h"
#include "warder/v1/owner.grpc.pb.h"

namespace warder::cli {
namespace {

using Stub = v1::OwnerService::Stub;

struct Flags {
  std::vector<std::string> owners;
  bool overdue = false;
};

// The owners that `flags` mean, by resource name.
absl::StatusOr<std::vector<std::string>> NamesOf(Context& context,
                                                 const Flags& flags) {
  std::vector<std::string> names;
  if (!flags.overdue) {
    for (const std::string& id : flags.owners) {
      names.push_back(OwnerName(OwnerId(id)));
    }
    return names;
  }
  RETURN_IF_ERROR(ForEachOwner(context, [&](const v1::Owner& owner) {
    if (owner.has_overdue_time() && owner.state() == v1::Owner::ACTIVE) {
      names.push_back(owner.name());
    }
  }));
  return names;
}

// One call for each: a list of a thousand is told as far as it went.
template <typename Request>
absl::Status ForEachNamed(Context& context, const Flags& flags,
                          grpc::Status (Stub::*method)(grpc::ClientContext*,
                                                       const Request&,
                                                       v1::Owner*)) {
  ASSIGN_OR_RETURN(const auto names, NamesOf(context, flags));
  if (names.empty() && !context.json) {
    context.PrintText("Nobody is overdue.\n");
  }
  for (const std::string& name : names) {
    Request request;
    request.set_name(name);
    ASSIGN_OR_RETURN(const v1::Owner owner, context.Change(method, request));
    context.Print(
        owner,
        absl::StrCat(
            LastPart(name),
            owner.has_suspend_time() ? " suspended since " : " confirmed ",
            When(owner.has_suspend_time() ? owner.suspend_time()
                                          : owner.confirm_time()),
            "\n"));
  }
  return absl::OkStatus();
}

}  // namespace

void AddAttestationCommands(CLI::App& owner, Context& context) {
  auto flags = std::make_shared<Flags>();
  const auto verb = [&](const char* name, const char* help, auto method) {
    CLI::App* command = owner.add_subcommand(name, help);
    CLI::Option* ids = command->add_option("id", flags->owners, "IDs");
    command
        ->add_flag("--overdue", flags->overdue,
                   "everybody whom nobody has confirmed for too long")
        ->excludes(ids);
    AddPlan(command, context);
    command->callback([&context, flags, method] {
      if (flags->owners.empty() && !flags->overdue) {
        throw CLI::RequiredError("IDs of owners, or --overdue,");
      }
      context.run = [&context, flags, method] {
        return ForEachNamed(context, *flags, method);
      };
    });
  };
  verb("confirm", "say that the person is still here", &Stub::ConfirmOwner);
  verb("suspend", "take the person's keys out of the key sets for now",
       &Stub::SuspendOwner);
}

}  // namespace warder::cli

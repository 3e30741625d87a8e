// warder status
#include <string>

#include "absl/strings/str_cat.h"
#include "client/cli/context.h"
#include "server/base/status_macros.h"
#include "warder/v1/status.grpc.pb.h"

namespace warder::cli {
namespace {

absl::Status Status(Context& context) {
  ASSIGN_OR_RETURN(const v1::ServiceStatus status,
                   context.Read(&v1::StatusService::Stub::GetStatus,
                                v1::GetStatusRequest()));
  std::vector<std::pair<std::string, std::string>> fields = {
      {"version", status.version()},
      {"server time", When(status.time())},
      {"you are", status.caller()},
      {"issuers served", absl::StrCat(status.published_issuers())},
      {"database", status.store_available()
                       ? "available"
                       : "UNAVAILABLE: key sets are served from memory, "
                         "nothing can be changed"},
      {"rotation", status.rotation_held()
                       ? "HELD: the clock jumped forward; restart warderd if "
                         "the new time is right"
                       : "running"},
      {"without a living owner", absl::StrCat(status.orphaned_issuers())}};
  for (const char* state :
       {"PENDING", "ACTIVE", "RETIRING", "RETIRED", "SUSPENDED", "REVOKED"}) {
    const auto it = status.keys_by_state().find(state);
    if (it != status.keys_by_state().end()) {
      fields.emplace_back(absl::StrCat("keys ", state),
                          absl::StrCat(it->second));
    }
  }
  context.Print(status, Fields(fields, context.terminal));
  return absl::OkStatus();
}

}  // namespace

void AddStatusCommand(CLI::App& app, Context& context) {
  CLI::App* status = app.add_subcommand("status", "how the service is");
  status->callback(
      [&context] { context.run = [&context] { return Status(context); }; });
}

}  // namespace warder::cli

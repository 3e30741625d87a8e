// warder audit list|verify
#include <string>

#include "absl/strings/str_cat.h"
#include "client/audit_chain.h"
#include "client/cli/context.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "warder/v1/audit.grpc.pb.h"

namespace warder::cli {
namespace {

using Stub = v1::AuditService::Stub;

struct Flags {
  int64_t after = 0;
  int limit = 0;
  bool denied = false;
};

// Calls `visit` with every event after `after` until it returns false.
absl::Status EachEvent(
    Context& context, int64_t after,
    const std::function<absl::StatusOr<bool>(const v1::AuditEvent&)>& visit) {
  v1::ListEventsRequest request;
  request.set_page_size(1000);
  request.set_after_sequence(after);
  do {
    ASSIGN_OR_RETURN(const v1::ListEventsResponse page,
                     context.Read(&Stub::ListEvents, request));
    for (const v1::AuditEvent& event : page.events()) {
      ASSIGN_OR_RETURN(const bool more, visit(event));
      if (!more) return absl::OkStatus();
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return absl::OkStatus();
}

absl::Status List(Context& context, const Flags& flags) {
  Table table(
      {"SEQ", "TIME", "ACTOR", "ACTION", "RESOURCE", "RESULT", "DETAIL"});
  int shown = 0;
  RETURN_IF_ERROR(EachEvent(
      context, flags.after,
      [&](const v1::AuditEvent& event) -> absl::StatusOr<bool> {
        if (flags.denied && !event.denied()) return true;
        if (context.json) {
          context.PrintText(MessageJson(event) + "\n");
        } else {
          table.Add({absl::StrCat(event.sequence()), When(event.time()),
                     event.actor(), event.action(), event.resource(),
                     event.denied() ? "DENIED" : "ok", event.detail()});
        }
        return flags.limit == 0 || ++shown < flags.limit;
      }));
  if (!context.json) context.PrintText(table.Text(context.terminal));
  return absl::OkStatus();
}

absl::Status Verify(Context& context) {
  client::AuditChain chain;
  RETURN_IF_ERROR(EachEvent(
      context, 0, [&](const v1::AuditEvent& event) -> absl::StatusOr<bool> {
        RETURN_IF_ERROR(chain.Check(event));
        return true;
      }));
  if (context.json) {
    context.PrintText(WriteJson({{"verified", true},
                                 {"events", chain.sequence()},
                                 {"last_hash", chain.hash()}}) +
                      "\n");
    return absl::OkStatus();
  }
  context.PrintText(absl::StrCat(
      "The chain holds: ", chain.sequence(), " events, last hash\n",
      chain.hash(),
      "\n\nKeep this hash elsewhere: with it, a log cut short is noticed.\n"));
  return absl::OkStatus();
}

}  // namespace

void AddAuditCommands(CLI::App& app, Context& context) {
  CLI::App* noun = app.add_subcommand("audit", "who did what");
  noun->require_subcommand(1);
  auto flags = std::make_shared<Flags>();
  CLI::App* list = noun->add_subcommand("list", "list events");
  list->add_option("--after", flags->after, "only after this sequence");
  list->add_option("--limit", flags->limit, "at most this many");
  list->add_flag("--denied", flags->denied, "only denials");
  list->callback([&context, flags] {
    context.run = [&context, flags] { return List(context, *flags); };
  });
  CLI::App* verify = noun->add_subcommand(
      "verify", "check every hash of the chain on this side");
  verify->callback(
      [&context] { context.run = [&context] { return Verify(context); }; });
}

}  // namespace warder::cli

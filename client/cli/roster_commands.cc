// warder roster reconcile
#include <cstdio>
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/cli/context.h"
#include "client/status_convert.h"
#include "server/base/ids.h"
#include "server/base/status_macros.h"
#include "warder/v1/hr.grpc.pb.h"

namespace warder::cli {
namespace {

using Response = v1::ReconcileRosterResponse;

constexpr size_t kPart = 256 * 1024;
constexpr absl::Duration kDeadline = absl::Minutes(10);

struct Flags {
  std::string file, zone;
  bool apply = false;
};

// Sends the file in parts, showing how far it is on a terminal.
absl::StatusOr<Response> Send(Context& context, const Flags& flags,
                              const std::string& text) {
  ASSIGN_OR_RETURN(client::Client* const connected, context.Connect());
  v1::HrService::Stub stub(connected->channel());
  grpc::ClientContext call;
  call.set_deadline(absl::ToChronoTime(context.clock().TimeNow() + kDeadline));
  Response response;
  const auto writer = stub.ReconcileRoster(&call, &response);
  const bool progress = StandardError().columns > 0;
  for (size_t at = 0; at == 0 || at < text.size(); at += kPart) {
    v1::ReconcileRosterRequest part;
    part.set_part(text.substr(at, kPart));
    if (at == 0) {
      part.set_time_zone(flags.zone);
      part.set_apply(flags.apply);
    }
    if (!writer->Write(part)) break;  // Finish says why
    if (progress) {
      std::cerr << "\rsent " << std::min(at + kPart, text.size()) / 1024
                << " of " << text.size() / 1024 << " KiB" << std::flush;
    }
  }
  writer->WritesDone();
  if (progress) std::cerr << "; comparing with the owners ..." << std::flush;
  const absl::Status status = client::FromGrpc(writer->Finish());
  if (progress) std::cerr << "\r\033[K" << std::flush;
  RETURN_IF_ERROR(status);
  return response;
}

std::string WhatFollows(const Response::Finding& finding, bool applied) {
  if (finding.held()) return "WAITS: too many at once";
  switch (finding.kind()) {
    case Response::Finding::LEFT:
    case Response::Finding::ABSENT_TOO_LONG:
      return applied ? "departed" : "departs";
    case Response::Finding::LEAVES: return applied ? "scheduled" : "scheduled";
    case Response::Finding::ABSENT: return "departs when the grace is over";
    case Response::Finding::RETURNED: return "stays";
    default: return "left alone";
  }
}

std::string Show(const Response& response, const Terminal& terminal) {
  std::string text = Fields(
      {{"rows read",
        absl::StrCat(response.people_count(), ", of them ",
                     response.stranger_count(), " of nobody who is an owner")},
       {"rows that cannot be read", absl::StrCat(response.bad_row_count())},
       {"owners", absl::StrCat(response.owner_count())},
       {"differences", absl::StrCat(response.finding_count())}},
      terminal);
  for (const auto& row : response.bad_rows()) {
    absl::StrAppend(&text, "row ", row.line(), ": ", Safe(row.why()), "\n");
  }
  if (response.findings_size() > 0) {
    Table table({"OWNER", "THE ROSTER SAYS", "SINCE", "WHAT FOLLOWS"});
    for (const auto& finding : response.findings()) {
      table.Add({LastPart(finding.owner()),
                 Response::Finding::Kind_Name(finding.kind()),
                 When(finding.since_time()),
                 WhatFollows(finding, response.applied())});
    }
    absl::StrAppend(&text, "\n", table.Text(terminal));
  }
  if (!response.applied()) {
    absl::StrAppend(&text, "\nNothing was changed; --apply carries it out.\n");
  }
  return text;
}

absl::Status Reconcile(Context& context, const Flags& flags) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(flags.file));
  ASSIGN_OR_RETURN(const Response response, Send(context, flags, text));
  if (context.json) {
    context.PrintText(MessageJson(response) + "\n");
  } else {
    context.PrintText(Show(response, context.terminal));
  }
  return absl::OkStatus();
}

}  // namespace

void AddRosterCommands(CLI::App& app, Context& context) {
  CLI::App* noun =
      app.add_subcommand("roster", "the list of everybody who works here");
  noun->require_subcommand(1);
  auto flags = std::make_shared<Flags>();
  CLI::App* reconcile = noun->add_subcommand(
      "reconcile", "show how a roster differs from the owners, and apply it");
  reconcile
      ->add_option("file", flags->file,
                   "CSV or a SCIM ListResponse; - for standard input")
      ->required();
  reconcile->add_option("--zone", flags->zone,
                        "IANA time zone of last days in rows that name none");
  reconcile->add_flag("--apply", flags->apply,
                      "carry it out; without it, it is only shown");
  reconcile->callback([&context, flags] {
    context.run = [&context, flags] { return Reconcile(context, *flags); };
  });
}

}  // namespace warder::cli

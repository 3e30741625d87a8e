// warder drill: practise that somebody leaves
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cli/context.h"
#include "client/cli/statement.h"
#include "server/base/ids.h"
#include "server/base/status_macros.h"
#include "warder/v1/drill.grpc.pb.h"

namespace warder::cli {
namespace {

using Stub = v1::DrillService::Stub;

struct Flags {
  std::string id, issuer = "drill", timeout, format = "text", out;
};

std::string Slowest(const v1::Drill& drill) {
  if (!drill.has_slowest()) return "";
  return absl::FormatDuration(
      absl::Seconds(drill.slowest().seconds()) +
      absl::Floor(absl::Nanoseconds(drill.slowest().nanos()),
                  absl::Milliseconds(1)));
}

std::string Refused(const v1::Drill& drill) {
  return absl::StrCat(drill.refused_count(), " of ", drill.gateway_count());
}

absl::Status GiveReport(Context& context, const std::string& name,
                        const Flags& flags) {
  v1::GetDrillReportRequest request;
  request.set_name(name);
  ASSIGN_OR_RETURN(const v1::DrillReport report,
                   context.Read(&Stub::GetDrillReport, request));
  return GiveStatement(context, report.jws(), flags.format, flags.out);
}

absl::Status Run(Context& context, const Flags& flags) {
  RETURN_IF_ERROR(ParseTimeout(flags.timeout).status());
  v1::RunDrillRequest request;
  request.set_issuer(IssuerName(IssuerId(flags.issuer)));
  ASSIGN_OR_RETURN(const v1::Drill drill,
                   context.Change(&Stub::RunDrill, request));
  if (context.plan) {
    context.Print(drill, absl::StrCat("Would end ", drill.revocations_size(),
                                      " keys of ", drill.issuer(), " and ask ",
                                      drill.gateway_count(), " gateways.\n"));
    return absl::OkStatus();
  }
  context.Print(
      drill,
      absl::StrCat(
          LastPart(drill.name()),
          ": somebody who never lived has left. Keys of ",
          LastPart(drill.issuer()), " that ended: ", drill.revocations_size(),
          ". Gateways that are to refuse: ", drill.gateway_count(), ".\n"));
  std::vector<std::string> revocations(drill.revocations().begin(),
                                       drill.revocations().end());
  const absl::Status watched =
      WatchRevocations(context, revocations, flags.timeout);
  if (!watched.ok()) {
    return RemoteError(watched.code(), ReasonOf(watched), "",
                       absl::StrCat(watched.message(),
                                    "; what is known so far: warder drill "
                                    "report ",
                                    LastPart(drill.name())));
  }
  return GiveReport(context, drill.name(), flags);
}

absl::Status List(Context& context, const Flags&) {
  v1::ListDrillsRequest request;
  request.set_page_size(1000);
  std::vector<v1::Drill> all;
  do {
    ASSIGN_OR_RETURN(const auto page, context.Read(&Stub::ListDrills, request));
    all.insert(all.end(), page.drills().begin(), page.drills().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  PrintList(context, all,
            Table({"DRILL", "ISSUER", "STARTED", "BY", "REFUSED", "OVERDUE",
                   "THE LAST AFTER"}),
            [](const v1::Drill& drill) -> std::vector<std::string> {
              return {LastPart(drill.name()),
                      LastPart(drill.issuer()),
                      When(drill.start_time()),
                      drill.started_by(),
                      Refused(drill),
                      drill.overdue_count() == 0
                          ? ""
                          : absl::StrCat(drill.overdue_count()),
                      Slowest(drill)};
            });
  return absl::OkStatus();
}

absl::Status Report(Context& context, const Flags& flags) {
  return GiveReport(context, DrillName(DrillId(LastPart(flags.id))), flags);
}

}  // namespace

void AddDrillCommands(CLI::App& app, Context& context) {
  CLI::App* noun = app.add_subcommand(
      "drill", "practise that somebody leaves: who refuses, after how long?");
  noun->require_subcommand(1);
  auto flags = std::make_shared<Flags>();
  const auto verb = [&](const char* name, const char* help,
                        absl::Status (*run)(Context&, const Flags&)) {
    return AddVerb(noun, context, flags, name, help, run);
  };
  CLI::App* run =
      verb("run",
           "end the keys of an issuer made for it (warder issuer create drill "
           "--drill --owner YOU --deputy OTHER), and measure: exit 3 when a "
           "gateway is overdue",
           Run);
  run->add_option("--issuer", flags->issuer, "default: drill");
  run->add_option("--timeout", flags->timeout, "give up after: 10m");
  AddStatementOptions(run, &flags->format, &flags->out);
  AddPlan(run, context);
  verb("list", "list drills, the latest first", List);
  CLI::App* report = verb(
      "report", "the signed report, also as a page with a picture", Report);
  report->add_option("id", flags->id, "the drill")->required();
  AddStatementOptions(report, &flags->format, &flags->out);
}

}  // namespace warder::cli

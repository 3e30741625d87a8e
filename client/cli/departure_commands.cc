// warder owner depart|departure|stay
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/cli/context.h"
#include "server/base/error.h"
#include "server/base/ids.h"
#include "server/base/status_macros.h"
#include "server/base/time_text.h"
#include "warder/v1/owner.grpc.pb.h"

namespace warder::cli {
namespace {

using Stub = v1::OwnerService::Stub;

struct Flags {
  std::string id, at, last_day, zone, expect;
};

std::string FateOf(const v1::Departure::KeyOutcome& key) {
  switch (key.fate()) {
    case v1::Departure::REVOKE: return "REVOKE";
    case v1::Departure::ROTATE: return "ROTATE";
    default: return "-";
  }
}

// What the fate means for those who hold tokens.
std::string ConsequenceOf(const v1::Departure::KeyOutcome& key) {
  switch (key.fate()) {
    case v1::Departure::REVOKE:
      return key.has_tokens_until() ? ": its live tokens die with it"
                                    : ": no token of it is alive";
    case v1::Departure::ROTATE: return ": its live tokens live out their time";
    default: return "; its private half is destroyed";
  }
}

std::string TokensOf(const v1::Departure::KeyOutcome& key) {
  if (!key.has_tokens_until()) return "none";
  return absl::StrCat(key.more_live_tokens() ? "at least " : "",
                      key.live_tokens(), ", all expired by ",
                      When(key.tokens_until()));
}

std::string OwnerAfter(const v1::Departure::IssuerOutcome& issuer) {
  if (issuer.orphaned()) return "NOBODY: name an owner";
  return LastPart(issuer.owner()) +
         (issuer.without_deputy() ? " (no deputy)" : "");
}

// What the key set's readers see of it.
std::string NoticeOf(const v1::Departure::IssuerOutcome& issuer) {
  if (!issuer.has_noticed_by()) return "the key set stays as it is";
  return absl::StrCat("all by ", When(issuer.noticed_by()),
                      issuer.successor_unannounced()
                          ? "; until then some may not know the "
                            "successor"
                          : "; the successor was announced before");
}

std::string Keys(const v1::Departure& departure, const Terminal& terminal) {
  Table issuers({"ISSUER", "OWNED BY", "GATEWAYS NOTICE"});
  Table keys({"ISSUER", "KID", "FATE", "SUCCESSOR", "LIVE TOKENS", "WHY"});
  for (const auto& issuer : departure.issuers()) {
    issuers.Add(
        {LastPart(issuer.issuer()), OwnerAfter(issuer), NoticeOf(issuer)});
    for (const auto& key : issuer.keys()) {
      keys.Add({LastPart(issuer.issuer()), LastPart(key.key()), FateOf(key),
                key.successor().empty() ? "-" : LastPart(key.successor()),
                TokensOf(key), key.why() + ConsequenceOf(key)});
    }
  }
  return absl::StrCat("\n", issuers.Text(terminal), "\n", keys.Text(terminal));
}

std::string LateActs(const v1::Departure& departure, const Terminal& terminal) {
  if (departure.late_act_count() == 0) return "";
  Table table({"EVENT", "TIME", "ACTION", "RESOURCE"});
  for (const auto& act : departure.late_acts()) {
    table.Add({absl::StrCat(act.sequence()), When(act.time()), act.action(),
               act.resource()});
  }
  return absl::StrCat(
      "\nThe news came late. Done by ", LastPart(departure.owner()),
      " since then: ", departure.late_act_count(), "\n", table.Text(terminal));
}

std::string Show(const v1::Departure& departure, const Context& context,
                 bool plan) {
  std::string text =
      Fields({{"owner", LastPart(departure.owner())},
              {"leaves", departure.time_zone().empty()
                             ? When(departure.instant())
                             : absl::StrCat(When(departure.instant()),
                                            ", the end of the day in ",
                                            departure.time_zone())},
              {"reported", absl::StrCat(When(departure.report_time()), " by ",
                                        departure.reported_by())},
              {"released by", departure.released_by()},
              {"carried out", departure.done() ? When(departure.effect_time())
                              : plan           ? "not yet: this is a plan"
                                     : "not yet: waits for the instant"}},
             context.terminal);
  if (departure.issuers_size() == 0) {
    absl::StrAppend(&text, "\nNo issuer or key is touched.\n");
  } else {
    absl::StrAppend(&text, Keys(departure, context.terminal));
  }
  for (const std::string& change : departure.changes()) {
    absl::StrAppend(&text, "not as planned: ", change, "\n");
  }
  return absl::StrCat(text, LateActs(departure, context.terminal));
}

// Sets instant or last_day as the flags say.
template <typename Request>
absl::Status SetInstant(const Flags& flags, Request* request) {
  if (!flags.at.empty()) {
    ASSIGN_OR_RETURN(const absl::Time at, ParseTime(flags.at));
    const timespec parts = absl::ToTimespec(at);
    request->mutable_instant()->set_seconds(parts.tv_sec);
    request->mutable_instant()->set_nanos(static_cast<int32_t>(parts.tv_nsec));
  }
  if (!flags.last_day.empty()) {
    request->mutable_last_day()->set_date(flags.last_day);
    request->mutable_last_day()->set_time_zone(flags.zone);
  }
  return absl::OkStatus();
}

absl::Status Depart(Context& context, const Flags& flags) {
  v1::PlanDepartureRequest wanted;
  wanted.set_name(OwnerName(OwnerId(flags.id)));
  RETURN_IF_ERROR(SetInstant(flags, &wanted));
  if (context.plan) {
    ASSIGN_OR_RETURN(const v1::Departure plan,
                     context.Read(&Stub::PlanDeparture, wanted));
    context.Print(plan, Show(plan, context, /*plan=*/true));
    return absl::OkStatus();
  }
  v1::ReportDepartureRequest request;
  request.set_name(wanted.name());
  RETURN_IF_ERROR(SetInstant(flags, &request));
  if (!flags.expect.empty()) {
    ASSIGN_OR_RETURN(const std::string plan, ReadFile(flags.expect));
    RETURN_IF_ERROR(ParseMessage("--expect", plan, request.mutable_plan()));
  }
  ASSIGN_OR_RETURN(const v1::Departure departure,
                   context.Change(&Stub::ReportDeparture, request));
  context.Print(departure, Show(departure, context, /*plan=*/false));
  return absl::OkStatus();
}

}  // namespace

void AddDepartureCommands(CLI::App& owner, Context& context) {
  auto flags = std::make_shared<Flags>();
  CLI::App* depart = owner.add_subcommand(
      "depart", "the person leaves: end every key, let successors sign");
  depart->add_option("id", flags->id, "the ID")->required();
  CLI::Option* at = depart->add_option(
      "--at", flags->at,
      "RFC 3339 instant, in the future or in the past; default now");
  CLI::Option* last_day =
      depart
          ->add_option("--last-day", flags->last_day,
                       "the last day, 2026-12-31; needs --zone")
          ->excludes(at);
  CLI::Option* zone = depart->add_option(
      "--zone", flags->zone, "IANA time zone of that day, Europe/Berlin");
  depart->add_option("--expect", flags->expect,
                     "file with the JSON of --plan; what happens otherwise is "
                     "told");
  last_day->needs(zone);
  zone->needs(last_day);
  AddPlan(depart, context);
  depart->callback([&context, flags] {
    context.run = [&context, flags] { return Depart(context, *flags); };
  });

  CLI::App* show = owner.add_subcommand(
      "departure", "show what was reported, planned and done");
  show->add_option("id", flags->id, "the ID")->required();
  show->callback([&context, flags] {
    context.run = [&context, flags]() -> absl::Status {
      v1::GetDepartureRequest request;
      request.set_name(OwnerName(OwnerId(flags->id)));
      ASSIGN_OR_RETURN(const v1::Departure departure,
                       context.Read(&Stub::GetDeparture, request));
      context.Print(departure, Show(departure, context, /*plan=*/false));
      return absl::OkStatus();
    };
  });

  CLI::App* stay = owner.add_subcommand(
      "stay", "call a scheduled departure off, before it takes effect");
  stay->add_option("id", flags->id, "the ID")->required();
  AddPlan(stay, context);
  stay->callback([&context, flags] {
    context.run = [&context, flags]() -> absl::Status {
      v1::CancelDepartureRequest request;
      request.set_name(OwnerName(OwnerId(flags->id)));
      ASSIGN_OR_RETURN(const v1::Owner stayed,
                       context.Change(&Stub::CancelDeparture, request));
      context.Print(stayed, absl::StrCat(LastPart(stayed.name()),
                                         " stays; no departure is scheduled "
                                         "any more.\n"));
      return absl::OkStatus();
    };
  });
}

}  // namespace warder::cli

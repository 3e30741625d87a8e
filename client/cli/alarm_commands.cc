// warder alarm list|show|ack|close|watch
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cli/context.h"
#include "server/base/ids.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "warder/v1/alarm.grpc.pb.h"

namespace warder::cli {
namespace {

using Stub = v1::AlarmService::Stub;

constexpr absl::Duration kWatchEvery = absl::Seconds(1);

struct Flags {
  std::string id, note;
  bool all = false;
};

// "17" and "alarms/17" are the same.
std::string NameOf(const Flags& flags) {
  return absl::StrCat("alarms/", LastPart(flags.id));
}

absl::StatusOr<std::vector<v1::Alarm>> Fetch(Context& context, bool all) {
  v1::ListAlarmsRequest request;
  request.set_page_size(1000);
  request.set_open_only(!all);
  std::vector<v1::Alarm> alarms;
  do {
    ASSIGN_OR_RETURN(const auto page, context.Read(&Stub::ListAlarms, request));
    alarms.insert(alarms.end(), page.alarms().begin(), page.alarms().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return alarms;
}

// A JSON object's members, one a line.
std::string Evidence(const v1::Alarm& alarm) {
  const auto json = ParseJsonObject(alarm.evidence());
  return json.ok() && !json->empty()
             ? absl::StrCat(
                   "\nThe first token, without its signature:\n",
                   json->dump(2, ' ', false, Json::error_handler_t::replace),
                   "\n")
             : "";
}

std::string Show(const v1::Alarm& alarm, const Terminal& terminal) {
  std::vector<std::pair<std::string, std::string>> fields = {
      {"alarm", LastPart(alarm.name())},
      {"what", Safe(alarm.summary())},
      {"kind", v1::Alarm::Kind_Name(alarm.kind())},
      {"severity", v1::Alarm::Severity_Name(alarm.severity())},
      {"state", v1::Alarm::State_Name(alarm.state())},
      {"events", absl::StrCat(alarm.count())},
      {"first", When(alarm.first_time())},
      {"last", When(alarm.last_time())}};
  if (alarm.has_page_time())
    fields.emplace_back("page", When(alarm.page_time()));
  if (alarm.has_acknowledge_time()) {
    fields.emplace_back("acknowledged",
                        absl::StrCat(When(alarm.acknowledge_time()), " by ",
                                     alarm.acknowledged_by()));
  }
  if (alarm.has_close_time()) {
    fields.emplace_back("closed", absl::StrCat(When(alarm.close_time()), " by ",
                                               alarm.closed_by()));
  }
  if (!alarm.note().empty()) fields.emplace_back("note", Safe(alarm.note()));
  if (!alarm.planted_at().empty()) {
    fields.emplace_back("planted at", Safe(alarm.planted_at()));
  }
  fields.emplace_back("do", alarm.next_step());
  if (!alarm.gentle_step().empty()) {
    fields.emplace_back("or, nobody logged out", alarm.gentle_step());
  }
  return absl::StrCat(Fields(fields, terminal), Evidence(alarm));
}

absl::Status List(Context& context, const Flags& flags) {
  ASSIGN_OR_RETURN(const auto alarms, Fetch(context, flags.all));
  if (alarms.empty() && !context.json) {
    context.PrintText("No alarm is open.\n");
    return absl::OkStatus();
  }
  PrintList(
      context, alarms,
      Table({"ALARM", "SEVERITY", "STATE", "KIND", "EVENTS", "LAST", "WHAT"}),
      [](const v1::Alarm& alarm) -> std::vector<std::string> {
        return {LastPart(alarm.name()),
                v1::Alarm::Severity_Name(alarm.severity()),
                v1::Alarm::State_Name(alarm.state()),
                v1::Alarm::Kind_Name(alarm.kind()),
                absl::StrCat(alarm.count()),
                When(alarm.last_time()),
                Safe(alarm.summary())};
      });
  return absl::OkStatus();
}

absl::Status ShowOne(Context& context, const Flags& flags) {
  v1::GetAlarmRequest request;
  request.set_name(NameOf(flags));
  ASSIGN_OR_RETURN(const v1::Alarm alarm,
                   context.Read(&Stub::GetAlarm, request));
  context.Print(alarm, Show(alarm, context.terminal));
  return absl::OkStatus();
}

absl::Status Acknowledge(Context& context, const Flags& flags) {
  v1::AcknowledgeAlarmRequest request;
  request.set_name(NameOf(flags));
  request.set_note(flags.note);
  ASSIGN_OR_RETURN(const v1::Alarm alarm,
                   context.Change(&Stub::AcknowledgeAlarm, request));
  context.Print(alarm, Show(alarm, context.terminal));
  return absl::OkStatus();
}

absl::Status Close(Context& context, const Flags& flags) {
  v1::CloseAlarmRequest request;
  request.set_name(NameOf(flags));
  request.set_note(flags.note);
  ASSIGN_OR_RETURN(const v1::Alarm alarm,
                   context.Change(&Stub::CloseAlarm, request));
  context.Print(alarm, Show(alarm, context.terminal));
  return absl::OkStatus();
}

// Prints each alarm that is open, and again when it has changed, until it is
// ended from outside.
absl::Status Watch(Context& context, const Flags&) {
  std::map<std::string, std::string> shown;
  while (true) {
    auto alarms = Fetch(context, /*all=*/false);
    if (!alarms.ok()) return alarms.status();
    for (auto it = alarms->rbegin(); it != alarms->rend(); ++it) {
      std::string json = MessageJson(*it);
      std::string& last = shown[it->name()];
      if (last == json) continue;
      last = std::move(json);
      context.PrintText(
          context.json ? last + "\n"
                       : absl::StrCat(When(it->last_time()), "  ",
                                      v1::Alarm::Severity_Name(it->severity()),
                                      "  ", LastPart(it->name()), "  ",
                                      Safe(it->summary()), " (", it->count(),
                                      ")\n    ", Safe(it->next_step()), "\n"));
    }
    context.Sleep(kWatchEvery);
  }
}

}  // namespace

void AddAlarmCommands(CLI::App& app, Context& context) {
  CLI::App* noun = app.add_subcommand(
      "alarm", "tokens that were never issued, and what else must not be");
  noun->require_subcommand(1);
  auto flags = std::make_shared<Flags>();
  const auto verb = [&](const char* name, const char* help,
                        absl::Status (*run)(Context&, const Flags&)) {
    return AddVerb(noun, context, flags, name, help, run);
  };
  verb("list", "list alarms that are not closed, the newest first", List)
      ->add_flag("--all", flags->all, "closed ones, too");
  verb("show", "show one, with its evidence and what to do", ShowOne)
      ->add_option("id", flags->id, "its number")
      ->required();
  CLI::App* acknowledge = verb("ack", "say that you look into it", Acknowledge);
  acknowledge->add_option("id", flags->id, "its number")->required();
  acknowledge->add_option("--note", flags->note, "for others to read");
  AddPlan(acknowledge, context);
  CLI::App* close = verb("close", "say that it is over, and why", Close);
  close->add_option("id", flags->id, "its number")->required();
  close->add_option("--note", flags->note, "why")->required();
  AddPlan(close, context);
  verb("watch", "print alarms as they come, until interrupted", Watch);
}

}  // namespace warder::cli

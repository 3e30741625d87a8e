#include "server/rpc/alarm_service.h"

#include "absl/strings/str_cat.h"
#include "server/base/status_macros.h"
#include "server/rpc/convert.h"

namespace warder::rpc {
namespace {

// The wire has the names of the domain.
void Write(const domain::Alarm& alarm, v1::Alarm* out) {
  out->set_name(AlarmName(alarm.number));
  v1::Alarm::Kind kind = v1::Alarm::KIND_UNSPECIFIED;
  v1::Alarm::Kind_Parse(std::string(domain::AlarmKindName(alarm.kind)), &kind);
  out->set_kind(kind);
  v1::Alarm::Severity severity = v1::Alarm::SEVERITY_UNSPECIFIED;
  v1::Alarm::Severity_Parse(
      std::string(domain::AlarmSeverityName(alarm.severity)), &severity);
  out->set_severity(severity);
  v1::Alarm::State state = v1::Alarm::STATE_UNSPECIFIED;
  v1::Alarm::State_Parse(std::string(domain::AlarmStateName(alarm.state)),
                         &state);
  out->set_state(state);
  if (!alarm.issuer.empty()) out->set_issuer(IssuerName(alarm.issuer));
  out->set_kid(alarm.kid);
  if (!alarm.gateway.empty()) out->set_gateway(GatewayName(alarm.gateway));
  out->set_summary(domain::SummaryOf(alarm));
  out->set_next_step(domain::NextStepOf(alarm));
  out->set_gentle_step(domain::GentleStepOf(alarm));
  out->set_planted_at(alarm.planted_at);
  out->set_evidence(alarm.evidence);
  out->set_count(alarm.count);
  ToProto(alarm.first_time, out->mutable_first_time());
  ToProto(alarm.last_time, out->mutable_last_time());
  if (alarm.page_time) ToProto(*alarm.page_time, out->mutable_page_time());
  out->set_acknowledged_by(alarm.acknowledged_by);
  if (alarm.acknowledge_time) {
    ToProto(*alarm.acknowledge_time, out->mutable_acknowledge_time());
  }
  out->set_closed_by(alarm.closed_by);
  if (alarm.close_time) ToProto(*alarm.close_time, out->mutable_close_time());
  out->set_note(alarm.note);
}

template <typename Message>
absl::StatusOr<app::AlarmCommand> ToCommand(const Message& message) {
  app::AlarmCommand command;
  ASSIGN_OR_RETURN(command.number, ParseAlarmName("name", message.name()));
  command.note = message.note();
  return command;
}

}  // namespace

grpc::Status AlarmService::GetAlarm(grpc::ServerContext* context,
                                    const v1::GetAlarmRequest* request,
                                    v1::Alarm* response) {
  return Handle(shared_, context, "warder.v1.AlarmService/GetAlarm",
                app::Permission::kReadAlarms, *request,
                [&](const app::Request& call) -> absl::Status {
                  ASSIGN_OR_RETURN(const int64_t number,
                                   ParseAlarmName("name", request->name()));
                  ASSIGN_OR_RETURN(const auto alarm, alarms_.Get(call, number));
                  Write(alarm, response);
                  return absl::OkStatus();
                });
}

grpc::Status AlarmService::ListAlarms(grpc::ServerContext* context,
                                      const v1::ListAlarmsRequest* request,
                                      v1::ListAlarmsResponse* response) {
  return Handle(shared_, context, "warder.v1.AlarmService/ListAlarms",
                app::Permission::kReadAlarms, *request,
                [&](const app::Request& call) -> absl::Status {
                  ASSIGN_OR_RETURN(
                      const auto page,
                      alarms_.List(call,
                                   {.size = request->page_size(),
                                    .token = request->page_token()},
                                   request->open_only()));
                  for (const domain::Alarm& alarm : page.items) {
                    Write(alarm, response->add_alarms());
                  }
                  response->set_next_page_token(page.next_token);
                  return absl::OkStatus();
                });
}

grpc::Status AlarmService::AcknowledgeAlarm(
    grpc::ServerContext* context, const v1::AcknowledgeAlarmRequest* request,
    v1::Alarm* response) {
  return Handle(shared_, context, "warder.v1.AlarmService/AcknowledgeAlarm",
                app::Permission::kManageAlarms, *request,
                [&](const app::Request& call) -> absl::Status {
                  ASSIGN_OR_RETURN(const auto command, ToCommand(*request));
                  ASSIGN_OR_RETURN(const auto alarm,
                                   alarms_.Acknowledge(call, command));
                  Write(alarm, response);
                  return absl::OkStatus();
                });
}

grpc::Status AlarmService::CloseAlarm(grpc::ServerContext* context,
                                      const v1::CloseAlarmRequest* request,
                                      v1::Alarm* response) {
  return Handle(shared_, context, "warder.v1.AlarmService/CloseAlarm",
                app::Permission::kManageAlarms, *request,
                [&](const app::Request& call) -> absl::Status {
                  ASSIGN_OR_RETURN(const auto command, ToCommand(*request));
                  ASSIGN_OR_RETURN(const auto alarm,
                                   alarms_.Close(call, command));
                  Write(alarm, response);
                  return absl::OkStatus();
                });
}

}  // namespace warder::rpc

// warder.v1.AlarmService as use cases. Stateless.
#ifndef WARDER_SERVER_RPC_ALARM_SERVICE_H_
#define WARDER_SERVER_RPC_ALARM_SERVICE_H_

#include "server/app/alarm_manager.h"
#include "server/rpc/handler.h"
#include "warder/v1/alarm.grpc.pb.h"

namespace warder::rpc {

class AlarmService final : public v1::AlarmService::Service {
 public:
  // What the arguments refer to outlives this.
  AlarmService(HandlerContext shared, app::AlarmManager& alarms)
      : shared_(shared), alarms_(alarms) {}

  grpc::Status GetAlarm(grpc::ServerContext* context,
                        const v1::GetAlarmRequest* request,
                        v1::Alarm* response) override;
  grpc::Status ListAlarms(grpc::ServerContext* context,
                          const v1::ListAlarmsRequest* request,
                          v1::ListAlarmsResponse* response) override;
  grpc::Status AcknowledgeAlarm(grpc::ServerContext* context,
                                const v1::AcknowledgeAlarmRequest* request,
                                v1::Alarm* response) override;
  grpc::Status CloseAlarm(grpc::ServerContext* context,
                          const v1::CloseAlarmRequest* request,
                          v1::Alarm* response) override;

 private:
  const HandlerContext shared_;
  app::AlarmManager& alarms_;
};

}  // namespace warder::rpc

#endif  // WARDER_SERVER_RPC_ALARM_SERVICE_H_

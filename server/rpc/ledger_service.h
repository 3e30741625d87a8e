// warder.v1.LedgerService as use cases. Stateless, but for the streams that are
// open.
#ifndef WARDER_SERVER_RPC_LEDGER_SERVICE_H_
#define WARDER_SERVER_RPC_LEDGER_SERVICE_H_

#include "server/app/ledger_checker.h"
#include "server/app/observation_intake.h"
#include "server/rpc/handler.h"
#include "server/rpc/open_streams.h"
#include "warder/v1/ledger.grpc.pb.h"

namespace warder::rpc {

class LedgerService final : public v1::LedgerService::Service {
 public:
  // What the arguments refer to outlives this.
  LedgerService(HandlerContext shared, app::LedgerChecker& checker,
                app::ObservationIntake& observations, app::KeyUsage& usage)
      : shared_(shared),
        checker_(checker),
        observations_(observations),
        usage_(usage) {}

  grpc::Status CheckIssued(grpc::ServerContext* context,
                           const v1::CheckIssuedRequest* request,
                           v1::CheckIssuedResponse* response) override;
  grpc::Status CheckIssuedBatch(
      grpc::ServerContext* context, const v1::CheckIssuedBatchRequest* request,
      v1::CheckIssuedBatchResponse* response) override;
  grpc::Status CheckIssuedStream(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<v1::CheckIssuedResponse, v1::CheckIssuedRequest>*
          stream) override;
  grpc::Status GetDigestSecrets(
      grpc::ServerContext* context, const v1::GetDigestSecretsRequest* request,
      v1::GetDigestSecretsResponse* response) override;
  grpc::Status FetchSegments(grpc::ServerContext* context,
                             const v1::FetchSegmentsRequest* request,
                             v1::FetchSegmentsResponse* response) override;
  grpc::Status ReportObservations(
      grpc::ServerContext* context,
      const v1::ReportObservationsRequest* request,
      v1::ReportObservationsResponse* response) override;
  grpc::Status GetKeyUsage(grpc::ServerContext* context,
                           const v1::GetKeyUsageRequest* request,
                           v1::KeyUsage* response) override;

  // Ends the streams, and those that begin later: they would hold up the drain.
  void EndStreams() { streams_.End(); }

 private:
  // As LedgerChecker::Check; a gateway that holds a forgery raises the alarm.
  absl::StatusOr<ledger::Answer> Ask(const app::Request& call,
                                     const app::CheckIssuedCommand& command);
  absl::Status RaiseIfForged(const app::Request& call,
                             const app::CheckIssuedCommand& command,
                             const ledger::Answer& answer);

  const HandlerContext shared_;
  app::LedgerChecker& checker_;
  app::ObservationIntake& observations_;
  app::KeyUsage& usage_;
  OpenStreams streams_;
};

}  // namespace warder::rpc

#endif  // WARDER_SERVER_RPC_LEDGER_SERVICE_H_

// warder.v1.OwnerService as use cases. Stateless.
#ifndef WARDER_SERVER_RPC_OWNER_SERVICE_H_
#define WARDER_SERVER_RPC_OWNER_SERVICE_H_

#include "server/app/attestation_manager.h"
#include "server/app/departure_manager.h"
#include "server/app/leaver_certificate.h"
#include "server/app/owner_manager.h"
#include "server/rpc/handler.h"
#include "warder/v1/owner.grpc.pb.h"

namespace warder::rpc {

class OwnerService final : public v1::OwnerService::Service {
 public:
  // What the arguments refer to outlives this.
  OwnerService(HandlerContext shared, app::OwnerManager& owners,
               app::DepartureManager& departures,
               app::AttestationManager& attestations,
               app::LeaverCertificates& certificates)
      : shared_(shared),
        owners_(owners),
        departures_(departures),
        attestations_(attestations),
        certificates_(certificates) {}

  grpc::Status CreateOwner(grpc::ServerContext* context,
                           const v1::CreateOwnerRequest* request,
                           v1::Owner* response) override;
  grpc::Status GetOwner(grpc::ServerContext* context,
                        const v1::GetOwnerRequest* request,
                        v1::Owner* response) override;
  grpc::Status ListOwners(grpc::ServerContext* context,
                          const v1::ListOwnersRequest* request,
                          v1::ListOwnersResponse* response) override;
  grpc::Status UpdateOwner(grpc::ServerContext* context,
                           const v1::UpdateOwnerRequest* request,
                           v1::Owner* response) override;
  grpc::Status ReportDeparture(grpc::ServerContext* context,
                               const v1::ReportDepartureRequest* request,
                               v1::Departure* response) override;
  grpc::Status PlanDeparture(grpc::ServerContext* context,
                             const v1::PlanDepartureRequest* request,
                             v1::Departure* response) override;
  grpc::Status GetDeparture(grpc::ServerContext* context,
                            const v1::GetDepartureRequest* request,
                            v1::Departure* response) override;
  grpc::Status GetLeaverCertificate(
      grpc::ServerContext* context,
      const v1::GetLeaverCertificateRequest* request,
      v1::LeaverCertificate* response) override;
  grpc::Status CancelDeparture(grpc::ServerContext* context,
                               const v1::CancelDepartureRequest* request,
                               v1::Owner* response) override;
  grpc::Status ConfirmOwner(grpc::ServerContext* context,
                            const v1::ConfirmOwnerRequest* request,
                            v1::Owner* response) override;
  grpc::Status SuspendOwner(grpc::ServerContext* context,
                            const v1::SuspendOwnerRequest* request,
                            v1::Owner* response) override;

 private:
  const HandlerContext shared_;
  app::OwnerManager& owners_;
  app::DepartureManager& departures_;
  app::AttestationManager& attestations_;
  app::LeaverCertificates& certificates_;
};

}  // namespace warder::rpc

#endif  // WARDER_SERVER_RPC_OWNER_SERVICE_H_

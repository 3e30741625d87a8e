// Envoy's external authorization (ext_authz, gRPC) by the agent's verifier.
#ifndef WARDER_CLIENT_AGENT_EXT_AUTHZ_H_
#define WARDER_CLIENT_AGENT_EXT_AUTHZ_H_

#include <grpcpp/server.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "client/agent/enforcer.h"
#include "envoy/service/auth/v3/external_auth.grpc.pb.h"
#include "server/base/clock.h"

namespace warder::agent {

// Stateless. A request to kProbePath is judged by the probe's audience, any
// other by the agent's own.
class ExtAuthz final : public envoy::service::auth::v3::Authorization::Service {
 public:
  // What a probe asks through Envoy; Envoy answers it itself (direct_response).
  static constexpr char kProbePath[] = "/.warder/probe";

  // `enforcer` and `clock` outlive this.
  ExtAuthz(const Config& config, const Enforcer& enforcer, Clock& clock)
      : cookie_(config.cookie), enforcer_(enforcer), clock_(clock) {}

  grpc::Status Check(
      grpc::ServerContext* context,
      const envoy::service::auth::v3::CheckRequest* request,
      envoy::service::auth::v3::CheckResponse* response) override;

 private:
  const std::string cookie_;
  const Enforcer& enforcer_;
  Clock& clock_;
};

// Serves `service` on loopback or a Unix socket, without TLS.
//   UNAVAILABLE  UNREACHABLE: the address cannot be bound
absl::StatusOr<std::unique_ptr<grpc::Server>> ServeExtAuthz(
    const std::string& address, ExtAuthz& service);

}  // namespace warder::agent

#endif  // WARDER_CLIENT_AGENT_EXT_AUTHZ_H_

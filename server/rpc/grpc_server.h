// The gRPC listener: TLS 1.3, a client certificate always.
#ifndef WARDER_SERVER_RPC_GRPC_SERVER_H_
#define WARDER_SERVER_RPC_GRPC_SERVER_H_

#include <grpcpp/server.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace warder::rpc {

struct GrpcServerOptions {
  std::string address;          // "127.0.0.1:7443"; port 0 picks one
  std::string certificate_pem;  // of this server
  std::string private_key_pem;
  std::string authority_pem;  // that clients' certificates must come from
};

// Leaves TLS 1.3 as the only version any gRPC listener of this process can
// agree on: the cipher list for TLS 1.2 is one that needs pre-shared keys,
// which nobody has. The packaged gRPC offers no other way. Call before the
// first use of gRPC.
void RequireTls13();

// A running server. Calls come in on gRPC's threads. A connection ends after
// ten minutes, so that no certificate serves much longer than it is valid.
class GrpcServer {
 public:
  // Starts serving `services`, health and reflection. The services outlive
  // this.
  //   UNAVAILABLE  UNREACHABLE: the address cannot be bound
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(
      const GrpcServerOptions& options,
      const std::vector<grpc::Service*>& services);
  ~GrpcServer();

  int port() const { return port_; }

  // Takes no new calls, lets running ones end for up to `grace`, then returns.
  void Drain(absl::Duration grace);

 private:
  GrpcServer(std::unique_ptr<grpc::Server> server, int port)
      : server_(std::move(server)), port_(port) {}

  std::unique_ptr<grpc::Server> server_;
  int port_;
};

}  // namespace warder::rpc

#endif  // WARDER_SERVER_RPC_GRPC_SERVER_H_

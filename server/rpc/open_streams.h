// The streams of a service that hold a thread each: how many, whose, and their
// end.
#ifndef WARDER_SERVER_RPC_OPEN_STREAMS_H_
#define WARDER_SERVER_RPC_OPEN_STREAMS_H_

#include <grpcpp/server_context.h>

#include <map>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "server/app/authorizer.h"
#include "server/base/mutex.h"

namespace warder::rpc {

// Thread-safe.
class OpenStreams {
 public:
  static constexpr size_t kMost = 256;
  static constexpr size_t kMostOfOneCaller = 16;

  // While it lives the stream counts. Movable.
  class Place {
   public:
    Place(OpenStreams* streams, grpc::ServerContext* context)
        : streams_(streams), context_(context) {}
    ~Place() {
      if (streams_ != nullptr) streams_->Leave(context_);
    }
    Place(Place&& other) noexcept
        : streams_(std::exchange(other.streams_, nullptr)),
          context_(other.context_) {}
    Place& operator=(Place&&) = delete;

   private:
    OpenStreams* streams_;
    grpc::ServerContext* context_;
  };

  // `context` outlives what this returns.
  //   UNAVAILABLE UNREACHABLE          warderd ends
  //   RESOURCE_EXHAUSTED RATE_LIMITED  too many are open
  absl::StatusOr<Place> Enter(const app::Caller& caller,
                              grpc::ServerContext& context);
  // Cancels those that are open, and refuses others from now on.
  void End();

 private:
  void Leave(grpc::ServerContext* context);

  Mutex mu_;
  bool ending_ ABSL_GUARDED_BY(mu_) = false;
  std::map<grpc::ServerContext*, std::string> open_
      ABSL_GUARDED_BY(mu_);  // whose
};

}  // namespace warder::rpc

#endif  // WARDER_SERVER_RPC_OPEN_STREAMS_H_

// warder.v1.WatchService: one reactor for each stream. What is shared lives in
// app::KeySetFeed and app::StreamInstances.
#ifndef WARDER_SERVER_RPC_WATCH_SERVICE_H_
#define WARDER_SERVER_RPC_WATCH_SERVICE_H_

#include "server/app/gateway_directory.h"
#include "server/app/key_set_feed.h"
#include "server/app/stream_instances.h"
#include "server/rpc/handler.h"
#include "warder/v1/watch.grpc.pb.h"

namespace warder::rpc {

// What every stream stands on. All of it outlives the service.
struct WatchContext {
  HandlerContext shared;
  const app::GatewayDirectory& directory;
  app::KeySetFeed& feed;
  app::StreamInstances& instances;
};

class WatchService final
    : public v1::WatchService::WithCallbackMethod_WatchKeySets<
          v1::WatchService::Service> {
 public:
  explicit WatchService(WatchContext context) : context_(context) {}

  grpc::ServerBidiReactor<v1::WatchKeySetsRequest, v1::WatchKeySetsResponse>*
  WatchKeySets(grpc::CallbackServerContext* context) override;

 private:
  const WatchContext context_;
};

}  // namespace warder::rpc

#endif  // WARDER_SERVER_RPC_WATCH_SERVICE_H_

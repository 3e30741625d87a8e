// The registered gateways, in memory, for the doors that read no store.
#ifndef WARDER_SERVER_APP_GATEWAY_DIRECTORY_H_
#define WARDER_SERVER_APP_GATEWAY_DIRECTORY_H_

#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/app/store.h"
#include "server/base/mutex.h"
#include "server/domain/gateway.h"

namespace warder::app {

using GatewayPtr = std::shared_ptr<const domain::Gateway>;

// Thread-safe.
class GatewayDirectory {
 public:
  // Reads all of them. Call at start and after every change of one. Blocks for
  // one pass over the gateways.
  absl::Status Load(Store& store);

  // Returns the gateway, or nullptr. Takes one short lock.
  GatewayPtr Find(absl::string_view id) const;

  size_t size() const;

 private:
  using Map = absl::flat_hash_map<std::string, GatewayPtr>;

  Mutex load_mu_;  // loads follow one another
  mutable Mutex mu_;
  std::shared_ptr<const Map> gateways_ ABSL_GUARDED_BY(mu_) =
      std::make_shared<Map>();
};

// Who wants to know what gateways are seen to hold. Thread-safe.
class ViewSink {
 public:
  virtual ~ViewSink() = default;

  // Never blocks.
  virtual void Note(const domain::GatewayView& view) = 0;
};

// Returns whether the gateway verifies tokens of `issuer`.
bool Verifies(const domain::Gateway& gateway, absl::string_view issuer);

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_GATEWAY_DIRECTORY_H_

#include "server/rpc/caller.h"

#include <string>

#include "server/base/error.h"

namespace warder::rpc {

absl::StatusOr<app::Caller> CallerOf(const grpc::ServerContextBase& context) {
  const auto auth = context.auth_context();
  if (auth == nullptr || !auth->IsPeerAuthenticated()) {
    return Error(absl::StatusCode::kUnauthenticated, Reason::kUnauthenticated,
                 "the call came without a verified client certificate");
  }
  const auto uris = auth->FindPropertyValues("peer_uri");
  if (uris.size() != 1) {
    return Error(absl::StatusCode::kUnauthenticated, Reason::kUnauthenticated,
                 "the client certificate must carry exactly one URI name; make "
                 "one with: warder cert issue");
  }
  return app::ParseCallerUri(absl::string_view(uris[0].data(), uris[0].size()));
}

}  // namespace warder::rpc

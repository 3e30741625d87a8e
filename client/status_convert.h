// Errors from the wire, with the reason and field the server attached.
#ifndef WARDER_CLIENT_STATUS_CONVERT_H_
#define WARDER_CLIENT_STATUS_CONVERT_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace warder::client {

// Returns the status a call ended with; ReasonOf and FieldOf of
// server/base/error.h read its details.
absl::Status FromGrpc(const grpc::Status& status);

}  // namespace warder::client

#endif  // WARDER_CLIENT_STATUS_CONVERT_H_

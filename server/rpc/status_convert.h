// absl::Status to the wire, with the rich details of AIP-193.
#ifndef WARDER_SERVER_RPC_STATUS_CONVERT_H_
#define WARDER_SERVER_RPC_STATUS_CONVERT_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "warder/v1/error_details.pb.h"

namespace warder::rpc {

inline constexpr char kErrorDomain[] = "warder.dev";

// Returns `status` as gRPC sends it: code, message, and in the details one
// google.rpc.ErrorInfo, a BadRequest where a field is to blame, a RetryInfo
// where the same call may succeed later. The message of INTERNAL and UNKNOWN is
// replaced by an incident number; the log has both.
grpc::Status ToGrpc(const absl::Status& status);

// Returns the same as a message, for streams that go on after it.
v1::ErrorStatus ToErrorStatus(const absl::Status& status);

// Returns the name of a gRPC code: "NOT_FOUND".
absl::string_view CodeName(const absl::Status& status);

}  // namespace warder::rpc

#endif  // WARDER_SERVER_RPC_STATUS_CONVERT_H_

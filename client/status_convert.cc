#include "client/status_convert.h"

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "server/base/error.h"
#include "warder/v1/error_details.pb.h"

namespace warder::client {

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  std::string reason;
  std::string field;
  v1::ErrorStatus wire;
  if (wire.ParseFromString(status.error_details())) {
    for (const auto& any : wire.details()) {
      v1::ErrorInfo info;
      v1::BadRequest bad;
      if (absl::EndsWith(any.type_url(), "/google.rpc.ErrorInfo") &&
          info.ParseFromString(any.value())) {
        reason = info.reason();
      } else if (absl::EndsWith(any.type_url(), "/google.rpc.BadRequest") &&
                 bad.ParseFromString(any.value()) &&
                 bad.field_violations_size() > 0) {
        field = bad.field_violations(0).field();
      }
    }
  }
  return RemoteError(static_cast<absl::StatusCode>(status.error_code()), reason,
                     field, status.error_message());
}

}  // namespace warder::client

#include "server/rpc/status_convert.h"

#include <atomic>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/log.h"

namespace warder::rpc {
namespace {

constexpr int kRetrySeconds = 1;

// The type URL is that of the original, so that stock libraries decode it.
template <typename Message>
void AddDetail(absl::string_view type, const Message& message,
               v1::ErrorStatus* wire) {
  google::protobuf::Any* any = wire->add_details();
  any->set_type_url(absl::StrCat("type.googleapis.com/google.rpc.", type));
  any->set_value(message.SerializeAsString());
}

std::string HideDefect(const absl::Status& status) {
  static std::atomic<int> incidents = 0;
  const std::string incident = absl::StrCat(++incidents);
  Log(LogLevel::kError, "internal_error",
      {{"incident", incident}, {"error", std::string(status.message())}});
  return absl::StrCat("a defect of warderd, incident ", incident,
                      "; its log has the details");
}

}  // namespace

v1::ErrorStatus ToErrorStatus(const absl::Status& status) {
  v1::ErrorStatus wire;
  std::string message(status.message());
  if (absl::IsInternal(status) || absl::IsUnknown(status)) {
    message = HideDefect(status);
  }
  wire.set_code(static_cast<int>(status.code()));
  wire.set_message(message);
  v1::ErrorInfo info;
  info.set_reason(ReasonOf(status));
  info.set_domain(kErrorDomain);
  AddDetail("ErrorInfo", info, &wire);
  if (const auto field = FieldOf(status)) {
    v1::BadRequest bad;
    auto* violation = bad.add_field_violations();
    violation->set_field(*field);
    violation->set_description(message);
    AddDetail("BadRequest", bad, &wire);
  }
  if (absl::IsUnavailable(status) || absl::IsResourceExhausted(status) ||
      ReasonOf(status) == ReasonName(Reason::kConflict)) {
    v1::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(kRetrySeconds);
    AddDetail("RetryInfo", retry, &wire);
  }
  return wire;
}

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const v1::ErrorStatus wire = ToErrorStatus(status);
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()),
                      wire.message(), wire.SerializeAsString());
}

absl::string_view CodeName(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk: return "OK";
    case absl::StatusCode::kCancelled: return "CANCELLED";
    case absl::StatusCode::kInvalidArgument: return "INVALID_ARGUMENT";
    case absl::StatusCode::kDeadlineExceeded: return "DEADLINE_EXCEEDED";
    case absl::StatusCode::kNotFound: return "NOT_FOUND";
    case absl::StatusCode::kAlreadyExists: return "ALREADY_EXISTS";
    case absl::StatusCode::kPermissionDenied: return "PERMISSION_DENIED";
    case absl::StatusCode::kUnauthenticated: return "UNAUTHENTICATED";
    case absl::StatusCode::kResourceExhausted: return "RESOURCE_EXHAUSTED";
    case absl::StatusCode::kFailedPrecondition: return "FAILED_PRECONDITION";
    case absl::StatusCode::kAborted: return "ABORTED";
    case absl::StatusCode::kOutOfRange: return "OUT_OF_RANGE";
    case absl::StatusCode::kUnimplemented: return "UNIMPLEMENTED";
    case absl::StatusCode::kInternal: return "INTERNAL";
    case absl::StatusCode::kUnavailable: return "UNAVAILABLE";
    case absl::StatusCode::kDataLoss: return "DATA_LOSS";
    default: return "UNKNOWN";
  }
}

}  // namespace warder::rpc

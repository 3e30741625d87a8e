#include "server/http/scim/error.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/strict_json.h"

namespace warder::http::scim {
namespace {

constexpr char kTypePayload[] = "warder.dev/scim_type";

absl::string_view NameOf(ScimType type) {
  switch (type) {
    case ScimType::kInvalidFilter: return "invalidFilter";
    case ScimType::kInvalidSyntax: return "invalidSyntax";
    case ScimType::kInvalidPath: return "invalidPath";
    case ScimType::kInvalidValue: return "invalidValue";
    case ScimType::kNoTarget: return "noTarget";
    case ScimType::kMutability: return "mutability";
    case ScimType::kTooMany: return "tooMany";
  }
  return "invalidValue";
}

int HttpStatusOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument: return 400;
    case absl::StatusCode::kUnauthenticated: return 401;
    case absl::StatusCode::kPermissionDenied: return 403;
    case absl::StatusCode::kNotFound: return 404;
    case absl::StatusCode::kAlreadyExists: return 409;
    case absl::StatusCode::kAborted:
      // A race lost too often may be run again; a version that moved may not.
      return ReasonOf(status) == ReasonName(Reason::kEtagMismatch) ? 412 : 503;
    case absl::StatusCode::kFailedPrecondition:
      return ReasonOf(status) == ReasonName(Reason::kClockWentBackwards) ? 503
                                                                         : 400;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted: return 503;
    default: return 500;
  }
}

}  // namespace

absl::Status ScimError(ScimType type, absl::string_view detail) {
  absl::Status status =
      Error(absl::StatusCode::kInvalidArgument, Reason::kInvalidField, detail);
  status.SetPayload(kTypePayload, absl::Cord(NameOf(type)));
  return status;
}

HttpResponse ScimResponse(int status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.headers =
      "Content-Type: application/scim+json\r\nCache-Control: no-store\r\n";
  response.body = std::move(body);
  return response;
}

HttpResponse ErrorOf(const absl::Status& status) {
  return ErrorOf(status, HttpStatusOf(status));
}

HttpResponse ErrorOf(const absl::Status& status, int code) {
  Json body = {{"schemas", {"urn:ietf:params:scim:api:messages:2.0:Error"}},
               {"status", absl::StrCat(code)},
               {"detail", std::string(status.message())}};
  if (const auto type = status.GetPayload(kTypePayload); type && code == 400) {
    body["scimType"] = std::string(*type);
  } else if (code == 400) {
    body["scimType"] = "invalidValue";
  } else if (code == 409) {
    body["scimType"] = "uniqueness";
  }
  HttpResponse response = ScimResponse(code, WriteJson(body));
  if (code == 401) {
    response.headers += "WWW-Authenticate: Bearer realm=\"warder\"\r\n";
  }
  if (code == 503) response.headers += "Retry-After: 5\r\n";
  return response;
}

}  // namespace warder::http::scim

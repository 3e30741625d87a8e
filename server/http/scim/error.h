// SCIM errors (RFC 7644 section 3.12): a status, and a scimType beside it.
#ifndef WARDER_SERVER_HTTP_SCIM_ERROR_H_
#define WARDER_SERVER_HTTP_SCIM_ERROR_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/http/wire/message.h"

namespace warder::http::scim {

// Of table 9.
enum class ScimType {
  kInvalidFilter,
  kInvalidSyntax,
  kInvalidPath,
  kInvalidValue,
  kNoTarget,
  kMutability,
  kTooMany,
};

// Returns INVALID_ARGUMENT with that scimType.
absl::Status ScimError(ScimType type, absl::string_view detail);

// Returns the response of any failure: of ScimError's, 400 with its scimType;
// of the use cases', what their code stands for. 5xx where the client may
// retry.
HttpResponse ErrorOf(const absl::Status& status);
// As above, with another HTTP status.
HttpResponse ErrorOf(const absl::Status& status, int code);

// Returns a response of `status` with a JSON body, as application/scim+json.
HttpResponse ScimResponse(int status, std::string body);

}  // namespace warder::http::scim

#endif  // WARDER_SERVER_HTTP_SCIM_ERROR_H_

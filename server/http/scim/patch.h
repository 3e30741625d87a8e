// SCIM PATCH (RFC 7644 section 3.5.2), in the dialects identity providers
// speak: operations in any case, paths with a schema before them, values
// without a path under plain, dotted and URN names.
#ifndef WARDER_SERVER_HTTP_SCIM_PATCH_H_
#define WARDER_SERVER_HTTP_SCIM_PATCH_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/base/strict_json.h"

namespace warder::http::scim {

// Returns `document` (see document.h) with the operations of `body` applied,
// all or none, normalized.
//
//   invalidSyntax  not a PatchOp message; an operation other than add, replace,
//                  remove; more than 100 of them
//   invalidPath    a path that names no attribute
//   invalidValue   a value that its attribute cannot have
//   noTarget       a remove without a path; a replace whose filter finds
//   nothing mutability     `id`, `meta` or `groups`; the removal of userName or
//   active
absl::StatusOr<Json> ApplyPatch(const Json& document, absl::string_view body);

}  // namespace warder::http::scim

#endif  // WARDER_SERVER_HTTP_SCIM_PATCH_H_

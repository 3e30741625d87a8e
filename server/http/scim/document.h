// Users as SCIM resources (RFC 7643 sections 2, 4.1, 4.3), and back.
//
// A document is what the feed said of a user, with known names written as the
// schema writes them. What it may not set (id, meta, groups) and must not be
// kept (password) is dropped; unknown attributes are kept.
#ifndef WARDER_SERVER_HTTP_SCIM_DOCUMENT_H_
#define WARDER_SERVER_HTTP_SCIM_DOCUMENT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/app/user_manager.h"
#include "server/base/strict_json.h"

namespace warder::http::scim {

inline constexpr char kCoreUser[] =
    "urn:ietf:params:scim:schemas:core:2.0:User";
inline constexpr char kEnterpriseUser[] =
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
// Ours: when a person leaves. employmentEndTime is an instant with an offset,
// or a day, which ends in the user's core attribute `timezone`.
inline constexpr char kEmploymentUser[] =
    "urn:warder:params:scim:schemas:extension:employment:2.0:User";

inline constexpr JsonLimits kBodyLimits = {.max_bytes = 64 * 1024,
                                           .max_depth = 16};

struct Urn {
  std::string schema;      // "" for the core schema
  absl::string_view rest;  // what follows it and a colon; may be empty
};
// Splits a name that begins with "urn:". An unknown schema ends with ":User",
// or else before the last colon.
Urn SplitUrn(absl::string_view text);

// Returns the name as the schema writes it, where it knows it (RFC 7643 section
// 2.1: names are compared without regard to case).
std::string CanonicalName(absl::string_view schema, absl::string_view name);

// Returns the member of an object, or nullptr; compared without regard to case.
const Json* FindMember(const Json& object, absl::string_view name);
Json* FindMember(Json& object, absl::string_view name);

// Returns what `value` says of `active`: true, false, or these as strings in
// any case, also within [{"value": ...}]. Anything else is invalidValue, and is
// never taken for active.
absl::StatusOr<bool> ParseActive(const Json& value);

// Returns the document of a request's body. invalidSyntax, invalidValue.
absl::StatusOr<Json> DocumentOf(absl::string_view body);
// As above, of a parsed object.
absl::StatusOr<Json> Normalize(const Json& object);

// Returns `user` with what the document says of him. Where it says nothing of
// `active`, he stays as he was. invalidValue naming the attribute.
absl::StatusOr<domain::User> UserOf(const Json& document, domain::User user);

// Returns the document as it was stored.
Json StoredDocument(const domain::User& user);

// Returns the whole resource; `location` is its URL.
Json ResourceOf(const domain::User& user, const std::string& location);

// Returns the ETag of a version: W/"7".
std::string VersionOf(const domain::User& user);

}  // namespace warder::http::scim

#endif  // WARDER_SERVER_HTTP_SCIM_DOCUMENT_H_

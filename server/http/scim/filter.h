// SCIM filters (RFC 7644 section 3.4.2.2): parsed once, asked of many
// resources.
//
//   userName eq "ann" and (emails[type eq "work"] or not (active eq true))
#ifndef WARDER_SERVER_HTTP_SCIM_FILTER_H_
#define WARDER_SERVER_HTTP_SCIM_FILTER_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/base/strict_json.h"

namespace warder::http::scim {

// "name.givenName", "urn:...:User:department", "emails".
struct AttributePath {
  std::string schema;     // a URN, or "" for the core schema
  std::string attribute;  // canonical where it is known, see document.h
  std::string sub;        // or ""
};

// Returns the path; invalidPath for anything that is not an attribute name of
// RFC 7643 section 2.1 with at most one sub-attribute.
absl::StatusOr<AttributePath> ParseAttributePath(absl::string_view text);

// Returns the value at `path` of a resource, or nullptr.
const Json* ValueAt(const Json& resource, const AttributePath& path);

// Immutable; thread-safe.
class Filter {
 public:
  // invalidFilter, naming the place, for what is no filter; for one longer than
  // 4 KiB, nested deeper than 16, or that compares what has no order.
  static absl::StatusOr<Filter> Parse(absl::string_view text);
  ~Filter();
  Filter(Filter&&) noexcept;
  Filter& operator=(Filter&&) noexcept;

  // Returns whether `value` is meant: a resource, or one value of a
  // multi-valued attribute. Strings compare without regard to case, but for id
  // and externalId.
  bool Matches(const Json& value) const;

  // Where the filter holds for one value of one attribute only ("x eq \"y\"",
  // alone or in an `and`), returns the first such of `attribute`.
  std::optional<std::string> Demands(absl::string_view attribute) const;

  // Adds to `object` what "a eq b and c eq d" demands, so that it matches.
  // Returns false where the filter says anything else.
  bool MakeMatch(Json& object) const;

  struct Node;

 private:
  explicit Filter(std::unique_ptr<Node> root);
  std::unique_ptr<Node> root_;
};

}  // namespace warder::http::scim

#endif  // WARDER_SERVER_HTTP_SCIM_FILTER_H_

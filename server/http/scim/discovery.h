// What the SCIM service says of itself (RFC 7643 sections 5 to 7).
#ifndef WARDER_SERVER_HTTP_SCIM_DISCOVERY_H_
#define WARDER_SERVER_HTTP_SCIM_DISCOVERY_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "server/base/strict_json.h"

namespace warder::http::scim {

inline constexpr int kMaxResults = 200;

// Returns the document of `path` below `base_url`: "/ServiceProviderConfig",
// "/ResourceTypes", "/ResourceTypes/User", "/Schemas", "/Schemas/{urn}";
// nullopt for any other.
std::optional<Json> DiscoveryDocument(absl::string_view path,
                                      const std::string& base_url);

// Returns a ListResponse of `resources`, `total` in all (RFC 7644
// section 3.4.2).
Json ListResponse(Json resources, int64_t total, int64_t start_index);

}  // namespace warder::http::scim

#endif  // WARDER_SERVER_HTTP_SCIM_DISCOVERY_H_

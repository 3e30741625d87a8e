// Etags of resources (AIP-154): whoever changes what he has read says which.
#ifndef WARDER_SERVER_APP_ETAG_H_
#define WARDER_SERVER_APP_ETAG_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace warder::app {

// Returns the etag of a row's rev: a quoted string (AIP-154).
std::string EtagOf(int64_t rev);

// Returns OK when `etag` is empty or names `rev`; ABORTED ETAG_MISMATCH.
absl::Status CheckEtag(absl::string_view name, absl::string_view etag,
                       int64_t rev);

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_ETAG_H_

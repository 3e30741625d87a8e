// Opaque page tokens (AIP-158): where a list goes on.
#ifndef WARDER_SERVER_APP_PAGE_TOKEN_H_
#define WARDER_SERVER_APP_PAGE_TOKEN_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace warder::app {

inline constexpr int kDefaultPageSize = 100;
inline constexpr int kMaxPageSize = 1000;

struct PageRequest {
  int size = 0;       // 0 means kDefaultPageSize; more than kMaxPageSize is cut
  std::string token;  // empty for the first page
};

template <typename T>
struct Page {
  std::vector<T> items;
  std::string next_token;  // empty after the last page
};

// Returns the size to use; INVALID_ARGUMENT `page_size` when negative.
absl::StatusOr<int> PageSize(const PageRequest& request);

// Returns a token for the list `kind` with filter text `filter` that goes on
// after `position`.
std::string MakePageToken(absl::string_view kind, absl::string_view filter,
                          absl::string_view position);

// Returns the position of a token, "" for an empty one; INVALID_ARGUMENT
// `page_token` when it was not made by MakePageToken for this list and filter.
absl::StatusOr<std::string> ParsePageToken(absl::string_view kind,
                                           absl::string_view filter,
                                           absl::string_view token);

// Positions of lists whose latest come first: of the last item its time and
// name. ParseTimePosition returns (InfiniteFuture, "") for "";
// INVALID_ARGUMENT `page_token`.
std::string TimePosition(absl::Time time, absl::string_view name);
absl::StatusOr<std::pair<absl::Time, std::string>> ParseTimePosition(
    const std::string& position);

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_PAGE_TOKEN_H_

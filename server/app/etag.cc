#include "server/app/etag.h"

#include "absl/strings/str_cat.h"
#include "server/base/error.h"

namespace warder::app {

std::string EtagOf(int64_t rev) { return absl::StrCat("\"", rev, "\""); }

absl::Status CheckEtag(absl::string_view name, absl::string_view etag,
                       int64_t rev) {
  if (etag.empty() || etag == EtagOf(rev)) return absl::OkStatus();
  return Error(absl::StatusCode::kAborted, Reason::kEtagMismatch,
               absl::StrCat(name, " has etag ", EtagOf(rev), ", not ",
                            etag.substr(0, 40),
                            ": it changed since it was read; read it again "
                            "and retry"));
}

}  // namespace warder::app

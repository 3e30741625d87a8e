#include "server/rpc/open_streams.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"

namespace warder::rpc {

absl::StatusOr<OpenStreams::Place> OpenStreams::Enter(
    const app::Caller& caller, grpc::ServerContext& context) {
  const std::string name = caller.Principal();
  MutexLock lock(&mu_);
  if (ending_) {
    return Error(absl::StatusCode::kUnavailable, Reason::kUnreachable,
                 "warderd ends; begin anew");
  }
  const auto mine = static_cast<size_t>(
      std::count_if(open_.begin(), open_.end(),
                    [&](const auto& entry) { return entry.second == name; }));
  if (open_.size() >= kMost || mine >= kMostOfOneCaller) {
    return Error(
        absl::StatusCode::kResourceExhausted, Reason::kRateLimited,
        absl::StrCat(name, " has ", mine, " streams open, all have ",
                     open_.size(), "; ", kMostOfOneCaller, " and ", kMost,
                     " are the most. Use one for all of a process"));
  }
  open_.emplace(&context, name);
  return Place(this, &context);
}

void OpenStreams::Leave(grpc::ServerContext* context) {
  MutexLock lock(&mu_);
  open_.erase(context);
}

void OpenStreams::End() {
  MutexLock lock(&mu_);
  ending_ = true;
  for (const auto& [context, name] : open_) context->TryCancel();
}

}  // namespace warder::rpc

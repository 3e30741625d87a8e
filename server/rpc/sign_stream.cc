#include "server/rpc/sign_stream.h"

#include <thread>
#include <utility>

#include "server/base/status_macros.h"
#include "server/rpc/status_convert.h"
#include "server/rpc/token_convert.h"

namespace warder::rpc {

void SignStream::Run() {
  std::thread reader([this] { Read(); });
  while (true) {
    const auto requests = Take();
    if (requests.empty()) break;
    if (!Answer(requests)) {
      context_.TryCancel();  // ends the read that waits
      break;
    }
  }
  {
    MutexLock lock(&mu_);
    over_ = true;
  }
  changed_.notify_all();
  reader.join();
}

void SignStream::Read() {
  v1::SignJwtRequest request;
  while (stream_.Read(&request)) {
    MutexLock lock(&mu_);
    while (!over_ && (waiting_.size() >= kMostWaiting ||
                      waiting_bytes_ >= kMostWaitingBytes)) {
      changed_.wait(mu_);
    }
    if (over_) break;
    waiting_bytes_ += request.ByteSizeLong();
    waiting_.push_back(std::move(request));
    request.Clear();
    changed_.notify_all();
  }
  MutexLock lock(&mu_);
  over_ = true;
  changed_.notify_all();
}

std::vector<v1::SignJwtRequest> SignStream::Take() {
  MutexLock lock(&mu_);
  while (waiting_.empty() && !over_) changed_.wait(mu_);
  changed_.notify_all();
  waiting_bytes_ = 0;
  return std::exchange(waiting_, {});
}

bool SignStream::Answer(const std::vector<v1::SignJwtRequest>& requests) {
  std::vector<v1::SignJwtStreamResponse> answers(requests.size());
  std::vector<IssuerId> names;  // of tokens[i]
  std::vector<app::SignedToken> tokens;
  std::vector<size_t> places;  // of its answer
  names.reserve(requests.size());
  for (size_t i = 0; i < requests.size(); ++i) {
    const auto sign = [&]() -> absl::StatusOr<app::SignedToken> {
      ASSIGN_OR_RETURN(const auto command, ToCommand(requests[i]));
      RETURN_IF_ERROR(signer_.Admit(call_, command.issuer));
      ASSIGN_OR_RETURN(app::SignedToken token,
                       signer_.SignUnrecorded(call_, command));
      names.push_back(command.issuer);
      return token;
    };
    auto token = sign();
    if (token.ok()) {
      tokens.push_back(*std::move(token));
      places.push_back(i);
    } else {
      *answers[i].mutable_error() = ToErrorStatus(token.status());
    }
  }
  std::vector<const IssuerId*> issuers;
  for (const IssuerId& name : names) issuers.push_back(&name);
  const absl::Status recorded =
      signer_.Record(call_.caller.name, issuers, tokens);
  for (size_t i = 0; i < tokens.size(); ++i) {
    v1::SignJwtStreamResponse& answer = answers[places[i]];
    if (recorded.ok()) {
      ToProto(std::move(tokens[i]), answer.mutable_token());
    } else {
      *answer.mutable_error() = ToErrorStatus(recorded);
    }
  }
  for (const v1::SignJwtStreamResponse& answer : answers) {
    if (!stream_.Write(answer)) return false;
  }
  return true;
}

}  // namespace warder::rpc

#include "client/cli/context.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

#include "server/base/error.h"
#include "server/base/status_macros.h"

namespace warder::cli {
namespace {

std::string Environment(const std::string& name) {
  const char* value = getenv(name.c_str());
  return value == nullptr ? "" : value;
}

}  // namespace

ExitCode ExitCodeOf(const absl::Status& status) {
  // A certificate of ours that is missing or has expired: nobody knows us.
  if (ReasonOf(status) == ReasonName(Reason::kCertificate)) return kNotAllowed;
  switch (status.code()) {
    case absl::StatusCode::kOk: return kDone;
    case absl::StatusCode::kInvalidArgument: return kUsage;
    case absl::StatusCode::kNotFound: return kNoSuchResource;
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated: return kNotAllowed;
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kAborted: return kWrongState;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded: return kDoesNotAnswer;
    case absl::StatusCode::kDataLoss: return kDoesNotVerify;
    default: return kFailed;
  }
}

absl::StatusOr<client::Profile> Context::Profile() const {
  return client::LoadProfile(profile_file, Environment);
}

absl::StatusOr<client::Client*> Context::Connect() {
  if (client_ == nullptr) {
    ASSIGN_OR_RETURN(const client::Profile profile, Profile());
    ASSIGN_OR_RETURN(
        client_,
        client::Client::Connect(
            profile, random_, clock_.TimeNow(), [](absl::Duration d) {
              std::this_thread::sleep_for(absl::ToChronoMilliseconds(d));
            }));
  }
  return client_.get();
}

void Context::Sleep(absl::Duration duration) {
  std::this_thread::sleep_for(absl::ToChronoMilliseconds(duration));
}

void Context::Print(const google::protobuf::Message& message,
                    const std::string& text) {
  if (json) {
    std::cout << MessageJson(message) << "\n";
    return;
  }
  if (plan) std::cout << "Plan only: nothing was changed. It would be:\n\n";
  std::cout << text;
}

void Context::PrintText(const std::string& text) { std::cout << text; }

void AddPlan(CLI::App* command, Context& context) {
  command->add_flag("--plan", context.plan,
                    "show what would happen; change nothing");
}

absl::Status WriteNewFile(const std::string& path, const std::string& text,
                          mode_t mode) {
  const int fd =
      open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  const bool good = fd >= 0 && write(fd, text.data(), text.size()) ==
                                   static_cast<ssize_t>(text.size());
  const int error = errno;
  if (fd >= 0) close(fd);
  if (good) return absl::OkStatus();
  return Precondition(
      Reason::kConfiguration,
      absl::StrCat(path, " cannot be written: ", strerror(error),
                   error == EEXIST ? "; move it away or use --out" : ""));
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::stringstream text;
  if (path == "-") {
    text << std::cin.rdbuf();
    return text.str();
  }
  std::ifstream in(path, std::ios::binary);
  text << in.rdbuf();
  if (in) return text.str();
  return FieldError("FILE", absl::StrCat("\"", path, "\" cannot be read"));
}

}  // namespace warder::cli

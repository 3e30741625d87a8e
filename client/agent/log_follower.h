// A file that others append to, line by line, across rotation and restarts.
#ifndef WARDER_CLIENT_AGENT_LOG_FOLLOWER_H_
#define WARDER_CLIENT_AGENT_LOG_FOLLOWER_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/agent/log_line.h"

namespace warder::agent {

// Where to go on: the file's number in its file system, and the byte.
struct LogPosition {
  uint64_t file = 0;
  int64_t offset = 0;
};

// Not thread-safe.
class LogFollower {
 public:
  // Begins at the end of the file; or where `from` says, if it is that file
  // still, or has become PATH.1; or, where that is gone, with all of the file.
  explicit LogFollower(std::string path, LogPosition from = {})
      : path_(std::move(path)), position_(from) {}
  ~LogFollower() { Close(); }
  LogFollower(const LogFollower&) = delete;
  LogFollower& operator=(const LogFollower&) = delete;

  // Calls `visit` with each whole line since the last time, up to about
  // kMostBytes of them; a file that took this one's place is read from its
  // beginning, after what was left of the former. A line past kLongestLogLine
  // is left out. Does not wait for more. Returns whether there is more to read.
  //   UNAVAILABLE  it is not there, or cannot be read; tried anew the next time
  absl::StatusOr<bool> Read(absl::FunctionRef<void(absl::string_view)> visit);

  // Of the first line that has not been visited.
  LogPosition position() const { return position_; }
  int64_t left_out() const { return left_out_; }

 private:
  static constexpr size_t kMostBytes = 4 << 20;

  absl::Status Open();
  // Opens the file if it is the one that the position is in.
  bool OpenAt(const std::string& path);
  void Close();
  // Reads what there is into lines. Returns how many bytes.
  absl::StatusOr<size_t> ReadSome(
      absl::FunctionRef<void(absl::string_view)> visit);

  const std::string path_;
  LogPosition position_;
  bool begun_ = false;  // the first file was opened
  int fd_ = -1;
  std::string pending_;    // of a line that is not whole yet
  bool skipping_ = false;  // the rest of a line that is too long
  int64_t left_out_ = 0;
};

}  // namespace warder::agent

#endif  // WARDER_CLIENT_AGENT_LOG_FOLLOWER_H_

// warder-agent tail: tells the server which tokens a gateway's access log
// shows, for gateways beside which nothing else of ours runs.
#ifndef WARDER_CLIENT_AGENT_TAIL_H_
#define WARDER_CLIENT_AGENT_TAIL_H_

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/agent/log_line.h"
#include "client/observe.h"
#include "client/profile.h"
#include "client/verify/verifier.h"
#include "server/base/clock.h"

namespace warder::agent {

struct TailConfig {
  client::Profile server;  // address, certificate, private_key, authority
  std::string instance;    // default: the host's name
  std::vector<std::string> files;
  LogFields fields;
  // "issuers/shop", and the `iss` of its tokens, below which its key set is
  // published.
  std::vector<std::pair<std::string, std::string>> issuers;
  // PEM file of the CAs that key sets' servers prove themselves to; empty: the
  // system's.
  std::string key_set_authority;
  client::VerifierOptions verify;
  // The log has tokens without their signatures, of requests that the gateway
  // let pass because it verified them itself. Otherwise it has whole tokens,
  // and they are verified here: what anybody writes into a header is no news.
  bool trust_log = false;
  std::string state_directory;  // empty: a start begins at the end of the files
  std::string log_level = "info";
};

// Reads a YAML file; tail.sample.yaml says what it holds.
//   INVALID_ARGUMENT  CONFIGURATION: naming the line
absl::StatusOr<TailConfig> ReadTailConfig(const std::string& path);

// What becomes of the lines. Not thread-safe.
class LogReader {
 public:
  // All outlive this.
  LogReader(const TailConfig& config, Clock& clock, client::Observer& observer);

  // Takes one line. One that cannot be read is counted.
  void Take(absl::string_view line);

  // Fetches the key sets, where they are older than kFetchEvery; those that
  // cannot be had stay as they are. Blocks for that.
  void KeepKeySets();

  int64_t unreadable() const { return unreadable_; }

 private:
  static constexpr absl::Duration kFetchEvery = absl::Seconds(30);
  static constexpr absl::Duration kSayEvery = absl::Seconds(10);
  static constexpr size_t kMostUnknownIssuers = 100;

  void Believe(const LoggedToken& logged);
  // Tokens of this `iss` pass the gateway, and Warder knows of no such issuer:
  // somebody signs, and nobody watches. Said once for each.
  void NoteUnknownIssuer(const std::string& uri);
  // It passed the gateway, and is none that Warder would have signed.
  void NoteOdd(const LoggedToken& logged, absl::string_view why);

  const TailConfig& config_;
  Clock& clock_;
  client::Observer& observer_;
  client::Verifier verifier_;
  absl::Duration fetched_ = -absl::InfiniteDuration();  // uptime
  absl::Duration said_ = -absl::InfiniteDuration();     // uptime
  int64_t unreadable_ = 0;
  int64_t odd_ = 0;
  std::set<std::string> unknown_issuers_;  // that were said
};

// Follows the files until SIGTERM or SIGINT, which the caller has blocked.
//   FAILED_PRECONDITION  CERTIFICATE
absl::Status Tail(const TailConfig& config);

}  // namespace warder::agent

#endif  // WARDER_CLIENT_AGENT_TAIL_H_

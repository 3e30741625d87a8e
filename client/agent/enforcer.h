// What one agent enforces: takes key sets from the stream, checks tokens by
// them, keeps them for the next start and, as files, for others.
//
// A set is acknowledged after all of that: the next start must not bring back a
// key of which the server was told that it is refused here.
#ifndef WARDER_CLIENT_AGENT_ENFORCER_H_
#define WARDER_CLIENT_AGENT_ENFORCER_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/agent/config.h"
#include "client/verify/verifier.h"
#include "client/watch.h"
#include "server/base/clock.h"
#include "server/base/mutex.h"

namespace warder::agent {

// Thread-safe.
class Enforcer : public client::KeySetSink {
 public:
  // That the server confirmed, and nothing else, is written this often, and
  // three times within the bound of staleness.
  static constexpr absl::Duration kKeepEvery = absl::Seconds(20);

  // `config` is valid; `clock` outlives this.
  Enforcer(const Config& config, Clock& clock);

  // Takes what the process before left, unless it is past the bound of
  // staleness. A file that cannot be read is said and passed over: the stream
  // brings the sets.
  void Load();

  absl::Status Apply(const client::PublishedSet& set) override;
  void Confirm(const std::vector<std::string>& issuers,
               absl::Duration age) override;
  std::map<std::string, std::string> Held() override;

  // Takes the files of key sets away where their sets may be used no more, and
  // puts them back once they may: nobody asks a file how old it is. Call every
  // second or so.
  void KeepFilesFresh();
  // Takes them away for good: nobody keeps them current from now on.
  void WithdrawFiles();

  const client::Verifier& verifier() const { return verifier_; }
  // See Verifier::ForgetVerified.
  void ForgetVerified() { verifier_.ForgetVerified(); }
  // Checks tokens for /probe; nullptr where there is none.
  const client::Verifier* probe() const { return probe_ ? &*probe_ : nullptr; }

 private:
  absl::Status Keep() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ShowFiles(bool shown) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::string FileOf(const std::string& issuer) const;
  // Under the lock, so that no older set is written over a newer one.
  absl::Status WriteKeySet(const client::PublishedSet& set)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const absl::Duration keep_every_;
  const std::string state_file_;         // empty: nothing is kept
  const std::string key_set_directory_;  // empty: no files
  Clock& clock_;
  client::Verifier verifier_;
  std::optional<client::Verifier> probe_;
  Mutex mu_;
  // What the next start would begin with: no more is said to be enforced.
  std::map<std::string, std::string> held_ ABSL_GUARDED_BY(mu_);
  absl::Time confirmed_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
  // What of it is on the disk.
  absl::Time kept_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
  // No file is there, as far as is known: what the last process left may have
  // gone with it.
  bool withdrawn_ ABSL_GUARDED_BY(mu_) = true;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;  // no file is written any more
};

}  // namespace warder::agent

#endif  // WARDER_CLIENT_AGENT_ENFORCER_H_

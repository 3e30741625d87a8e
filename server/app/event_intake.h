// Security events from outside: identity providers that report accounts as
// disabled or purged by SETs (RFC 8417, RISC 1.0), pushed by RFC 8935.
//
// A transmitter is a feed like any other: what it reports goes through the same
// intake and brake as SCIM does, and whom it names is kept, owner or not. As a
// feed it is called transmitters/NAME, which no SCIM client can be.
#ifndef WARDER_SERVER_APP_EVENT_INTAKE_H_
#define WARDER_SERVER_APP_EVENT_INTAKE_H_

#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "server/app/change_runner.h"
#include "server/app/feed_access.h"
#include "server/app/outbound.h"
#include "server/app/user_manager.h"
#include "server/base/mutex.h"
#include "server/domain/subscription.h"

namespace warder::app {

struct CreateTransmitterCommand {
  std::string id;
  std::string issuer;
  std::string audience;
  std::string jwks_url;  // one of these two
  std::string jwks;
};

// Thread-safe. Errors common to all with a Request: PERMISSION_DENIED; what
// ChangeRunner::Run lists.
class EventIntake {
 public:
  // All outlive this.
  EventIntake(ChangeRunner& runner, UserManager& users, FeedAccess& feeds,
              HttpClient& http, SecurityEventVerifier& verifier)
      : runner_(runner),
        users_(users),
        feeds_(feeds),
        http_(http),
        verifier_(verifier) {}
  ~EventIntake() { Stop(); }

  // Starts the thread that fetches key sets again, so that Take waits a second
  // for one at most. Call once.
  void Start();
  // Ends it and waits for it. May be called again.
  void Stop();

  // Believes a transmitter from now on. Blocks for the fetch of its key set.
  //
  //   ALREADY_EXISTS
  //   INVALID_ARGUMENT  transmitter_id, issuer, audience, jwks_url, jwks
  //   UNAVAILABLE       UNREACHABLE: its key set cannot be fetched
  absl::StatusOr<domain::Transmitter> Create(
      const Request& request, const CreateTransmitterCommand& command);
  absl::StatusOr<std::vector<domain::Transmitter>> List(const Request& request);
  // Believes it no more. NOT_FOUND.
  absl::Status Delete(const Request& request, const std::string& feed);

  // What became of a SET.
  struct Answer {
    // kNone: taken, or nothing that is listened to.
    SecurityEventError error = SecurityEventError::kNone;
    std::string description;
    // What keeps the service from taking it now; the transmitter tries again.
    absl::Status failure;
  };

  // Takes a SET that came for `feed`, from anybody: its signature says whose it
  // is. account-disabled and account-purged depart the owner at the event's
  // time, account-enabled calls a departure off that is to come; no key comes
  // back. Of one subject, what is no newer than what was heard already changes
  // nothing, so that a replay does not. Other events are taken and change
  // nothing. Blocks for a store transaction, and for a second where a key set
  // has to be fetched: for an unknown key, or after an hour.
  //
  // In `failure`: NOT_FOUND: no such transmitter. UNAVAILABLE UNREACHABLE: the
  // key is not known, and the key set could not be fetched just now.
  Answer Take(const std::string& feed, absl::string_view set);

 private:
  absl::StatusOr<std::string> Fetch(const std::string& jwks_url);
  // Fetches the key set of `feed` again and stores it.
  absl::Status Renew(const std::string& feed);
  // Has it renewed, unless that was tried within the minute; waits for a
  // second. Returns whether it was.
  bool AwaitRenewal(const std::string& feed);
  absl::StatusOr<domain::Transmitter> Get(const std::string& feed);
  Answer TakeEvents(const domain::Transmitter& transmitter, const Json& claims);
  absl::Status Hear(const domain::Transmitter& transmitter,
                    const std::string& event, const Json& claims,
                    const Json& payload);
  // When the claims were said, by `iat`; never in the future.
  absl::Time SaidAt(const Json& claims);
  void FetchKeySets();

  ChangeRunner& runner_;
  UserManager& users_;
  FeedAccess& feeds_;
  HttpClient& http_;
  SecurityEventVerifier& verifier_;

  Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::set<std::string> wanted_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, absl::Duration> tried_ ABSL_GUARDED_BY(mu_);  // uptime
  std::map<std::string, int64_t> renewals_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_EVENT_INTAKE_H_

// Security events from outside: identity providers that report accounts as
// disabled or purged by SETs (RFC 8417, RISC 1.0), pushed by RFC 8935.
//
// A transmitter is a feed like any other: what it reports goes through the same
// intake and brake as SCIM does, and whom it names is kept, owner or not.
#ifndef WARDER_SERVER_APP_EVENT_INTAKE_H_
#define WARDER_SERVER_APP_EVENT_INTAKE_H_

#include <map>
#include <string>
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
  std::string feed;
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
              HttpClient& http, SetVerifier& verifier)
      : runner_(runner),
        users_(users),
        feeds_(feeds),
        http_(http),
        verifier_(verifier) {}

  // Believes a transmitter from now on, or changes what is believed of it.
  // Blocks for the fetch of its key set.
  //
  //   INVALID_ARGUMENT  feed, issuer, audience, jwks_url, jwks
  //   UNAVAILABLE       UNREACHABLE: its key set cannot be fetched
  absl::StatusOr<domain::Transmitter> Create(
      const Request& request, const CreateTransmitterCommand& command);
  absl::StatusOr<std::vector<domain::Transmitter>> List(const Request& request);
  // Believes it no more. NOT_FOUND.
  absl::Status Delete(const Request& request, const std::string& feed);

  // What became of a SET.
  struct Answer {
    // kNone: taken, or nothing that is listened to.
    SetError error = SetError::kNone;
    std::string description;
    // What keeps the service from taking it now; the transmitter tries again.
    absl::Status failure;
  };

  // Takes a SET that came for `feed`, from anybody: its signature says whose it
  // is. account-disabled and account-purged depart the owner at the event's
  // time, account-enabled calls a departure off that is to come; no key comes
  // back. Of one subject, what is older than what was heard already changes
  // nothing, so that a replay does not. Other events are taken and change
  // nothing. Blocks for a store transaction, and, once a minute at most and
  // where a key is unknown, for a fetch of the key set. NOT_FOUND in `failure`:
  // no such transmitter.
  Answer Take(const std::string& feed, absl::string_view set);

 private:
  absl::StatusOr<std::string> Fetch(const std::string& jwks_url);
  // Fetches its key set again where that is due; returns whether it is another
  // one now.
  bool Refresh(domain::Transmitter& transmitter, bool unknown_key);
  Answer TakeEvents(const std::string& feed, const Json& claims);
  absl::Status Hear(const std::string& feed, const std::string& event,
                    const Json& claims, const Json& payload);

  ChangeRunner& runner_;
  UserManager& users_;
  FeedAccess& feeds_;
  HttpClient& http_;
  SetVerifier& verifier_;
  Mutex mu_;
  std::map<std::string, absl::Duration> tried_ ABSL_GUARDED_BY(mu_);  // uptime
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_EVENT_INTAKE_H_

// A person as HR's system or an identity provider knows him. Plain values.
//
// A user is not an owner: most employees answer for no key. Where a user and an
// owner are one person, the rule of the feed says so (MatchRule).
#ifndef WARDER_SERVER_DOMAIN_USER_H_
#define WARDER_SERVER_DOMAIN_USER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/base/ids.h"
#include "server/domain/owner.h"

namespace warder::domain {

// Which of a user's names is compared with what an owner's record says.
enum class MatchRule { kExternalId, kUserName, kEmail };

absl::string_view MatchRuleName(MatchRule rule);
// Returns the rule of "external_id", "user_name", "email"; INVALID_ARGUMENT.
absl::StatusOr<MatchRule> ParseMatchRule(absl::string_view field,
                                         absl::string_view name);

struct User {
  std::string id;           // made by the service
  std::string feed;         // who told of him
  std::string external_id;  // the feed's own ID
  std::string user_name;    // unique in the feed, without regard to case
  std::vector<std::string> emails;
  bool active = true;
  // When the person leaves, as the feed says it, and the zone it was said in.
  std::optional<absl::Time> leave_time;
  std::string time_zone;
  // All the feed said of him, as a JSON object.
  std::string document;
  // Whom he was matched with; empty while nobody answers to his names.
  OwnerId owner;
  // The feed has deleted him; kept, so that nobody of that name gets a key.
  bool deleted = false;
  absl::Time create_time;
  absl::Time update_time;
  int64_t rev = 0;

  friend bool operator==(const User&, const User&) = default;
};

// Returns `name` as names are compared: ASCII letters in lower case.
std::string FoldName(absl::string_view name);

// Returns what the feed says of his being gone; an end of employment that has
// come is as good as a word.
bool HasLeft(const User& user, absl::Time now);

// Returns the user's names that `rule` compares, folded; where he has none, his
// user name.
std::vector<std::string> MatchNames(const User& user, MatchRule rule);

// Returns the name that `rule` compares for an owner, folded: his external_id,
// else, by e-mail, his contact, else his ID.
std::string MatchName(const Owner& owner, MatchRule rule);

// A departure that waits for a human word: too many came at once.
struct HeldDeparture {
  OwnerId owner;
  std::optional<absl::Time> instant;  // unset: when it was reported
  absl::Time report_time;
  std::string reported_by;
  std::string source;
  std::string time_zone;
  // Somebody said that it is wrong; kept until HR takes it back.
  bool rejected = false;

  friend bool operator==(const HeldDeparture&, const HeldDeparture&) = default;
};

// A credential of a feed; the secret itself is not kept.
struct FeedToken {
  std::string id;  // stands in the token, in clear
  std::string feed;
  std::string hash;  // base64url SHA-256 of the token
  std::string created_by;
  absl::Time create_time;
  absl::Time expire_time;
  std::optional<absl::Time> revoke_time;
};

// A source of news about people, and when it was last heard of.
struct Feed {
  std::string name;
  absl::Time first_seen;
  absl::Time last_seen;
  // Since when its silence is an alarm; unset while it is heard.
  std::optional<absl::Time> silent_since;
};

}  // namespace warder::domain

#endif  // WARDER_SERVER_DOMAIN_USER_H_

// Use cases on keys: issue, look, revoke, suspend, resume, drain; and decoys.
#ifndef WARDER_SERVER_APP_KEY_MANAGER_H_
#define WARDER_SERVER_APP_KEY_MANAGER_H_

#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "server/app/change_runner.h"
#include "server/app/page_token.h"
#include "server/domain/key.h"

namespace warder::app {

struct RevokeCommand {
  IssuerId issuer;
  KeyId key;
  domain::RevocationReason reason = domain::RevocationReason::kUnspecified;
};

struct HoneyKeyMade {
  domain::Key key;
  std::string private_pem;  // nobody has it afterwards
};

// Thread-safe. Errors common to all: PERMISSION_DENIED; what ChangeRunner::Run
// lists. An owner sees his own keys only; others' are NOT_FOUND to him.
class KeyManager {
 public:
  explicit KeyManager(ChangeRunner& runner) : runner_(runner) {}

  // Publishes a PENDING key that is to sign when the current one's rotation
  // period is over. Blocks for key generation when no spare is there.
  //
  //   NOT_FOUND; INVALID_ARGUMENT: the policy does not list the algorithm;
  //   FAILED_PRECONDITION WRONG_STATE, ISSUER_ORPHANED, DEPUTY_REQUIRED,
  //   TOO_MANY_PUBLISHED_KEYS
  absl::StatusOr<domain::Key> Issue(const Request& request,
                                    const IssuerId& issuer,
                                    std::optional<domain::Algorithm> algorithm);

  // NOT_FOUND.
  absl::StatusOr<domain::Key> Get(const Request& request,
                                  const IssuerId& issuer, const KeyId& key);

  absl::StatusOr<Page<domain::Key>> List(const Request& request,
                                         KeyFilter filter,
                                         const PageRequest& page);

  // Revokes `command.key` and returns it as stored. After OK, this process's
  // key set lacks the key and, if it signed, its successor signs.
  //
  // Idempotent: a key already revoked is returned unchanged, first reason and
  // time kept. Blocks for one store transaction; never for the vault, the
  // rotation loop or a reader.
  //
  //   NOT_FOUND  no such key, or the caller may not see it
  absl::StatusOr<domain::Key> Revoke(const Request& request,
                                     const RevokeCommand& command);

  // See domain::Suspend and domain::Resume.
  absl::StatusOr<domain::Key> Suspend(const Request& request,
                                      const IssuerId& issuer, const KeyId& key);
  absl::StatusOr<domain::Key> Resume(const Request& request,
                                     const IssuerId& issuer, const KeyId& key);

  // See domain::Drain; its last token is the last that is known to be alive.
  absl::StatusOr<domain::Key> Drain(const Request& request,
                                    const IssuerId& issuer, const KeyId& key);

  // Makes a decoy, see domain::Plant. That the caller had it in hand is on
  // record. Blocks for key generation. A dry run makes a key, too, and shows
  // nothing of it.
  //
  //   NOT_FOUND; as domain::Plant; UNAVAILABLE VAULT_UNAVAILABLE
  absl::StatusOr<HoneyKeyMade> CreateHoney(
      const Request& request, const IssuerId& issuer, const std::string& place,
      std::optional<domain::Algorithm> algorithm);

 private:
  // Loads the draft with the key in it, lets `decide` change it, saves it.
  absl::StatusOr<domain::Key> ChangeKey(
      const Request& request, ChangeRunner::Urgency urgency, bool own_only,
      const IssuerId& issuer, const KeyId& key,
      absl::FunctionRef<absl::Status(domain::IssuerDraft&, Change&)> decide);

  ChangeRunner& runner_;
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_KEY_MANAGER_H_

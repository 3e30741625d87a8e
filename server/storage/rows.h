// Columns, and the structs they become. Each row type lists its columns once
// and binds them in that order: in kColumns, or, where rows are updated, those
// that never change in kFixed and the others in kChanges.
#ifndef WARDER_SERVER_STORAGE_ROWS_H_
#define WARDER_SERVER_STORAGE_ROWS_H_

#include <soci/soci.h>

#include <string>

#include "absl/status/statusor.h"
#include "server/app/store.h"

namespace warder::storage {

struct OwnerRow {
  static constexpr char kFixed[] = "id, kind, create_us";
  static constexpr char kChanges[] =
      "display_name, contact, external_id, deputy, state, update_us, "
      "depart_us, confirm_us, overdue_us, suspend_us, suspended_by, rev";
  std::string id, kind, display_name, contact, external_id, deputy, state,
      suspended_by;
  long long create_us = 0, update_us = 0, depart_us = 0, confirm_us = 0,
            overdue_us = 0, suspend_us = 0, rev = 0;

  template <typename F>
  void ForEachFixed(F f) {
    f(id), f(kind), f(create_us);
  }
  template <typename F>
  void ForEachChange(F f) {
    f(display_name), f(contact), f(external_id), f(deputy), f(state),
        f(update_us), f(depart_us), f(confirm_us), f(overdue_us), f(suspend_us),
        f(suspended_by), f(rev);
  }
  void From(const domain::Owner& owner);
  absl::StatusOr<domain::Owner> To() const;  // without members
};

struct IssuerRow {
  static constexpr char kFixed[] =
      "id, issuer_uri, drill, tombstone_jwk, create_us";
  static constexpr char kChanges[] =
      "display_name, state, owner, deputy_vacant, policy, grants, legal_hold, "
      "revision, rev, update_us, cached_until_us, next_due_us";
  std::string id, issuer_uri, display_name, state, owner, policy, grants,
      tombstone_jwk;
  long long drill = 0, deputy_vacant = 0, legal_hold = 0, revision = 0, rev = 0,
            create_us = 0, update_us = 0, cached_until_us = 0, next_due_us = 0;

  template <typename F>
  void ForEachFixed(F f) {
    f(id), f(issuer_uri), f(drill), f(tombstone_jwk), f(create_us);
  }
  template <typename F>
  void ForEachChange(F f) {
    f(display_name), f(state), f(owner), f(deputy_vacant), f(policy), f(grants),
        f(legal_hold), f(revision), f(rev), f(update_us), f(cached_until_us),
        f(next_due_us);
  }
  void From(const domain::Issuer& issuer, absl::Time next_due);
  absl::StatusOr<domain::Issuer> To() const;  // without deputies
};

// The owner of a key changes by a statement of its own: one that names `owner`
// makes the engine look at the owners' table for every row.
struct KeyRow {
  static constexpr char kFixed[] =
      "issuer, id, algorithm, kind, owner, signer, place, public_jwk, "
      "create_us";
  static constexpr char kChanges[] =
      "state, sealed, publish_us, publish_revision, activate_us, retire_us, "
      "until_us, lease_us, drain_us, "
      "suspend_us, suspended_by, suspended_from, revoke_us, reason, "
      "revoked_by, rev";
  std::string issuer, id, algorithm, kind, state, owner, signer, place,
      public_jwk, sealed, suspended_by, suspended_from, reason, revoked_by;
  long long create_us = 0, publish_us = 0, publish_revision = 0,
            activate_us = 0, retire_us = 0, until_us = 0, lease_us = 0,
            drain_us = 0, suspend_us = 0, revoke_us = 0, rev = 0;

  template <typename F>
  void ForEachFixed(F f) {
    f(issuer), f(id), f(algorithm), f(kind), f(owner), f(signer), f(place),
        f(public_jwk), f(create_us);
  }
  template <typename F>
  void ForEachChange(F f) {
    f(state), f(sealed), f(publish_us), f(publish_revision), f(activate_us),
        f(retire_us), f(until_us), f(lease_us), f(drain_us), f(suspend_us),
        f(suspended_by), f(suspended_from), f(revoke_us), f(reason),
        f(revoked_by), f(rev);
  }
  void From(const domain::Key& key);
  absl::StatusOr<domain::Key> To() const;
};

// What a snapshot needs of a published key; a start reads them all.
struct PublishedKeyRow {
  static constexpr char kColumns[] =
      "issuer, id, algorithm, kind, signer, place, state, public_jwk, sealed, "
      "publish_us, activate_us, until_us, lease_us, drain_us";
  std::string issuer, id, algorithm, kind, signer, place, state, public_jwk,
      sealed;
  long long publish_us = 0, activate_us = 0, until_us = 0, lease_us = 0,
            drain_us = 0;

  template <typename F>
  void ForEachColumn(F f) {
    f(issuer), f(id), f(algorithm), f(kind), f(signer), f(place), f(state),
        f(public_jwk), f(sealed), f(publish_us), f(activate_us), f(until_us),
        f(lease_us), f(drain_us);
  }
  absl::StatusOr<domain::Key> To() const;
};

struct SpareRow {
  static constexpr char kColumns[] =
      "issuer, id, algorithm, public_jwk, sealed, create_us";
  std::string issuer, id, algorithm, public_jwk, sealed;
  long long create_us = 0;

  template <typename F>
  void ForEachColumn(F f) {
    f(issuer), f(id), f(algorithm), f(public_jwk), f(sealed), f(create_us);
  }
  void From(const domain::Spare& spare);
  absl::StatusOr<domain::Spare> To() const;
};

struct ExposureRow {
  static constexpr char kColumns[] =
      "issuer, key, person, kind, from_us, until_us";
  std::string issuer, key, person, kind;
  long long from_us = 0, until_us = 0;

  template <typename F>
  void ForEachColumn(F f) {
    f(issuer), f(key), f(person), f(kind), f(from_us), f(until_us);
  }
  void From(const domain::Exposure& exposure);
  absl::StatusOr<domain::Exposure> To() const;
};

struct DeclaredExposureRow {
  static constexpr char kColumns[] =
      "issuer, key, person, kind, from_us, until_us, declared_by, note";
  ExposureRow fact;
  std::string declared_by, note;

  template <typename F>
  void ForEachColumn(F f) {
    fact.ForEachColumn(f);
    f(declared_by), f(note);
  }
  void From(const domain::Exposure& exposure);
  absl::StatusOr<domain::Exposure> To() const;
};

struct CustodyRow {
  static constexpr char kColumns[] =
      "person, kind, from_us, until_us, declared_by, note";
  std::string person, kind, declared_by, note;
  long long from_us = 0, until_us = 0;

  template <typename F>
  void ForEachColumn(F f) {
    f(person), f(kind), f(from_us), f(until_us), f(declared_by), f(note);
  }
  void From(const domain::Custody& custody);
  absl::StatusOr<domain::Custody> To() const;
};

struct EventRow {
  static constexpr char kColumns[] =
      "sequence, time_us, actor, action, resource, denied, detail, request_id, "
      "previous_hash, hash";
  std::string actor, action, resource, detail, request_id, previous_hash, hash;
  long long sequence = 0, time_us = 0, denied = 0;

  template <typename F>
  void ForEachColumn(F f) {
    f(sequence), f(time_us), f(actor), f(action), f(resource), f(denied),
        f(detail), f(request_id), f(previous_hash), f(hash);
  }
  void From(const domain::AuditEvent& event);
  absl::StatusOr<domain::AuditEvent> To() const;
};

struct RequestRow {
  static constexpr char kColumns[] =
      "principal, request_id, method, fingerprint, result, create_us";
  std::string principal, request_id, method, fingerprint, result;
  long long create_us = 0;

  template <typename F>
  void ForEachColumn(F f) {
    f(principal), f(request_id), f(method), f(fingerprint), f(result),
        f(create_us);
  }
  void From(const app::RequestRecord& record);
  absl::StatusOr<app::RequestRecord> To() const;
};

struct DepartureRow {
  static constexpr char kColumns[] =
      "owner, instant_us, report_us, reported_by, source, time_zone, done, "
      "effect_us, outcome, changes, late, late_count, released_by";
  std::string owner, reported_by, source, time_zone, outcome, changes, late,
      released_by;
  long long instant_us = 0, report_us = 0, done = 0, effect_us = 0,
            late_count = 0;

  template <typename F>
  void ForEachColumn(F f) {
    f(owner), f(instant_us), f(report_us), f(reported_by), f(source),
        f(time_zone), f(done), f(effect_us), f(outcome), f(changes), f(late),
        f(late_count), f(released_by);
  }
  void From(const domain::Departure& departure);
  absl::StatusOr<domain::Departure> To() const;
};

// Policy and grants as JSON text, and back.
std::string WritePolicy(const domain::Policy& policy);
absl::StatusOr<domain::Policy> ReadPolicy(const std::string& text);
std::string WriteGrants(const std::vector<domain::Grant>& grants);
absl::StatusOr<std::vector<domain::Grant>> ReadGrants(const std::string& text);

}  // namespace warder::storage

#endif  // WARDER_SERVER_STORAGE_ROWS_H_

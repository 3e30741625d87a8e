// Columns of gateways, their views, revocations and confirmations, and the
// structs they become. See rows.h.
#ifndef WARDER_SERVER_STORAGE_GATEWAY_ROWS_H_
#define WARDER_SERVER_STORAGE_GATEWAY_ROWS_H_

#include <string>

#include "absl/status/statusor.h"
#include "server/app/gateway_store.h"
#include "server/domain/canary.h"
#include "server/domain/drill.h"
#include "server/domain/gateway.h"
#include "server/domain/revocation.h"

namespace warder::storage {

struct GatewayRow {
  static constexpr char kFixed[] = "id, created_by, create_us";
  static constexpr char kChanges[] =
      "display_name, contact, consumer, version, reach, issuers, cache_us, "
      "fetch_sources, probe, issuance_modes, update_us, rev";
  std::string id, created_by, display_name, contact, consumer, version, reach,
      issuers, fetch_sources, probe, issuance_modes;
  long long create_us = 0, cache_us = 0, update_us = 0, rev = 0;

  template <typename F>
  void ForEachFixed(F f) {
    f(id), f(created_by), f(create_us);
  }
  template <typename F>
  void ForEachChange(F f) {
    f(display_name), f(contact), f(consumer), f(version), f(reach), f(issuers),
        f(cache_us), f(fetch_sources), f(probe), f(issuance_modes),
        f(update_us), f(rev);
  }
  void From(const domain::Gateway& gateway);
  absl::StatusOr<domain::Gateway> To() const;
};

struct GatewayViewRow {
  static constexpr char kColumns[] =
      "gateway, issuer, revision, time_us, source, acknowledged, heard_us";
  std::string gateway, issuer, source;
  long long revision = 0, time_us = 0, acknowledged = 0, heard_us = 0;

  template <typename F>
  void ForEachColumn(F f) {
    f(gateway), f(issuer), f(revision), f(time_us), f(source), f(acknowledged),
        f(heard_us);
  }
  void From(const domain::GatewayView& view);
  absl::StatusOr<domain::GatewayView> To() const;
};

struct GatewayInstanceRow {
  static constexpr char kColumns[] = "gateway, name, staleness_us, heard_us";
  std::string gateway, name;
  long long staleness_us = 0, heard_us = 0;

  template <typename F>
  void ForEachColumn(F f) {
    f(gateway), f(name), f(staleness_us), f(heard_us);
  }
  void From(const domain::GatewayInstance& instance);
  absl::StatusOr<domain::GatewayInstance> To() const;
};

struct RevocationRow {
  static constexpr char kFixed[] =
      "key, issuer, reason, revision, revoke_us, leaver";
  static constexpr char kChanges[] = "close_us, statement, next_us, rev";
  std::string key, issuer, reason, leaver, statement;
  long long revision = 0, revoke_us = 0, close_us = 0, next_us = 0, rev = 0;

  template <typename F>
  void ForEachFixed(F f) {
    f(key), f(issuer), f(reason), f(revision), f(revoke_us), f(leaver);
  }
  template <typename F>
  void ForEachChange(F f) {
    f(close_us), f(statement), f(next_us), f(rev);
  }
  void From(const domain::Revocation& revocation, absl::Time next);
  absl::StatusOr<domain::Revocation> To() const;
};

struct ConfirmationRow {
  static constexpr char kFixed[] =
      "key, gateway, deadline_us, expected_us, latest_us";
  static constexpr char kChanges[] =
      "state, fetch_us, fetched_by, enforce_us, enforced_by, accept_us, "
      "detail, rev";
  std::string key, gateway, state, fetched_by, enforced_by, detail;
  long long deadline_us = 0, expected_us = 0, latest_us = 0, fetch_us = 0,
            enforce_us = 0, accept_us = 0, rev = 0;

  template <typename F>
  void ForEachFixed(F f) {
    f(key), f(gateway), f(deadline_us), f(expected_us), f(latest_us);
  }
  template <typename F>
  void ForEachChange(F f) {
    f(state), f(fetch_us), f(fetched_by), f(enforce_us), f(enforced_by),
        f(accept_us), f(detail), f(rev);
  }
  void From(const domain::Confirmation& confirmation);
  absl::StatusOr<domain::Confirmation> To() const;
};

struct CanaryRow {
  static constexpr char kColumns[] = "key, audience, from_us, until_us, token";
  std::string key, audience, token;
  long long from_us = 0, until_us = 0;

  template <typename F>
  void ForEachColumn(F f) {
    f(key), f(audience), f(from_us), f(until_us), f(token);
  }
  void From(const domain::Canary& canary);
  absl::StatusOr<domain::Canary> To() const;
};

struct ProbeTargetRow {
  std::string key, gateway;

  template <typename F>
  void ForEachColumn(F f) {
    f(key), f(gateway);
  }
  absl::StatusOr<app::ProbeTarget> To() const;
};

struct DrillRow {
  static constexpr char kColumns[] = "id, issuer, leaver, started_by, start_us";
  std::string id, issuer, leaver, started_by;
  long long start_us = 0;

  template <typename F>
  void ForEachColumn(F f) {
    f(id), f(issuer), f(leaver), f(started_by), f(start_us);
  }
  void From(const domain::Drill& drill);
  absl::StatusOr<domain::Drill> To() const;
};

}  // namespace warder::storage

#endif  // WARDER_SERVER_STORAGE_GATEWAY_ROWS_H_

// The part of the store in memory about gateways and what they confirm.
#ifndef WARDER_TESTS_SUPPORT_FAKE_GATEWAYS_H_
#define WARDER_TESTS_SUPPORT_FAKE_GATEWAYS_H_

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "tests/support/fake_alarms.h"
#include "tests/support/fake_store.h"

namespace warder {

class FakeGateways : public FakeAlarms {
 public:
  explicit FakeGateways(FakeStoreState& state) : FakeAlarms(state), g_(state) {}

  absl::StatusOr<std::optional<domain::Gateway>> FindGateway(
      const GatewayId& id) override {
    const auto it = g_.gateways.find(id);
    if (it == g_.gateways.end()) return std::nullopt;
    return it->second;
  }
  absl::StatusOr<std::vector<domain::Gateway>> ListGateways(
      const std::string& after, int limit) override {
    std::vector<domain::Gateway> found;
    for (const auto& [id, gateway] : g_.gateways) {
      if (id.value() > after && std::ssize(found) < limit) {
        found.push_back(gateway);
      }
    }
    return found;
  }
  absl::StatusOr<bool> AnyGateway() override { return !g_.gateways.empty(); }
  absl::StatusOr<std::vector<domain::Gateway>> ListGatewaysOf(
      const IssuerId& issuer) override {
    std::vector<domain::Gateway> found;
    for (const auto& [id, gateway] : g_.gateways) {
      if (std::count(gateway.issuers.begin(), gateway.issuers.end(), issuer)) {
        found.push_back(gateway);
      }
    }
    return found;
  }
  absl::StatusOr<std::vector<domain::GatewayView>> ListViews(
      const GatewayId& gateway, const IssuerId& issuer) override {
    std::vector<domain::GatewayView> found;
    for (const auto& [at, view] : g_.views) {
      if ((gateway.empty() || view.gateway == gateway) &&
          (issuer.empty() || view.issuer == issuer)) {
        found.push_back(view);
      }
    }
    return found;
  }
  absl::StatusOr<std::optional<domain::Revocation>> FindRevocation(
      const KeyId& key) override {
    const auto it = g_.revocations.find(key);
    if (it == g_.revocations.end()) return std::nullopt;
    return it->second.first;
  }
  absl::StatusOr<std::vector<domain::Revocation>> ListRevocations(
      const app::RevocationFilter& filter,
      const std::pair<absl::Time, std::string>& before, int limit) override {
    std::vector<domain::Revocation> found;
    for (const auto& [key, entry] : g_.revocations) {
      const domain::Revocation& r = entry.first;
      if (std::pair(r.revoke_time, key.value()) < before &&
          (!filter.issuer || r.issuer == *filter.issuer) &&
          (!filter.leaver || r.leaver == *filter.leaver) &&
          (!filter.open_only || !r.close_time)) {
        found.push_back(r);
      }
    }
    std::sort(found.begin(), found.end(), [](auto& a, auto& b) {
      return std::pair(a.revoke_time, a.key) > std::pair(b.revoke_time, b.key);
    });
    if (std::ssize(found) > limit) found.resize(static_cast<size_t>(limit));
    return found;
  }
  absl::StatusOr<std::vector<domain::Revocation>> ListDueRevocations(
      absl::Time now, int limit) override {
    std::vector<std::pair<absl::Time, domain::Revocation>> due;
    for (const auto& [key, entry] : g_.revocations) {
      if (!entry.first.close_time && entry.second <= now) {
        due.emplace_back(entry.second, entry.first);
      }
    }
    std::stable_sort(due.begin(), due.end(),
                     [](auto& a, auto& b) { return a.first < b.first; });
    std::vector<domain::Revocation> found;
    for (auto& [at, revocation] : due) {
      if (std::ssize(found) < limit) found.push_back(std::move(revocation));
    }
    return found;
  }
  absl::StatusOr<absl::Time> NextRevocationDue() override {
    absl::Time next = absl::InfiniteFuture();
    for (const auto& [key, entry] : g_.revocations) {
      if (!entry.first.close_time) next = std::min(next, entry.second);
    }
    return next;
  }
  absl::StatusOr<std::vector<domain::Revocation>> ListOpenRevocationsOf(
      const IssuerId& issuer) override {
    std::vector<domain::Revocation> found;
    for (const auto& [key, entry] : g_.revocations) {
      if (!entry.first.close_time && entry.first.issuer == issuer) {
        found.push_back(entry.first);
      }
    }
    return found;
  }
  absl::StatusOr<std::vector<domain::Confirmation>> ListConfirmations(
      const KeyId& key) override {
    std::vector<domain::Confirmation> found;
    for (const auto& [at, confirmation] : g_.confirmations) {
      if (at.first == key) found.push_back(confirmation);
    }
    return found;
  }
  absl::StatusOr<int64_t> CountOverdueConfirmations() override {
    return std::count_if(
        g_.confirmations.begin(), g_.confirmations.end(), [](auto& entry) {
          return entry.second.state == domain::ConfirmationState::kOverdue;
        });
  }

  absl::Status InsertGateway(const domain::Gateway& gateway) override {
    for (const IssuerId& issuer : gateway.issuers) {
      if (!g_.issuers.contains(issuer)) {
        return Precondition(Reason::kWrongState, "no such issuer");
      }
    }
    if (!g_.gateways.emplace(gateway.id, gateway).second) {
      return Error(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists,
                   absl::StrCat(GatewayName(gateway.id), " already exists"));
    }
    return absl::OkStatus();
  }
  absl::Status UpdateGateway(domain::Gateway& gateway) override {
    const auto it = g_.gateways.find(gateway.id);
    if (it == g_.gateways.end() || it->second.rev != gateway.rev) {
      return Moved(GatewayName(gateway.id));
    }
    ++gateway.rev;
    it->second = gateway;
    return absl::OkStatus();
  }
  absl::Status DeleteGateway(const GatewayId& id) override {
    g_.gateways.erase(id);
    std::erase_if(g_.instances,
                  [&](auto& entry) { return entry.first.first == id; });
    std::erase_if(g_.views,
                  [&](auto& entry) { return entry.second.gateway == id; });
    return absl::OkStatus();
  }
  absl::Status PutView(const domain::GatewayView& view) override {
    g_.views[{view.gateway, view.issuer}] = view;
    return absl::OkStatus();
  }
  absl::StatusOr<std::vector<domain::GatewayInstance>> ListInstances()
      override {
    std::vector<domain::GatewayInstance> all;
    for (const auto& [at, instance] : g_.instances) all.push_back(instance);
    return all;
  }
  absl::Status PutInstance(const domain::GatewayInstance& instance) override {
    g_.instances[{instance.gateway, instance.name}] = instance;
    return absl::OkStatus();
  }
  absl::Status DeleteInstance(const GatewayId& gateway,
                              const std::string& name) override {
    g_.instances.erase({gateway, name});
    return absl::OkStatus();
  }
  absl::Status InsertRevocation(const domain::Revocation& revocation,
                                absl::Time next) override {
    if (!g_.revocations.emplace(revocation.key, std::pair(revocation, next))
             .second) {
      return Error(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists,
                   "revoked already");
    }
    return absl::OkStatus();
  }
  absl::Status UpdateRevocation(domain::Revocation& revocation,
                                absl::Time next) override {
    const auto it = g_.revocations.find(revocation.key);
    if (it == g_.revocations.end() || it->second.first.rev != revocation.rev) {
      return Moved(RevocationName(revocation.key));
    }
    ++revocation.rev;
    it->second = {revocation, next};
    return absl::OkStatus();
  }
  absl::StatusOr<std::vector<domain::Revocation>> ListUnstatedRevocations(
      int limit) override {
    std::vector<domain::Revocation> found;
    for (const auto& [key, entry] : g_.revocations) {
      if (entry.first.close_time && entry.first.statement.empty() &&
          std::ssize(found) < limit) {
        found.push_back(entry.first);
      }
    }
    return found;
  }
  absl::StatusOr<std::vector<domain::Confirmation>> ListOpenConfirmationsOf(
      const GatewayId& gateway) override {
    std::vector<domain::Confirmation> found;
    for (const auto& [at, confirmation] : g_.confirmations) {
      if (at.second == gateway && !domain::Ended(confirmation)) {
        found.push_back(confirmation);
      }
    }
    return found;
  }
  absl::StatusOr<std::optional<domain::Canary>> FindCanary(
      const KeyId& key, const std::string& audience, absl::Time now,
      absl::Time until) override {
    std::optional<domain::Canary> found;
    for (const domain::Canary& canary : g_.canaries) {
      if (canary.key == key && canary.audience == audience &&
          canary.window.from <= now && canary.window.until > until) {
        found = canary;
      }
    }
    return found;
  }
  absl::StatusOr<bool> AnyCanary(const KeyId& key, const std::string& audience,
                                 absl::Time now) override {
    return std::any_of(
        g_.canaries.begin(), g_.canaries.end(), [&](const auto& c) {
          return c.key == key && c.audience == audience && c.window.until > now;
        });
  }
  absl::StatusOr<std::vector<app::ProbeTarget>> ListProbeTargets(
      absl::Time now, int limit) override {
    std::vector<app::ProbeTarget> found;
    for (const auto& [at, confirmation] : g_.confirmations) {
      const KeyId& key = at.first;  // clang captures no structured binding
      const auto gateway = g_.gateways.find(at.second);
      const bool left = std::any_of(
          g_.canaries.begin(), g_.canaries.end(), [&key, now](const auto& c) {
            return c.key == key && c.window.until > now;
          });
      if (left && gateway != g_.gateways.end() && gateway->second.probe &&
          confirmation.state != domain::ConfirmationState::kUnregistered &&
          std::ssize(found) < limit) {
        found.push_back({key, at.second});
      }
    }
    return found;
  }
  absl::StatusOr<std::optional<domain::Drill>> FindDrill(
      const DrillId& id) override {
    const auto it = g_.drills.find(id);
    if (it == g_.drills.end()) return std::nullopt;
    return it->second;
  }
  absl::StatusOr<std::vector<domain::Drill>> ListDrills(
      const std::pair<absl::Time, std::string>& before, int limit) override {
    std::vector<domain::Drill> found;
    for (const auto& [id, drill] : g_.drills) {
      if (std::pair(drill.start_time, id.value()) < before) {
        found.push_back(drill);
      }
    }
    std::sort(found.begin(), found.end(), [](auto& a, auto& b) {
      return std::pair(a.start_time, a.id) > std::pair(b.start_time, b.id);
    });
    if (std::ssize(found) > limit) found.resize(static_cast<size_t>(limit));
    return found;
  }
  absl::Status InsertDrill(const domain::Drill& drill) override {
    if (!g_.drills.emplace(drill.id, drill).second) {
      return Error(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists,
                   "drilled already");
    }
    return absl::OkStatus();
  }
  absl::Status InsertCanary(const domain::Canary& canary) override {
    g_.canaries.push_back(canary);
    return absl::OkStatus();
  }
  absl::Status DeleteCanariesUntil(absl::Time until) override {
    std::erase_if(g_.canaries, [&](const auto& canary) {
      return canary.window.until <= until;
    });
    return absl::OkStatus();
  }
  absl::Status InsertConfirmation(
      const domain::Confirmation& confirmation) override {
    g_.confirmations[{confirmation.key, confirmation.gateway}] = confirmation;
    return absl::OkStatus();
  }
  absl::Status UpdateConfirmation(domain::Confirmation& confirmation) override {
    const auto it =
        g_.confirmations.find({confirmation.key, confirmation.gateway});
    if (it == g_.confirmations.end() || it->second.rev != confirmation.rev) {
      return Moved(RevocationName(confirmation.key));
    }
    ++confirmation.rev;
    it->second = confirmation;
    return absl::OkStatus();
  }

 private:
  static absl::Status Moved(const std::string& name) {
    return Error(absl::StatusCode::kAborted, Reason::kConflict,
                 absl::StrCat(name, " changed"));
  }

  FakeStoreState& g_;
};

}  // namespace warder

#endif  // WARDER_TESTS_SUPPORT_FAKE_GATEWAYS_H_

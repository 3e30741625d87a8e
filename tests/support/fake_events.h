// The part of the store in memory about what goes out and who is believed.
#ifndef WARDER_TESTS_SUPPORT_FAKE_EVENTS_H_
#define WARDER_TESTS_SUPPORT_FAKE_EVENTS_H_

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/base/error.h"
#include "tests/support/fake_gateways.h"
#include "tests/support/fake_store.h"

namespace warder {

class FakeEvents : public FakeGateways {
 public:
  explicit FakeEvents(FakeStoreState& state) : FakeGateways(state), s_(state) {}

  absl::StatusOr<bool> HasTouchedKeys(const std::string& person) override {
    const auto his = [&](const auto& fact) { return fact.person == person; };
    return std::any_of(s_.exposures.begin(), s_.exposures.end(), his) ||
           std::any_of(s_.custodies.begin(), s_.custodies.end(), his) ||
           std::any_of(s_.events.begin(), s_.events.end(), [&](auto& event) {
             return event.action == "certificate.issued" &&
                    event.resource.ends_with("/" + person);
           });
  }
  absl::StatusOr<std::vector<domain::AuditEvent>> ListEventsAbout(
      const OwnerId& owner, int limit) override {
    std::vector<domain::AuditEvent> found;
    for (const domain::AuditEvent& event : s_.events) {
      if (event.resource == OwnerName(owner) && std::ssize(found) < limit) {
        found.push_back(event);
      }
    }
    return found;
  }
  absl::StatusOr<std::vector<domain::Subscription>> ListSubscriptions()
      override {
    std::vector<domain::Subscription> all;
    for (const auto& [id, s] : s_.subscriptions) all.push_back(s);
    return all;
  }
  absl::StatusOr<std::optional<domain::Subscription>> FindSubscription(
      const std::string& id) override {
    return Find(s_.subscriptions, id);
  }
  absl::StatusOr<std::vector<domain::Delivery>> ListDeliveries(
      const std::string& subscription, bool dead_letters, int64_t after,
      int limit) override {
    std::vector<domain::Delivery> found;
    for (const auto& [at, delivery] : s_.deliveries) {
      if (at.first == subscription && delivery.dead_letter == dead_letters &&
          at.second > after && std::ssize(found) < limit) {
        found.push_back(delivery);
      }
    }
    return found;
  }
  absl::StatusOr<std::optional<domain::Delivery>> FindDelivery(
      const std::string& subscription, int64_t sequence) override {
    return Find(s_.deliveries, std::make_pair(subscription, sequence));
  }
  absl::StatusOr<int64_t> CountDeliveries(const std::string& subscription,
                                          bool dead_letters) override {
    return std::count_if(s_.deliveries.begin(), s_.deliveries.end(),
                         [&](const auto& entry) {
                           return entry.first.first == subscription &&
                                  entry.second.dead_letter == dead_letters;
                         });
  }
  absl::StatusOr<std::vector<domain::Transmitter>> ListTransmitters() override {
    std::vector<domain::Transmitter> all;
    for (const auto& [feed, t] : s_.transmitters) all.push_back(t);
    return all;
  }
  absl::StatusOr<std::optional<domain::Transmitter>> FindTransmitter(
      const std::string& feed) override {
    return Find(s_.transmitters, feed);
  }
  absl::Status InsertSubscription(
      const domain::Subscription& subscription) override {
    if (!s_.subscriptions.emplace(subscription.id, subscription).second) {
      return Exists(subscription.id);
    }
    return absl::OkStatus();
  }
  absl::Status UpdateSubscription(
      const domain::Subscription& subscription) override {
    const auto it = s_.subscriptions.find(subscription.id);
    if (it == s_.subscriptions.end()) return Conflict(subscription.id);
    it->second.sealed_secret = subscription.sealed_secret;
    it->second.former_sealed_secret = subscription.former_sealed_secret;
    it->second.former_until = subscription.former_until;
    return absl::OkStatus();
  }
  absl::Status MoveCursor(const std::string& subscription, int64_t from,
                          int64_t to) override {
    const auto it = s_.subscriptions.find(subscription);
    if (it == s_.subscriptions.end() || it->second.cursor != from) {
      return Conflict(subscription);
    }
    it->second.cursor = to;
    return absl::OkStatus();
  }
  absl::Status DeleteSubscription(const std::string& id) override {
    s_.subscriptions.erase(id);
    std::erase_if(s_.deliveries,
                  [&](const auto& entry) { return entry.first.first == id; });
    return absl::OkStatus();
  }
  absl::Status PutDelivery(const domain::Delivery& delivery) override {
    if (!s_.subscriptions.contains(delivery.subscription)) {
      return Precondition(Reason::kWrongState, "no such subscription");
    }
    s_.deliveries[{delivery.subscription, delivery.sequence}] = delivery;
    return absl::OkStatus();
  }
  absl::Status DeleteDelivery(const std::string& subscription,
                              int64_t sequence) override {
    s_.deliveries.erase({subscription, sequence});
    return absl::OkStatus();
  }
  absl::Status PutTransmitter(const domain::Transmitter& transmitter) override {
    s_.transmitters[transmitter.id] = transmitter;
    return absl::OkStatus();
  }
  absl::Status DeleteTransmitter(const std::string& feed) override {
    s_.transmitters.erase(feed);
    return absl::OkStatus();
  }

 protected:
  static absl::Status Conflict(const std::string& name) {
    return Error(absl::StatusCode::kAborted, Reason::kConflict, name);
  }
  static absl::Status Exists(const std::string& name) {
    return Error(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists,
                 name + " already exists");
  }

  template <typename Map, typename Id>
  static std::optional<typename Map::mapped_type> Find(const Map& map,
                                                       const Id& id) {
    const auto it = map.find(id);
    if (it == map.end()) return std::nullopt;
    return it->second;
  }

 private:
  FakeStoreState& s_;
};

}  // namespace warder

#endif  // WARDER_TESTS_SUPPORT_FAKE_EVENTS_H_

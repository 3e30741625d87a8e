// The part of the store in memory about alarms.
#ifndef WARDER_TESTS_SUPPORT_FAKE_ALARMS_H_
#define WARDER_TESTS_SUPPORT_FAKE_ALARMS_H_

#include <optional>
#include <string>
#include <vector>

#include "server/base/error.h"
#include "tests/support/fake_store.h"

namespace warder {

class FakeAlarms : public app::Transaction {
 public:
  explicit FakeAlarms(FakeStoreState& state) : a_(state) {}

  absl::StatusOr<std::optional<domain::Alarm>> FindAlarm(
      int64_t number) override {
    const auto it = a_.alarms.find(number);
    if (it == a_.alarms.end()) return std::nullopt;
    return it->second;
  }
  absl::StatusOr<std::optional<domain::Alarm>> FindLivingAlarm(
      const std::string& place) override {
    for (const auto& [number, alarm] : a_.alarms) {
      if (alarm.state != domain::AlarmState::kClosed &&
          domain::PlaceOf(alarm) == place) {
        return alarm;
      }
    }
    return std::nullopt;
  }
  absl::StatusOr<std::vector<domain::Alarm>> ListAlarms(bool open_only,
                                                        int64_t before,
                                                        int limit) override {
    std::vector<domain::Alarm> found;
    for (auto it = a_.alarms.rbegin(); it != a_.alarms.rend(); ++it) {
      const domain::Alarm& alarm = it->second;
      if (alarm.number < before && std::ssize(found) < limit &&
          (!open_only || alarm.state != domain::AlarmState::kClosed)) {
        found.push_back(alarm);
      }
    }
    return found;
  }
  absl::Status InsertAlarm(domain::Alarm& alarm) override {
    const auto living = FindLivingAlarm(domain::PlaceOf(alarm));
    if (living.ok() && *living) {
      return Error(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists,
                   "another stands for it");
    }
    alarm.number = a_.alarms.empty() ? 1 : a_.alarms.rbegin()->first + 1;
    a_.alarms[alarm.number] = alarm;
    return absl::OkStatus();
  }
  absl::Status UpdateAlarm(domain::Alarm& alarm) override {
    const auto it = a_.alarms.find(alarm.number);
    if (it == a_.alarms.end() || it->second.rev != alarm.rev) {
      return Error(absl::StatusCode::kAborted, Reason::kConflict,
                   "the alarm changed");
    }
    ++alarm.rev;
    it->second = alarm;
    return absl::OkStatus();
  }

 private:
  FakeStoreState& a_;
};

}  // namespace warder

#endif  // WARDER_TESTS_SUPPORT_FAKE_ALARMS_H_

#include "tools/incident/traffic.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"

namespace warder::incident {
namespace {

constexpr uint64_t kSubjects = 337'000;  // a hundredth of theirs
constexpr uint64_t kGap = 10;            // each tenth number is nobody's
constexpr double kZipf = 0.9;
constexpr double kShownAgain = 1.5;  // times, on average, beyond the first
// A token is shown for so long: two thirds of its life.
constexpr absl::Duration kSession = absl::Minutes(10);

// From night to evening, and less on Sundays.
double SeasonOf(absl::Time now) {
  const int64_t seconds = absl::ToUnixSeconds(now);
  const double hour = static_cast<double>(seconds % 86400) / 3600;
  const bool sunday = (seconds / 86400 + 4) % 7 == 0;
  return (1 + 0.6 * std::sin(2 * M_PI * (hour - 9) / 24)) * (sunday ? 0.8 : 1);
}

}  // namespace

std::string Traffic::Subject() {
  // By inversion of the law's tail.
  const double u = std::uniform_real_distribution<double>(0, 1)(random_);
  const double rank = std::pow(
      1 + u * (std::pow(static_cast<double>(kSubjects), 1 - kZipf) - 1),
      1 / (1 - kZipf));
  const auto number = static_cast<uint64_t>(rank);
  return absl::StrCat("u", number % kGap == 0 ? number + 1 : number);
}

std::string Traffic::Nobody() {
  return absl::StrCat("u", Draw(kSubjects / kGap) * kGap);
}

std::vector<std::string> Traffic::Everybody() {
  std::vector<std::string> subjects;
  for (uint64_t number = 1; number <= kSubjects + 1; ++number) {
    if (number % kGap != 0) subjects.push_back(absl::StrCat("u", number));
  }
  return subjects;
}

void Traffic::Show(House& house, const std::string& token) {
  ++shown_;
  if (!house.gateway(Draw(kGateways)).Accepts(token)) ++refused_;
}

void Traffic::Step(House& house, double factor) {
  const double expected = per_day_ * absl::ToDoubleSeconds(kStep) / 86400 *
                          SeasonOf(house.time.TimeNow()) * factor;
  const int tokens = std::poisson_distribution<int>(expected)(random_);
  for (int i = 0; i < tokens; ++i) {
    const std::string token = house.Issue(Subject());
    ++issued_;
    Show(house, token);
    recent_.push_back(token);
    issued_at_.push_back(house.time.TimeNow());
    if (recent_.size() > kRecent) {
      recent_.pop_front();
      issued_at_.pop_front();
    }
  }
  const int again =
      std::poisson_distribution<int>(expected * kShownAgain)(random_);
  const auto alive = std::lower_bound(issued_at_.begin(), issued_at_.end(),
                                      house.time.TimeNow() - kSession);
  const auto of = static_cast<size_t>(issued_at_.end() - alive);
  for (int i = 0; i < again && of > 0; ++i) {
    Show(house, recent_[recent_.size() - 1 - Draw(of)]);
  }
}

}  // namespace warder::incident

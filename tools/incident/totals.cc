#include "tools/incident/totals.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace warder::incident {
namespace {

constexpr double kBasePerDay = 1.5e9;
constexpr int kDays = 209;
constexpr double kAttackRequests = 181.9e6;
constexpr double kDayNoise = 0.03;
constexpr double kHourNoise = 0.01;
constexpr double kDayMemory = 0.7;
constexpr int kHoursOfYear = 24 * 365;
constexpr double kYearsBetweenFalseAlarms = 20;
constexpr double kSlack = 0.5;

// The hour's share of the day's traffic, from night to evening.
double SeasonOf(int hour) {
  return 1 + 0.6 * std::sin(2 * M_PI * (hour % 24 - 9) / 24);
}

// Logarithms of total to expectation, hour by hour.
class Series {
 public:
  explicit Series(uint64_t seed) : random_(seed) {}

  double Next(int hour, double attack_per_hour) {
    if (hour % 24 == 0) {
      day_ = kDayMemory * day_ + kDayNoise *
                                     std::sqrt(1 - kDayMemory * kDayMemory) *
                                     normal_(random_);
    }
    const double base = kBasePerDay / 24 * SeasonOf(hour);
    return day_ + kHourNoise * normal_(random_) +
           std::log1p(attack_per_hour / base);
  }

 private:
  std::mt19937_64 random_;
  std::normal_distribution<double> normal_;
  double day_ = 0;
};

struct Peaks {
  double cusum = 0;     // the highest that the sum rose
  double shewhart = 0;  // the largest single hour
};

Peaks Watch(Series series, int hours, double attack_per_hour) {
  const double sigma = std::hypot(kDayNoise, kHourNoise);
  Peaks peaks;
  double sum = 0;
  for (int hour = 0; hour < hours; ++hour) {
    const double value = series.Next(hour, attack_per_hour) / sigma;
    sum = std::max(0.0, sum + value - kSlack);
    peaks.cusum = std::max(peaks.cusum, sum);
    peaks.shewhart = std::max(peaks.shewhart, value);
  }
  return peaks;
}

// What one year in `years` passes.
double LimitOf(std::vector<double> peaks, double years) {
  std::sort(peaks.begin(), peaks.end());
  const size_t at =
      static_cast<size_t>(static_cast<double>(peaks.size()) * (1 - 1 / years));
  return peaks[std::min(at, peaks.size() - 1)];
}

}  // namespace

TotalsOutcome WatchTotals(uint64_t seed, int runs) {
  std::vector<double> sums, hours;
  for (int run = 0; run < runs; ++run) {
    const Peaks peaks =
        Watch(Series(seed + static_cast<uint64_t>(run)), kHoursOfYear, 0);
    sums.push_back(peaks.cusum);
    hours.push_back(peaks.shewhart);
  }
  const double most_sum = LimitOf(sums, kYearsBetweenFalseAlarms);
  const double most_hour = LimitOf(hours, kYearsBetweenFalseAlarms);
  const double attack = kAttackRequests / (kDays * 24);
  int detected = 0, by_chance = 0;
  for (int run = 0; run < runs; ++run) {
    const uint64_t own = seed + static_cast<uint64_t>(runs + run);
    const auto rings = [&](double attack_per_hour) {
      const Peaks peaks = Watch(Series(own), kDays * 24, attack_per_hour);
      return peaks.cusum > most_sum || peaks.shewhart > most_hour;
    };
    detected += rings(attack) ? 1 : 0;
    by_chance += rings(0) ? 1 : 0;
  }
  return {.detected_share = static_cast<double>(detected) / runs,
          .by_chance = static_cast<double>(by_chance) / runs,
          .attack_per_second = attack / 3600,
          .base_per_day = kBasePerDay,
          .days = kDays};
}

}  // namespace warder::incident

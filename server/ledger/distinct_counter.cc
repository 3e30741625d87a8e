#include "server/ledger/distinct_counter.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace warder::ledger {
namespace {

// Who knows a minute's secret could choose digests by their bits (splitmix64).
uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

}  // namespace

void DistinctCounter::Add(uint64_t digest) {
  if (!exact()) return Register(digest);
  few_.insert(digest);
  if (few_.size() <= kMostExact) return;
  registers_.assign(size_t{1} << kIndexBits, 0);
  for (const uint64_t one : few_) Register(one);
  few_ = {};
}

void DistinctCounter::Register(uint64_t digest) {
  const uint64_t hash = Mix(digest);
  const size_t index = hash >> (64 - kIndexBits);
  // A one at the end bounds the rank.
  const uint64_t rest = hash << kIndexBits | uint64_t{1} << (kIndexBits - 1);
  const auto rank = static_cast<uint8_t>(std::countl_zero(rest) + 1);
  registers_[index] = std::max(registers_[index], rank);
}

double DistinctCounter::Estimate() const {
  if (exact()) return static_cast<double>(few_.size());
  const auto m = static_cast<double>(registers_.size());
  double sum = 0;
  size_t zeros = 0;
  for (const uint8_t rank : registers_) {
    sum += std::ldexp(1.0, -rank);
    zeros += rank == 0;
  }
  const double estimate = 0.7213 / (1 + 1.079 / m) * m * m / sum;
  // Few of so many registers: those that are empty tell more.
  if (estimate <= 2.5 * m && zeros > 0) {
    return m * std::log(m / static_cast<double>(zeros));
  }
  return estimate;
}

}  // namespace warder::ledger

// The ledger's filters: fifty million live tokens, in sealed minutes of a
// service that issues a billion a day.
#include <cstdint>
#include <iostream>
#include <utility>
#include <vector>

#include "server/base/random.h"
#include "server/ledger/fuse_filter.h"
#include "tools/benchmarks/report.h"

namespace warder::bench {
namespace {

constexpr size_t kMinute = 694'444;  // 1e9 a day
constexpr size_t kMinutes = 72;      // 50 million
constexpr int kLookups = 20'000'000;

struct Cost {
  double bytes = 0, build_s = 0, lookup_s = 0;
  size_t found = 0;  // strangers taken for members
};

constexpr double kAll = static_cast<double>(kMinute * kMinutes);

// Builds all minutes, and asks them for strangers.
template <typename Filter>
Cost Run() {
  Cost cost;
  SeededRandom random(1);
  std::vector<Filter> filters;
  for (size_t minute = 0; minute < kMinutes; ++minute) {
    std::vector<uint64_t> digests(kMinute);
    for (uint64_t& digest : digests) digest = random.Next();
    const double start = Seconds();
    filters.push_back(Must(Filter::Build(std::move(digests), random)));
    cost.build_s += Seconds() - start;
    cost.bytes += static_cast<double>(filters.back().size_bytes());
  }
  const double start = Seconds();
  for (int i = 0; i < kLookups; ++i) {
    const uint64_t digest = random.Next();
    cost.found += filters[digest % kMinutes].Contains(digest);
  }
  cost.lookup_s = Seconds() - start;
  return cost;
}

}  // namespace
}  // namespace warder::bench

int main() {
  using warder::bench::Cost, warder::bench::kAll, warder::bench::kLookups;
  const auto report = [](const char* metric, double value, double most) {
    warder::bench::Report("ledger", metric, value, most,
                          /*lower_is_better=*/true);
  };
  const Cost small = warder::bench::Run<warder::ledger::FuseFilter8>();
  report("build_ns", small.build_s * 1e9 / kAll, 200);
  report("lookup_ns", small.lookup_s * 1e9 / kLookups, 100);
  report("fuse8_bits", 8 * small.bytes / kAll, 9.2);
  report("mb_50m", small.bytes / 1e6, 60);
  const Cost large = warder::bench::Run<warder::ledger::FuseFilter16>();
  report("fuse16_bits", 8 * large.bytes / kAll, 18.4);
  std::cerr << small.found << " and " << large.found << " of " << kLookups
            << " strangers were taken for members\n";
  return 0;
}

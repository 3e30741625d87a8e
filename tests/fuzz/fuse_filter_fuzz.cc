#include <cstdlib>

#include "server/ledger/fuse_filter.h"

namespace {

template <typename Filter>
void Try(absl::string_view bytes) {
  const auto filter = Filter::Parse(bytes);
  if (!filter.ok()) return;
  // Whatever was taken can be asked, and is written as it was read.
  for (uint64_t i = 0; i < 64; ++i) filter->Contains(i * 0x9e3779b97f4a7c15);
  if (filter->Serialize() != bytes) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  Try<warder::ledger::FuseFilter8>(bytes);
  Try<warder::ledger::FuseFilter16>(bytes);
  return 0;
}

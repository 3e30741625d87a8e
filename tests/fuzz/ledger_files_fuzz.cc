// The files of the ledger's directory: whatever is in them is read, or refused.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "server/crypto/digest.h"
#include "server/ledger/journal.h"
#include "server/ledger/manifest.h"
#include "server/ledger/segment_file.h"
#include "server/ledger/subject_set.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace warder::ledger;
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto manifest = ReadManifest(bytes); manifest.ok()) {
    if (ReadManifest(WriteManifest(*manifest)).value() != *manifest) abort();
  }
  // As they are, and with the sum that makes them whole.
  const std::string text(bytes);
  for (const std::string& file : {text, text + warder::crypto::Sha256(text)}) {
    if (const auto period = ReadSegments(file); period.ok()) {
      if (WriteSegments(*period) != file) abort();
    }
    if (const auto subjects = ReadSubjects(file); subjects.ok()) {
      if (WriteSubjects(*subjects) != file) abort();
    }
  }
  static const int file = memfd_create("journal", 0);
  if (ftruncate(file, 0) != 0 ||
      pwrite(file, data, size, 0) != static_cast<ssize_t>(size)) {
    abort();
  }
  size_t records = 0;
  const auto summary = ReadJournal(
      "/proc/self/fd/" + std::to_string(file),
      [](uint32_t, absl::string_view) {},
      [&](const LedgerRecord&) { ++records; });
  if (summary.ok() && summary->records != records) abort();
  return 0;
}

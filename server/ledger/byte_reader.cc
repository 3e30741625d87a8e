#include "server/ledger/byte_reader.h"

#include <fstream>
#include <iterator>

#include "server/base/error.h"
#include "server/crypto/digest.h"

namespace warder::ledger {
namespace {

constexpr size_t kCheckBytes = 32;

}  // namespace

absl::Status Damaged(absl::string_view what) {
  return Error(absl::StatusCode::kDataLoss, Reason::kStoreCorrupt, what);
}

std::string WithCheck(absl::string_view bytes) {
  return absl::StrCat(bytes, crypto::Sha256(bytes));
}

absl::StatusOr<absl::string_view> WithoutCheck(absl::string_view magic,
                                               absl::string_view bytes) {
  if (bytes.substr(0, magic.size()) != magic ||
      bytes.size() < magic.size() + kCheckBytes) {
    return Damaged(absl::StrCat("it does not begin with ", magic));
  }
  const absl::string_view check = bytes.substr(bytes.size() - kCheckBytes);
  bytes.remove_suffix(kCheckBytes);
  if (crypto::Sha256(bytes) != check) return Damaged("it was changed");
  return bytes.substr(magic.size());
}

absl::StatusOr<std::string> ReadBytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    return Error(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable,
                 absl::StrCat("cannot read ", path));
  }
  return std::string((std::istreambuf_iterator<char>(in)), {});
}

}  // namespace warder::ledger

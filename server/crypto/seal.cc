#include "server/crypto/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/base/base64url.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/crypto/openssl_error.h"
#include "server/crypto/ossl.h"

namespace warder::crypto {
namespace {

constexpr char kVersion = 1;
constexpr size_t kNonceBytes = 12;
constexpr size_t kTagBytes = 16;

absl::Status KekError(absl::string_view message) {
  return Precondition(Reason::kKeyEncryptionKey, message);
}

const uint8_t* Bytes(absl::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

}  // namespace

absl::StatusOr<SecretBytes> ReadKeyEncryptionKey(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) {
    return KekError(absl::StrCat("key-encryption key ", path,
                                 " cannot be opened: ", strerror(errno),
                                 "; check the path and the user warderd runs "
                                 "as"));
  }
  struct stat info {};
  SecretBytes text(256);
  const bool known = fstat(fd, &info) == 0;
  const ssize_t got = read(fd, text.data(), text.size());
  close(fd);
  if (!known || got < 0) {
    return KekError(absl::StrCat("key-encryption key ", path,
                                 " cannot be read: ", strerror(errno)));
  }
  if ((info.st_mode & 077) != 0) {
    return KekError(absl::StrFormat(
        "key-encryption key %s has mode %04o, so others may read it; run "
        "chmod 600 on it, and consider it read",
        path, info.st_mode & 07777));
  }
  if (info.st_uid != geteuid() && info.st_uid != 0) {
    return KekError(absl::StrCat("key-encryption key ", path,
                                 " belongs to user ", info.st_uid,
                                 "; it must belong to the user warderd runs "
                                 "as"));
  }
  const absl::string_view trimmed = absl::StripAsciiWhitespace(
      absl::string_view(reinterpret_cast<const char*>(text.data()),
                        static_cast<size_t>(got)));
  auto raw = Base64UrlDecode(trimmed);
  if (!raw.ok() || raw->size() != kKeyEncryptionKeyBytes) {
    return KekError(absl::StrCat("key-encryption key ", path,
                                 " does not hold 32 bytes as base64url"));
  }
  SecretBytes key(kKeyEncryptionKeyBytes);
  memcpy(key.data(), raw->data(), key.size());
  Cleanse(raw->data(), raw->size());
  return key;
}

absl::Status WriteNewKeyEncryptionKey(const std::string& path) {
  SecretBytes key(kKeyEncryptionKeyBytes);
  if (RAND_priv_bytes(key.data(), static_cast<int>(key.size())) != 1) {
    return OpensslError("RAND_priv_bytes");
  }
  std::string text = Base64UrlEncode(
      absl::string_view(reinterpret_cast<const char*>(key.data()), key.size()));
  text.push_back('\n');
  const int fd =
      open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  const bool written = fd >= 0 &&
                       write(fd, text.data(), text.size()) ==
                           static_cast<ssize_t>(text.size()) &&
                       fsync(fd) == 0;
  const int error = errno;
  if (fd >= 0) close(fd);
  Cleanse(text.data(), text.size());
  if (!written) {
    return KekError(absl::StrCat("key-encryption key ", path,
                                 " cannot be written: ", strerror(error)));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Sealer::Seal(
    std::span<const uint8_t> plain, absl::string_view associated_data) const {
  std::string out(1 + kNonceBytes + plain.size() + kTagBytes, '\0');
  auto* bytes = reinterpret_cast<uint8_t*>(out.data());
  bytes[0] = kVersion;
  uint8_t* nonce = bytes + 1;
  uint8_t* body = nonce + kNonceBytes;
  if (RAND_bytes(nonce, kNonceBytes) != 1) return OpensslError("RAND_bytes");
  const OwnedCipherCtx ctx(EVP_CIPHER_CTX_new());
  int size = 0;
  int tail = 0;
  if (ctx == nullptr ||
      EVP_EncryptInit_ex(ctx.get(), EVP_aes_256_gcm(), nullptr, key_.data(),
                         nonce) != 1 ||
      EVP_EncryptUpdate(ctx.get(), nullptr, &size, Bytes(associated_data),
                        static_cast<int>(associated_data.size())) != 1 ||
      EVP_EncryptUpdate(ctx.get(), body, &size, plain.data(),
                        static_cast<int>(plain.size())) != 1 ||
      EVP_EncryptFinal_ex(ctx.get(), body + size, &tail) != 1 ||
      EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes,
                          body + plain.size()) != 1) {
    return OpensslError("AES-256-GCM encryption");
  }
  return absl::Base64Escape(out);
}

absl::StatusOr<SecretBytes> Sealer::Unseal(
    absl::string_view sealed, absl::string_view associated_data) const {
  std::string raw;
  if (!absl::Base64Unescape(sealed, &raw) ||
      raw.size() < 1 + kNonceBytes + kTagBytes || raw[0] != kVersion) {
    return KekError("a sealed value is damaged or of an unknown version");
  }
  const uint8_t* nonce = Bytes(raw) + 1;
  const uint8_t* body = nonce + kNonceBytes;
  const size_t body_size = raw.size() - 1 - kNonceBytes - kTagBytes;
  std::string tag = raw.substr(raw.size() - kTagBytes);
  SecretBytes plain(std::max<size_t>(body_size, 1));
  const OwnedCipherCtx ctx(EVP_CIPHER_CTX_new());
  int size = 0;
  int tail = 0;
  if (ctx == nullptr ||
      EVP_DecryptInit_ex(ctx.get(), EVP_aes_256_gcm(), nullptr, key_.data(),
                         nonce) != 1 ||
      EVP_DecryptUpdate(ctx.get(), nullptr, &size, Bytes(associated_data),
                        static_cast<int>(associated_data.size())) != 1 ||
      EVP_DecryptUpdate(ctx.get(), plain.data(), &size, body,
                        static_cast<int>(body_size)) != 1 ||
      EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes,
                          tag.data()) != 1) {
    return OpensslError("AES-256-GCM decryption");
  }
  if (EVP_DecryptFinal_ex(ctx.get(), plain.data() + size, &tail) != 1) {
    ClearOpensslErrors();
    return KekError(
        "a sealed value does not open: it was changed, moved to another row, "
        "or sealed under another key-encryption key");
  }
  plain.Shrink(body_size);
  return plain;
}

}  // namespace warder::crypto

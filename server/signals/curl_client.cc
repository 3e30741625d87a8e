#include "server/signals/curl_client.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/base/error.h"

namespace warder::signals {
namespace {

constexpr long kConnectMilliseconds = 5000;
constexpr long kTotalMilliseconds = 10000;
constexpr size_t kPostReplyBytes = 4 << 10;  // the rest of it is of no use
constexpr size_t kGetReplyBytes = 256 << 10;
constexpr size_t kIdleHandles = 8;

struct Reading {
  std::string body;
  size_t max_bytes = 0;
  bool too_long = false;
  const std::atomic<bool>* aborted = nullptr;
  bool loopback_named = false;
  bool address_refused = false;
};

size_t OnBody(char* data, size_t size, size_t count, void* to) {
  auto& reading = *static_cast<Reading*>(to);
  const size_t bytes = size * count;
  const size_t room = reading.max_bytes - reading.body.size();
  reading.body.append(data, std::min(bytes, room));
  if (bytes > room) reading.too_long = true;
  return bytes;
}

// A non-zero answer ends the call.
int OnProgress(void* from, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto& reading = *static_cast<const Reading*>(from);
  return reading.too_long || reading.aborted->load() ? 1 : 0;
}

bool IsLoopback(const in_addr& v4) {
  return (ntohl(v4.s_addr) >> 24) == 127 || v4.s_addr == 0;
}

// 169.254.0.0/16: link-local, where clouds serve their credentials.
bool IsLinkLocal(const in_addr& v4) {
  return (ntohl(v4.s_addr) >> 16) == 0xA9FE;
}

// Whether a name that stands for this address leads where it must not.
bool Refused(const sockaddr* address, bool loopback_named) {
  if (address->sa_family == AF_INET) {
    const in_addr v4 = reinterpret_cast<const sockaddr_in*>(address)->sin_addr;
    return IsLinkLocal(v4) || (IsLoopback(v4) && !loopback_named);
  }
  if (address->sa_family != AF_INET6) return true;
  const in6_addr& v6 =
      reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&v6)) {
    in_addr v4;
    std::copy(v6.s6_addr + 12, v6.s6_addr + 16,
              reinterpret_cast<uint8_t*>(&v4));
    return IsLinkLocal(v4) || (IsLoopback(v4) && !loopback_named);
  }
  return IN6_IS_ADDR_LINKLOCAL(&v6) ||
         ((IN6_IS_ADDR_LOOPBACK(&v6) || IN6_IS_ADDR_UNSPECIFIED(&v6)) &&
          !loopback_named);
}

// After the name is resolved, so that no resolver leads around the rule.
curl_socket_t OnSocket(void* from, curlsocktype, curl_sockaddr* address) {
  auto& reading = *static_cast<Reading*>(from);
  if (Refused(&address->addr, reading.loopback_named)) {
    reading.address_refused = true;
    return CURL_SOCKET_BAD;
  }
  return socket(address->family, address->socktype | SOCK_CLOEXEC,
                address->protocol);
}

}  // namespace

struct CurlClient::Handle {
  CURL* curl = curl_easy_init();
  curl_slist* headers = nullptr;
  char error[CURL_ERROR_SIZE] = {};

  ~Handle() {
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
  }
};

CurlClient::CurlClient(std::string authority)
    : authority_(std::move(authority)) {
  // Once in a process; what it sets up is never torn down.
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  (void)ready;
}

CurlClient::~CurlClient() = default;

std::unique_ptr<CurlClient::Handle> CurlClient::Take() {
  {
    MutexLock lock(&mu_);
    if (!idle_.empty()) {
      std::unique_ptr<Handle> handle = std::move(idle_.back());
      idle_.pop_back();
      return handle;
    }
  }
  return std::make_unique<Handle>();
}

void CurlClient::GiveBack(std::unique_ptr<Handle> handle) {
  curl_easy_reset(handle->curl);  // connections stay
  curl_slist_free_all(std::exchange(handle->headers, nullptr));
  MutexLock lock(&mu_);
  if (idle_.size() < kIdleHandles) idle_.push_back(std::move(handle));
}

absl::StatusOr<app::HttpReply> CurlClient::Perform(Handle& handle,
                                                   const std::string& url,
                                                   size_t max_bytes) {
  const auto unreachable = [&](absl::string_view why) {
    return Error(absl::StatusCode::kUnavailable, Reason::kUnreachable,
                 absl::StrCat(app::OriginOf(url), ": ", why));
  };
  if (handle.curl == nullptr) return unreachable("libcurl does not start");
  Reading reading{.body = "",
                  .max_bytes = max_bytes,
                  .too_long = false,
                  .aborted = &aborted_,
                  .loopback_named = app::NamesLoopback(url),
                  .address_refused = false};
  CURL* curl = handle.curl;
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_PROXY, "");  // whatever the environment says
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, kConnectMilliseconds);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, kTotalMilliseconds);
  curl_easy_setopt(curl, CURLOPT_SSLVERSION,
                   static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "warder");
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, handle.error);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &OnBody);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reading);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &OnProgress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &reading);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, &OnSocket);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, &reading);
  if (!authority_.empty()) {
    curl_easy_setopt(curl, CURLOPT_CAINFO, authority_.c_str());
    curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);
  }
  handle.error[0] = '\0';
  const CURLcode result = curl_easy_perform(curl);
  app::HttpReply reply;
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  reply.status = static_cast<int>(status);
  reply.body = std::move(reading.body);
  // Of an answer that is only read in part the beginning is enough.
  const bool cut = result == CURLE_ABORTED_BY_CALLBACK && reading.too_long &&
                   max_bytes == kPostReplyBytes;
  if (result == CURLE_OK && !(reading.too_long && !cut)) return reply;
  if (cut) return reply;
  if (reading.address_refused) {
    return unreachable(
        "stands for an address on loopback or of this link, which is not "
        "reached by name");
  }
  if (reading.too_long) {
    return unreachable(absl::StrCat("answers more than ", max_bytes, " bytes"));
  }
  if (aborted_) return unreachable("warderd ends");
  return unreachable(handle.error[0] != '\0' ? handle.error
                                             : curl_easy_strerror(result));
}

absl::StatusOr<app::HttpReply> CurlClient::Post(
    const std::string& url, const std::vector<std::string>& headers,
    const std::string& body) {
  std::unique_ptr<Handle> handle = Take();
  for (const std::string& header : headers) {
    handle->headers = curl_slist_append(handle->headers, header.c_str());
  }
  // No waiting for 100 Continue.
  handle->headers = curl_slist_append(handle->headers, "Expect:");
  curl_easy_setopt(handle->curl, CURLOPT_HTTPHEADER, handle->headers);
  curl_easy_setopt(handle->curl, CURLOPT_POST, 1L);
  curl_easy_setopt(handle->curl, CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(handle->curl, CURLOPT_POSTFIELDSIZE_LARGE,
                   static_cast<curl_off_t>(body.size()));
  auto reply = Perform(*handle, url, kPostReplyBytes);
  GiveBack(std::move(handle));
  return reply;
}

absl::StatusOr<app::HttpReply> CurlClient::Ask(
    const std::string& url, const std::vector<std::string>& headers) {
  std::unique_ptr<Handle> handle = Take();
  for (const std::string& header : headers) {
    handle->headers = curl_slist_append(handle->headers, header.c_str());
  }
  curl_easy_setopt(handle->curl, CURLOPT_HTTPHEADER, handle->headers);
  curl_easy_setopt(handle->curl, CURLOPT_HTTPGET, 1L);
  curl_easy_setopt(handle->curl, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(handle->curl, CURLOPT_FORBID_REUSE, 1L);
  auto reply = Perform(*handle, url, kPostReplyBytes);
  GiveBack(std::move(handle));
  return reply;
}

absl::StatusOr<app::HttpReply> CurlClient::Get(const std::string& url) {
  std::unique_ptr<Handle> handle = Take();
  handle->headers =
      curl_slist_append(handle->headers, "Accept: application/json");
  curl_easy_setopt(handle->curl, CURLOPT_HTTPHEADER, handle->headers);
  curl_easy_setopt(handle->curl, CURLOPT_HTTPGET, 1L);
  auto reply = Perform(*handle, url, kGetReplyBytes);
  GiveBack(std::move(handle));
  return reply;
}

}  // namespace warder::signals

// HTTP(S) to the world outside, by libcurl.
#ifndef WARDER_SERVER_SIGNALS_CURL_CLIENT_H_
#define WARDER_SERVER_SIGNALS_CURL_CLIENT_H_

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "server/app/outbound.h"
#include "server/base/mutex.h"

namespace warder::signals {

// What app::HttpClient promises. Connections are kept for the next call.
class CurlClient : public app::HttpClient {
 public:
  // https servers must prove themselves to the system's CAs or, where it is
  // given, to those of the PEM file `authority` alone.
  explicit CurlClient(std::string authority);
  ~CurlClient() override;

  absl::StatusOr<app::HttpReply> Post(const std::string& url,
                                      const std::vector<std::string>& headers,
                                      const std::string& body) override;
  absl::StatusOr<app::HttpReply> Ask(
      const std::string& url, const std::vector<std::string>& headers) override;
  absl::StatusOr<app::HttpReply> Get(const std::string& url) override;
  void Abort() override { aborted_ = true; }

 private:
  struct Handle;

  std::unique_ptr<Handle> Take();
  void GiveBack(std::unique_ptr<Handle> handle);
  absl::StatusOr<app::HttpReply> Perform(Handle& handle, const std::string& url,
                                         size_t max_bytes);

  const std::string authority_;
  std::atomic<bool> aborted_ = false;
  Mutex mu_;
  std::vector<std::unique_ptr<Handle>> idle_ ABSL_GUARDED_BY(mu_);
};

}  // namespace warder::signals

#endif  // WARDER_SERVER_SIGNALS_CURL_CLIENT_H_

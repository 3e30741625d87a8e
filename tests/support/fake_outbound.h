// The world outside, as tests want it.
#ifndef WARDER_TESTS_SUPPORT_FAKE_OUTBOUND_H_
#define WARDER_TESTS_SUPPORT_FAKE_OUTBOUND_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/app/outbound.h"
#include "server/base/error.h"
#include "server/base/mutex.h"

namespace warder {

// Answers every POST as `answer` says (default 200; 0: it cannot be reached),
// and every GET with `documents`.
class FakeHttp : public app::HttpClient {
 public:
  struct Request {
    std::string url;
    std::vector<std::string> headers;
    std::string body;
    int status = 200;
  };

  absl::StatusOr<app::HttpReply> Post(const std::string& url,
                                      const std::vector<std::string>& headers,
                                      const std::string& body) override {
    Request request{.url = url, .headers = headers, .body = body};
    MutexLock lock(&mu_);
    if (answer) request.status = answer(request);
    requests.push_back(request);
    if (after) after();
    if (request.status == 0) return Unreachable(url);
    return app::HttpReply{request.status, answer_body};
  }
  absl::StatusOr<app::HttpReply> Ask(
      const std::string& url,
      const std::vector<std::string>& headers) override {
    return Post(url, headers, "");
  }
  absl::StatusOr<app::HttpReply> Get(const std::string& url) override {
    MutexLock lock(&mu_);
    ++fetches;
    const auto found = documents.find(url);
    if (found == documents.end()) return Unreachable(url);
    return app::HttpReply{200, found->second};
  }
  void Abort() override {}

  size_t count() {
    MutexLock lock(&mu_);
    return requests.size();
  }

  // Set and read while nothing runs.
  std::function<int(const Request&)> answer;
  std::function<void()> after;
  std::string answer_body;
  std::vector<Request> requests;
  std::map<std::string, std::string> documents;
  int fetches = 0;

 private:
  static absl::Status Unreachable(const std::string& url) {
    return Error(absl::StatusCode::kUnavailable, Reason::kUnreachable,
                 url + ": connection refused");
  }

  Mutex mu_;
};

// "Seals" in clear, bound to the name.
class FakeSecrets : public app::SharedSecrets {
 public:
  absl::StatusOr<std::string> Seal(absl::string_view name,
                                   absl::string_view secret) override {
    return absl::StrCat(name, "|", secret);
  }
  absl::StatusOr<std::string> Open(absl::string_view name,
                                   absl::string_view sealed) override {
    if (!absl::ConsumePrefix(&sealed, absl::StrCat(name, "|"))) {
      return Precondition(Reason::kKeyEncryptionKey, "does not open");
    }
    return std::string(sealed);
  }
  absl::StatusOr<std::string> Mac(absl::string_view name,
                                  absl::string_view sealed,
                                  absl::string_view message) override {
    const auto secret = Open(name, sealed);
    if (!secret.ok()) return secret.status();
    return absl::StrCat("mac", message.size());
  }
};

}  // namespace warder

#endif  // WARDER_TESTS_SUPPORT_FAKE_OUTBOUND_H_

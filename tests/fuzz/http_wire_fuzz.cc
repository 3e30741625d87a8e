// Raw bytes on a connection to the real public door.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

#include "server/http/wire/listener.h"
#include "tests/fuzz/fuzz_routes.h"

namespace {

class Door {
 public:
  Door()
      : listener_(*warder::http::Listener::Start(
            {.name = "fuzz", .address = "127.0.0.1:0", .tls = nullptr},
            [this](const warder::http::HttpRequest& request) {
              return routes_.Answer(request);
            },
            routes_.clock())) {}

  // Sends `bytes` and returns everything that comes back.
  std::string Exchange(absl::string_view bytes) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(listener_->port()));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience{.tv_sec = 5, .tv_usec = 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    // Thousands of closed connections a second: none may wait to be forgotten.
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    if (connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)) != 0) abort();
    send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    std::string answer;
    char buffer[4096];
    ssize_t got = 0;
    while ((got = recv(fd, buffer, sizeof(buffer), 0)) > 0) {
      answer.append(buffer, static_cast<size_t>(got));
    }
    // A connection that says nothing more must be closed, not kept.
    if (got < 0 && errno == EAGAIN) abort();
    close(fd);
    return answer;
  }

 private:
  warder::FuzzRoutes routes_;
  std::unique_ptr<warder::http::Listener> listener_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Door& door = *new Door();
  const std::string answer = door.Exchange(
      absl::string_view(reinterpret_cast<const char*>(data), size));
  if (!answer.empty() && answer.rfind("HTTP/1.1 ", 0) != 0) abort();
  return 0;
}

// The listener over real sockets, spoken to byte by byte.
#include "server/http/wire/listener.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder::http {
namespace {

std::string Exchange(int port, const std::string& request) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)),
            0);
  EXPECT_EQ(send(fd, request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));
  std::string answer;
  char buffer[4096];
  ssize_t got = 0;
  while ((got = recv(fd, buffer, sizeof(buffer), 0)) > 0) {
    answer.append(buffer, static_cast<size_t>(got));
  }
  close(fd);
  return answer;
}

}  // namespace

class ListenerTest : public testing::Test {
 protected:
  void SetUp() override {
    auto listener = Listener::Start(
        {.name = "test", .address = "127.0.0.1:0", .tls = nullptr},
        [](const HttpRequest& request) {
          HttpResponse response;
          response.headers = "X-Path: " + std::string(request.path) + "\r\n";
          response.body = std::string(request.method);
          return response;
        },
        clock_);
    ASSERT_OK(listener);
    listener_ = *std::move(listener);
  }
  std::string Send(const std::string& request) {
    return Exchange(listener_->port(), request);
  }
  SystemClock clock_;
  std::unique_ptr<Listener> listener_;
};

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

TEST_F(ListenerTest, Http10And11WithContentLength) {
  const std::string one = Send("GET /a?b=c HTTP/1.0\r\n\r\n");
  EXPECT_THAT(one, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(one, HasSubstr("X-Path: /a\r\n"));
  EXPECT_THAT(one, HasSubstr("Content-Length: 3\r\n"));
  EXPECT_THAT(one, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(one, EndsWith("\r\n\r\nGET"));
  const std::string two = Send(
      "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
      "GET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(two, HasSubstr("X-Path: /2\r\n"));  // both on one connection
}

TEST_F(ListenerTest, HeadHasTheHeadersAndNoBody) {
  const std::string answer = Send("HEAD / HTTP/1.0\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Content-Length: 4\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST_F(ListenerTest, MalformedAndOversizedRequestsAreRefused) {
  EXPECT_THAT(Send("\x16\x03\x01 garbage\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(
      Send("GET / HTTP/1.1\r\nX: " + std::string(9000, 'x') + "\r\n\r\n"),
      StartsWith("HTTP/1.1 431"));
}

TEST_F(ListenerTest, ABodyEndsTheConnectionAfterTheAnswer) {
  const std::string answer = Send(
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
      "GET /smuggled HTTP/1.1\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
  EXPECT_THAT(answer, testing::Not(HasSubstr("smuggled")));
}

TEST_F(ListenerTest, AConnectionThatSaysNothingIsClosed) {
  ASSERT_OK_AND_ASSIGN(
      const auto impatient,
      Listener::Start(
          {.name = "test",
           .address = "127.0.0.1:0",
           .idle_seconds = 1,
           .tls = nullptr},
          [](const HttpRequest&) { return HttpResponse(); }, clock_));
  // Half a request, and then nothing: the other side ends it.
  EXPECT_EQ(Exchange(impatient->port(), "GET / HTTP/1.1\r\n"), "");
}

TEST_F(ListenerTest, ATakenAddressIsNamed) {
  SystemClock clock;
  EXPECT_THAT(Listener::Start(
                  {.name = "public.address",
                   .address = "127.0.0.1:" + std::to_string(listener_->port()),
                   .tls = nullptr},
                  nullptr, clock),
              FailsWith(Reason::kUnreachable, "public.address"));
  EXPECT_THAT(
      Listener::Start(
          {.name = "public.address", .address = "nowhere", .tls = nullptr},
          nullptr, clock),
      FailsWith(Reason::kInvalidField, "IP:PORT"));
}

}  // namespace warder::http

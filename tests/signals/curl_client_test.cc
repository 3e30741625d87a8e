#include "server/signals/curl_client.h"

#include <fstream>

#include "absl/strings/str_cat.h"
#include "server/http/wire/listener.h"
#include "server/vault/private_authority.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace warder::signals {

class CurlClientTest : public testing::Test {
 protected:
  // Serves on loopback; a POST answers with what it got.
  int Serve(http::TlsContextPtr tls = nullptr) {
    auto listener = http::Listener::Start(
        {.name = "test",
         .address = "127.0.0.1:0",
         .max_body_bytes = 1 << 20,
         .tls = tls},
        [](const http::HttpRequest& request) {
          http::HttpResponse response;
          if (request.path == "/moved") {
            response.status = 302;
            response.headers = "Location: http://127.0.0.1/\r\n";
          } else if (request.path == "/long") {
            response.body = std::string(1 << 20, 'x');
          } else {
            response.body =
                absl::StrCat(request.method, " ", request.content_type, " ",
                             request.authorization, " ", request.body);
          }
          return response;
        },
        clock_);
    EXPECT_OK(listener.status());
    listener_ = *std::move(listener);
    return listener_->port();
  }

  SystemClock clock_;
  std::unique_ptr<http::Listener> listener_;
};

TEST_F(CurlClientTest, PostsAndGetsAsTold) {
  CurlClient client("");
  const std::string url = absl::StrCat("http://127.0.0.1:", Serve());
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK_AND_ASSIGN(
        const auto reply,
        client.Post(url + "/x",
                    {"Content-Type: text/plain", "Authorization: Bearer a"},
                    "body"));
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, "POST text/plain Bearer a body");
  }
  // Nothing of one call is left in the next.
  EXPECT_EQ(client.Get(url + "/x")->body, "GET   ");
}

TEST_F(CurlClientTest, NoRedirectIsFollowedAndNoFloodIsTaken) {
  CurlClient client("");
  const std::string url = absl::StrCat("http://127.0.0.1:", Serve());
  EXPECT_EQ(client.Post(url + "/moved", {}, "x")->status, 302);
  EXPECT_EQ(client.Get(url + "/moved")->status, 302);
  EXPECT_THAT(client.Get(url + "/long"),
              FailsWith(Reason::kUnreachable, "more than 262144 bytes"));
  ASSERT_OK_AND_ASSIGN(const auto reply, client.Post(url + "/long", {}, "x"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body.size(), 4096u);
}

TEST_F(CurlClientTest, AddressesThatAreNoReceiversAreNotReached) {
  CurlClient client("");
  const int port = Serve();
  for (const std::string& host :
       {std::string("127.1"), std::string("127.0.0.2"), std::string("0.0.0.0"),
        std::string("2130706433"), std::string("[::ffff:127.0.0.1]"),
        std::string("169.254.169.254"), std::string("[::ffff:169.254.1.1]"),
        std::string("[fe80::1]")}) {
    EXPECT_THAT(client.Get(absl::StrCat("http://", host, ":", port, "/")),
                FailsWith(Reason::kUnreachable, "not reached by name"))
        << host;
  }
  EXPECT_THAT(client.Get("file:///etc/passwd"),
              FailsWith(Reason::kUnreachable));
}

TEST_F(CurlClientTest, AServerProvesItselfToTheCAsThatAreGiven) {
  const TempDir dir;
  SecretBytes kek(crypto::kKeyEncryptionKeyBytes);
  const crypto::Sealer sealer(std::move(kek));
  const absl::Time now = clock_.TimeNow();
  ASSERT_OK_AND_ASSIGN(const auto sealed,
                       vault::PrivateAuthority::Create(sealer, "test", now));
  ASSERT_OK_AND_ASSIGN(const auto authority,
                       vault::PrivateAuthority::Load(sealer, sealed));
  ASSERT_OK_AND_ASSIGN(
      const auto identity,
      authority->IssueServer({"localhost"}, absl::Hours(1), now));
  ASSERT_OK_AND_ASSIGN(const auto tls,
                       http::MakeTlsContext("test", identity.certificate_pem,
                                            identity.private_key_pem));
  const int port = Serve(tls);
  const std::string file = dir.path() + "/ca.pem";
  std::ofstream(file) << authority->AuthorityPem();
  const std::string url = absl::StrCat("https://localhost:", port, "/");
  EXPECT_EQ(CurlClient(file).Get(url)->status, 200);
  EXPECT_THAT(CurlClient("").Get(url),
              FailsWith(Reason::kUnreachable, "certificate"));
  // Its name is not the one it was certified for.
  EXPECT_THAT(
      CurlClient(file).Get(absl::StrCat("https://127.0.0.1:", port, "/")),
      FailsWith(Reason::kUnreachable));
}

TEST_F(CurlClientTest, AnAbortEndsEveryCall) {
  CurlClient client("");
  const std::string url = absl::StrCat("http://127.0.0.1:", Serve());
  client.Abort();
  EXPECT_THAT(client.Get(url + "/x"), FailsWith(Reason::kUnreachable));
}

}  // namespace warder::signals

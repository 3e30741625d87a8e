#include "client/http_get.h"

#include <utility>
// <utility> first: Boost 1.74 forgets it under C++20.
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/base/error.h"

namespace warder::client {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using boost::system::error_code;

struct Url {
  bool tls = false;
  std::string host;
  std::string port;
  std::string target;
};

absl::StatusOr<Url> ParseUrl(absl::string_view text) {
  Url url;
  absl::string_view rest = text;
  if (absl::ConsumePrefix(&rest, "https://")) {
    url.tls = true;
  } else if (!absl::ConsumePrefix(&rest, "http://")) {
    return FieldError("url", absl::StrCat("\"", text.substr(0, 80),
                                          "\" is not http:// or https://"));
  }
  const size_t slash = rest.find('/');
  absl::string_view authority = rest.substr(0, slash);
  url.target =
      slash == absl::string_view::npos ? "/" : std::string(rest.substr(slash));
  url.port = url.tls ? "443" : "80";
  const size_t colon = authority.rfind(':');
  if (colon != absl::string_view::npos && authority.back() != ']') {
    url.port = std::string(authority.substr(colon + 1));
    authority = authority.substr(0, colon);
  }
  absl::ConsumePrefix(&authority, "[");
  absl::ConsumeSuffix(&authority, "]");
  url.host = std::string(authority);
  return url;
}

absl::Status Unreachable(const std::string& url, absl::string_view step,
                         const error_code& error) {
  return Error(
      absl::StatusCode::kUnavailable, Reason::kUnreachable,
      absl::StrCat("GET ", url, ": ", step, " failed: ", error.message()));
}

// One exchange, driven to its end on `io` so that the stream's timeout holds.
class Exchange {
 public:
  Exchange(const Url& url, asio::ssl::context& tls)
      : url_(url), stream_(io_, tls) {
    parser_.body_limit(1 << 20);
    request_.method(bhttp::verb::get);
    request_.version(11);
    request_.target(url.target);
    request_.set(bhttp::field::host, url.host);
    request_.set(bhttp::field::connection, "close");
    request_.set(bhttp::field::accept,
                 "application/jwk-set+json, application/json");
  }

  absl::Status Run(const std::string& name) {
    beast::get_lowest_layer(stream_).expires_after(std::chrono::seconds(10));
    asio::ip::tcp::resolver resolver(io_);
    error_code error;
    const auto hosts = resolver.resolve(url_.host, url_.port, error);
    if (error) return Unreachable(name, "looking up the host", error);
    Await(error, [&](auto done) {
      beast::get_lowest_layer(stream_).async_connect(
          hosts, [done](error_code e, const auto&) { done(e); });
    });
    if (error) return Unreachable(name, "connecting", error);
    if (url_.tls) {
      SSL_set_tlsext_host_name(stream_.native_handle(), url_.host.c_str());
      Await(error, [&](auto done) {
        stream_.async_handshake(asio::ssl::stream_base::client, done);
      });
      if (error) return Unreachable(name, "the TLS handshake", error);
      error = Talk(stream_);
    } else {
      error = Talk(stream_.next_layer());
    }
    if (error) return Unreachable(name, "reading the answer", error);
    return absl::OkStatus();
  }

  const bhttp::response<bhttp::string_body>& response() {
    return parser_.get();
  }

 private:
  template <typename Start>
  void Await(error_code& error, Start start) {
    start([&error](error_code e) { error = e; });
    io_.restart();
    io_.run();
  }

  template <typename Stream>
  error_code Talk(Stream& stream) {
    error_code error;
    Await(error, [&](auto done) {
      bhttp::async_write(stream, request_,
                         [done](error_code e, size_t) { done(e); });
    });
    if (error) return error;
    Await(error, [&](auto done) {
      bhttp::async_read(stream, buffer_, parser_,
                        [done](error_code e, size_t) { done(e); });
    });
    return error;
  }

  const Url url_;
  asio::io_context io_;
  beast::ssl_stream<beast::tcp_stream> stream_;
  bhttp::request<bhttp::empty_body> request_;
  beast::flat_buffer buffer_;
  bhttp::response_parser<bhttp::string_body> parser_;
};

std::string Header(const bhttp::response<bhttp::string_body>& response,
                   bhttp::field field) {
  const auto value = response[field];
  return std::string(value.data(), value.size());
}

}  // namespace

absl::StatusOr<HttpAnswer> HttpGet(const std::string& url,
                                   const std::string& authority) {
  auto parsed = ParseUrl(url);
  if (!parsed.ok()) return parsed.status();
  asio::ssl::context tls(asio::ssl::context::tls_client);
  error_code error;
  tls.set_verify_mode(asio::ssl::verify_peer, error);
  tls.set_verify_callback(asio::ssl::host_name_verification(parsed->host),
                          error);
  if (parsed->tls && authority.empty()) tls.set_default_verify_paths(error);
  if (parsed->tls && !authority.empty()) {
    tls.load_verify_file(authority, error);
  }
  if (error) return Unreachable(url, "reading the CA certificates", error);
  Exchange exchange(*parsed, tls);
  const absl::Status status = exchange.Run(url);
  if (!status.ok()) return status;
  const auto& response = exchange.response();
  return HttpAnswer{
      .status = static_cast<int>(response.result_int()),
      .etag = Header(response, bhttp::field::etag),
      .cache_control = Header(response, bhttp::field::cache_control),
      .body = response.body()};
}

}  // namespace warder::client

// One HTTP/1.x connection. Reads a request header, asks the handler, writes one
// buffer; again while the client keeps the connection.
#ifndef WARDER_SERVER_HTTP_SESSION_H_
#define WARDER_SERVER_HTTP_SESSION_H_

#include <utility>
// <utility> first: Boost 1.74 forgets it under C++20.
#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "server/base/clock.h"
#include "server/http/message.h"
#include "server/http/tls_context.h"

namespace warder::http {

inline constexpr size_t kMaxHeaderBytes = 8 * 1024;

// What the listener knows of a connection.
class Connection {
 public:
  virtual ~Connection() = default;
  // Closes the connection when its deadline lies before `tick`. Any thread.
  virtual void CloseIfIdle(int64_t tick) = 0;
};

// What all sessions of a listener share; outlives them by shared_ptr.
struct SessionShared {
  HttpHandler handler;
  Clock* clock = nullptr;
  int idle_seconds = 30;
  std::atomic<int> connections = 0;
  // Counts seconds. Deadlines are ticks, looked at once a second: a timer of
  // its own for each request costs as much as the answer.
  std::atomic<int64_t> tick = 0;
};

// `Stream` is tcp::socket or ssl::stream<tcp::socket>. Lives as long as an
// operation is under way; its handlers run on one strand.
template <typename Stream>
class Session : public Connection,
                public std::enable_shared_from_this<Session<Stream>> {
 public:
  static constexpr bool kTls =
      !std::is_same_v<Stream, boost::asio::ip::tcp::socket>;

  template <typename... StreamArgs>
  Session(std::shared_ptr<SessionShared> shared, TlsContextPtr tls,
          StreamArgs&&... args)
      : shared_(std::move(shared)),
        tls_(std::move(tls)),
        stream_(std::forward<StreamArgs>(args)...) {
    ++shared_->connections;
    if constexpr (kTls) {
      // Asio asks OpenSSL to give its buffers back after every record; a busy
      // connection would allocate them anew for every request.
      SSL_clear_mode(stream_.native_handle(), SSL_MODE_RELEASE_BUFFERS);
    }
  }
  ~Session() override { --shared_->connections; }

  void CloseIfIdle(int64_t tick) override {
    if (tick <= deadline_.load(std::memory_order_relaxed)) return;
    boost::asio::post(stream_.get_executor(),
                      [self = this->shared_from_this()] {
                        boost::system::error_code ignored;
                        self->stream_.lowest_layer().close(ignored);
                      });
  }

  void Start() {
    if constexpr (kTls) {
      Expire();
      stream_.async_handshake(
          boost::asio::ssl::stream_base::server,
          [self = this->shared_from_this()](boost::system::error_code error) {
            if (!error) self->Read();
          });
    } else {
      Read();
    }
  }

 private:
  using Parser =
      boost::beast::http::request_parser<boost::beast::http::empty_body>;

  void Expire() {
    deadline_.store(
        shared_->tick.load(std::memory_order_relaxed) + shared_->idle_seconds,
        std::memory_order_relaxed);
  }

  void Read() {
    parser_.emplace();
    parser_->header_limit(kMaxHeaderBytes);
    Expire();
    boost::beast::http::async_read_header(
        stream_, buffer_, *parser_,
        [self = this->shared_from_this()](boost::system::error_code error,
                                          size_t) { self->OnRead(error); });
  }

  void OnRead(boost::system::error_code error) {
    namespace bhttp = boost::beast::http;
    if (error == bhttp::error::header_limit) {
      return Refuse(431, "the request header is longer than 8 KiB");
    }
    if (error == bhttp::error::end_of_stream || !parser_) return Close();
    if (error) {
      // Anything the parser names is a malformed request; the rest is the
      // network's.
      if (error.category() ==
          bhttp::make_error_code(bhttp::error::bad_version).category()) {
        return Refuse(400, "not an HTTP/1 request");
      }
      return;
    }
    const auto& message = parser_->get();
    const auto target = message.target();
    const auto match = message[bhttp::field::if_none_match];
    HttpRequest request;
    const auto method = message.method_string();
    request.method = absl::string_view(method.data(), method.size());
    request.path = absl::string_view(target.data(), target.size());
    request.path = request.path.substr(0, request.path.find('?'));
    request.if_none_match = absl::string_view(match.data(), match.size());
    // A body is never read; the connection ends with the answer instead.
    const bool has_body = parser_->content_length_remaining().value_or(0) > 0 ||
                          parser_->chunked();
    keep_alive_ = message.keep_alive() && !has_body;
    Write(shared_->handler(request), request.method == "HEAD");
  }

  void Refuse(int status, absl::string_view why) {
    keep_alive_ = false;
    Write(ErrorResponse(status, "invalid_request", why), /*head=*/false);
  }

  void Write(const HttpResponse& response, bool head) {
    const absl::Time now = shared_->clock->TimeNow();
    const int64_t second = absl::ToUnixSeconds(now);
    if (second != date_second_) {
      date_second_ = second;
      date_ = HttpDate(now);
    }
    out_.clear();
    absl::StrAppend(&out_, "HTTP/1.1 ", response.status, " ",
                    StatusPhrase(response.status), "\r\nDate: ", date_, "\r\n",
                    response.headers);
    if (response.status != 304 && response.status != 204) {
      absl::StrAppend(&out_, "Content-Length: ", response.body.size(), "\r\n");
    }
    out_.append(keep_alive_ ? "Connection: keep-alive\r\n\r\n"
                            : "Connection: close\r\n\r\n");
    if (!head) out_.append(response.body);
    boost::asio::async_write(stream_, boost::asio::buffer(out_),
                             [self = this->shared_from_this()](
                                 boost::system::error_code error, size_t) {
                               if (error) return;
                               if (self->keep_alive_) {
                                 self->Read();
                               } else {
                                 self->Close();
                               }
                             });
  }

  void Close() {
    if constexpr (kTls) {
      Expire();
      stream_.async_shutdown(
          [self = this->shared_from_this()](boost::system::error_code) {});
    } else {
      boost::system::error_code ignored;
      stream_.shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
    }
  }

  std::shared_ptr<SessionShared> shared_;
  TlsContextPtr tls_;  // keeps the context of this connection alive
  Stream stream_;
  boost::beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  std::string out_;
  std::string date_;
  int64_t date_second_ = -1;
  bool keep_alive_ = false;
  std::atomic<int64_t> deadline_ = 0;
};

}  // namespace warder::http

#endif  // WARDER_SERVER_HTTP_SESSION_H_

// One HTTP/1.x connection. Reads a request header, and a body where the door
// takes bodies, asks the handler, writes one buffer; again while the client
// keeps the connection.
#ifndef WARDER_SERVER_HTTP_WIRE_SESSION_H_
#define WARDER_SERVER_HTTP_WIRE_SESSION_H_

#include <utility>
// <utility> first: Boost 1.74 forgets it under C++20.
#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/http/wire/message.h"
#include "server/http/wire/tls_context.h"

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
  size_t max_body_bytes = 0;
  bool reads_credentials = false;
  PeerNamer peer_uri;
  std::atomic<int> connections = 0;
  // Counts seconds. Deadlines are ticks, looked at once a second: a timer of
  // its own for each request costs as much as the answer.
  std::atomic<int64_t> tick = 0;
};

template <typename Stream>
struct IsTls : std::false_type {};
template <typename Lower>
struct IsTls<boost::asio::ssl::stream<Lower>> : std::true_type {};

// `Stream` is tcp::socket, ssl::stream<tcp::socket> or a Unix socket. Lives as
// long as an operation is under way; its handlers run on one strand.
template <typename Stream>
class Session : public Connection,
                public std::enable_shared_from_this<Session<Stream>> {
 public:
  static constexpr bool kTls = IsTls<Stream>::value;

  template <typename... StreamArgs>
  Session(std::shared_ptr<SessionShared> shared, TlsContextPtr tls,
          StreamArgs&&... args)
      : shared_(std::move(shared)),
        tls_(std::move(tls)),
        stream_(std::forward<StreamArgs>(args)...) {
    ++shared_->connections;
    boost::system::error_code unknown;
    const auto peer = stream_.lowest_layer().remote_endpoint(unknown);
    if constexpr (requires { peer.address(); }) {
      if (!unknown) peer_address_ = peer.address().to_string();
    }
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
            if (error) return;
            if (self->shared_->peer_uri) {
              self->peer_uri_ =
                  self->shared_->peer_uri(self->stream_.native_handle());
            }
            self->Read();
          });
    } else {
      Read();
    }
  }

 private:
  using Parser =
      boost::beast::http::request_parser<boost::beast::http::empty_body>;
  using BodyParser =
      boost::beast::http::request_parser<boost::beast::http::string_body>;

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
    const bool has_body = parser_->content_length_remaining().value_or(0) > 0 ||
                          parser_->chunked();
    if (has_body && shared_->max_body_bytes > 0) return ReadBody();
    // A body is not read; the connection ends with the answer instead.
    keep_alive_ = parser_->get().keep_alive() && !has_body;
    Answer(parser_->get(), {});
  }

  // Reads on behind the header, which has been read.
  void ReadBody() {
    namespace bhttp = boost::beast::http;
    const auto expect = parser_->get()[bhttp::field::expect];
    const bool waits = absl::EqualsIgnoreCase(
        absl::string_view(expect.data(), expect.size()), "100-continue");
    const auto length = parser_->content_length();
    if (length && *length > shared_->max_body_bytes) return RefuseBody();
    body_parser_.emplace(std::move(*parser_));
    parser_.reset();
    body_parser_->body_limit(shared_->max_body_bytes);
    Expire();
    if (!waits) return ReadBodyNow();
    out_ = "HTTP/1.1 100 Continue\r\n\r\n";
    boost::asio::async_write(stream_, boost::asio::buffer(out_),
                             [self = this->shared_from_this()](
                                 boost::system::error_code error, size_t) {
                               if (!error) self->ReadBodyNow();
                             });
  }

  void ReadBodyNow() {
    boost::beast::http::async_read(
        stream_, buffer_, *body_parser_,
        [self = this->shared_from_this()](boost::system::error_code error,
                                          size_t) { self->OnBody(error); });
  }

  void OnBody(boost::system::error_code error) {
    namespace bhttp = boost::beast::http;
    if (error == bhttp::error::body_limit) return RefuseBody();
    if (error) {
      if (error.category() ==
          bhttp::make_error_code(bhttp::error::bad_version).category()) {
        return Refuse(400, "the body is not what its header says");
      }
      return;
    }
    keep_alive_ = body_parser_->get().keep_alive();
    const std::string& body = body_parser_->get().body();
    Answer(body_parser_->get(), absl::string_view(body.data(), body.size()));
    body_parser_.reset();
  }

  void RefuseBody() {
    Refuse(413, absl::StrCat("the body is longer than ",
                             shared_->max_body_bytes, " bytes"));
  }

  // `fields` is a Beast request of any body.
  template <typename Fields>
  void Answer(const Fields& fields, absl::string_view body) {
    namespace bhttp = boost::beast::http;
    const auto view = [](const auto& text) {
      return absl::string_view(text.data(), text.size());
    };
    HttpRequest request;
    request.method = view(fields.method_string());
    request.path = view(fields.target());
    const size_t mark = request.path.find('?');
    if (mark != absl::string_view::npos) {
      request.query = request.path.substr(mark + 1);
      request.path = request.path.substr(0, mark);
    }
    request.peer_address = peer_address_;
    request.if_none_match = view(fields[bhttp::field::if_none_match]);
    if (shared_->reads_credentials) {
      request.authorization = view(fields[bhttp::field::authorization]);
      request.cookie = view(fields[bhttp::field::cookie]);
      request.real_ip = view(fields["X-Real-IP"]);
    }
    if (shared_->max_body_bytes > 0) {
      request.if_match = view(fields[bhttp::field::if_match]);
      request.content_type = view(fields[bhttp::field::content_type]);
      request.body = body;
      request.peer_uri = peer_uri_;
    }
    Write(Handle(request), request.method == "HEAD");
  }

  // A defect in a route costs its request, never the process.
  HttpResponse Handle(const HttpRequest& request) {
    try {
      return shared_->handler(request);
    } catch (const std::exception& error) {
      Log(LogLevel::kError, "http.defect",
          {{"path", std::string(request.path.substr(0, 200))},
           {"error", error.what()}});
      return ErrorResponse(500, "server_error",
                           "a defect of Warder; its log says more");
    }
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
  std::optional<BodyParser> body_parser_;
  std::string peer_uri_;
  std::string peer_address_;
  std::string out_;
  std::string date_;
  int64_t date_second_ = -1;
  bool keep_alive_ = false;
  std::atomic<int64_t> deadline_ = 0;
};

}  // namespace warder::http

#endif  // WARDER_SERVER_HTTP_WIRE_SESSION_H_

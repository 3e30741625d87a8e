#include <utility>
// <utility> first: Boost 1.74 forgets it under C++20.
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/base/mutex.h"
#include "server/base/status_macros.h"
#include "server/http/listener.h"
#include "server/http/session.h"

namespace warder::http {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

absl::StatusOr<tcp::endpoint> ParseAddress(const ListenerOptions& options) {
  absl::string_view text = options.address;
  const size_t colon = text.rfind(':');
  int port = -1;
  boost::system::error_code error = asio::error::invalid_argument;
  asio::ip::address address;
  if (colon != absl::string_view::npos &&
      absl::SimpleAtoi(text.substr(colon + 1), &port) && port >= 0 &&
      port <= 65535) {
    absl::string_view host = text.substr(0, colon);
    absl::ConsumePrefix(&host, "[");
    absl::ConsumeSuffix(&host, "]");
    address = asio::ip::make_address(std::string(host), error);
  }
  if (error) {
    return FieldError(options.name, absl::StrCat("\"", options.address,
                                                 "\" is not IP:PORT, such as "
                                                 "127.0.0.1:7480"));
  }
  return tcp::endpoint(address, static_cast<uint16_t>(port));
}

}  // namespace

struct Listener::State {
  explicit State(int concurrency)
      : io(concurrency), acceptor(io), pause(io), sweep(io) {}

  void Accept() {
    // One thread runs handlers one after the other anyway.
    const asio::any_io_executor executor =
        options.threads == 1 ? asio::any_io_executor(io.get_executor())
                             : asio::any_io_executor(asio::make_strand(io));
    acceptor.async_accept(
        executor, [this](boost::system::error_code error, tcp::socket socket) {
          if (error == asio::error::operation_aborted) return;
          if (error) return AcceptLater(error);
          Serve(std::move(socket));
          Accept();
        });
  }

  // Out of file descriptors, as a rule: trying at once would spin.
  void AcceptLater(boost::system::error_code error) {
    Log(LogLevel::kError, "http.accept_failed",
        {{"listener", options.name}, {"error", error.message()}});
    pause.expires_after(std::chrono::milliseconds(100));
    pause.async_wait([this](boost::system::error_code stopped) {
      if (!stopped) Accept();
    });
  }

  void Serve(tcp::socket socket) {
    if (shared->connections >= options.max_connections) return;  // closes it
    boost::system::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    TlsContextPtr context;
    {
      MutexLock lock(&mu);
      context = tls;
    }
    if (context == nullptr) {
      Begin(std::make_shared<Session<tcp::socket>>(shared, nullptr,
                                                   std::move(socket)));
    } else {
      using Tls = asio::ssl::stream<tcp::socket>;
      Begin(std::make_shared<Session<Tls>>(shared, context, std::move(socket),
                                           *context));
    }
  }

  template <typename S>
  void Begin(std::shared_ptr<S> session) {
    {
      MutexLock lock(&mu);
      sessions.push_back(session);
    }
    session->Start();
  }

  // Once a second: counts the tick, closes what idles, forgets what is gone.
  void Sweep() {
    sweep.expires_after(std::chrono::seconds(1));
    sweep.async_wait([this](boost::system::error_code stopped) {
      if (stopped) return;
      const int64_t tick = ++shared->tick;
      {
        MutexLock lock(&mu);
        std::erase_if(sessions, [&](const std::weak_ptr<Connection>& weak) {
          const auto session = weak.lock();
          if (session != nullptr) session->CloseIfIdle(tick);
          return session == nullptr;
        });
      }
      Sweep();
    });
  }

  ListenerOptions options;
  std::shared_ptr<SessionShared> shared = std::make_shared<SessionShared>();
  asio::io_context io;
  tcp::acceptor acceptor;
  asio::steady_timer pause;
  asio::steady_timer sweep;
  std::vector<std::thread> threads;
  Mutex mu;
  TlsContextPtr tls ABSL_GUARDED_BY(mu);
  std::vector<std::weak_ptr<Connection>> sessions ABSL_GUARDED_BY(mu);
};

Listener::Listener(std::unique_ptr<State> state) : state_(std::move(state)) {}

absl::StatusOr<std::unique_ptr<Listener>> Listener::Start(
    const ListenerOptions& options, HttpHandler handler, Clock& clock) {
  ASSIGN_OR_RETURN(const tcp::endpoint endpoint, ParseAddress(options));
  auto state = std::make_unique<State>(options.threads);
  state->options = options;
  state->shared->handler = std::move(handler);
  state->shared->clock = &clock;
  state->shared->idle_seconds = options.idle_seconds;
  state->shared->max_body_bytes = options.max_body_bytes;
  state->shared->peer_uri = options.peer_uri;
  {
    MutexLock lock(&state->mu);
    state->tls = options.tls;
  }
  boost::system::error_code error;
  state->acceptor.open(endpoint.protocol(), error);
  if (!error) {
    state->acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  }
  if (!error) state->acceptor.bind(endpoint, error);
  if (!error) {
    state->acceptor.listen(asio::socket_base::max_listen_connections, error);
  }
  if (error) {
    return Error(
        absl::StatusCode::kUnavailable, Reason::kUnreachable,
        absl::StrCat("cannot listen on ", options.address, " (", options.name,
                     "): ", error.message(), "; is another program using it?"));
  }
  state->Accept();
  state->Sweep();
  for (int i = 0; i < options.threads; ++i) {
    state->threads.emplace_back([s = state.get()] { s->io.run(); });
  }
  return std::unique_ptr<Listener>(new Listener(std::move(state)));
}

Listener::~Listener() {
  state_->io.stop();
  for (std::thread& thread : state_->threads) thread.join();
}

int Listener::port() const {
  boost::system::error_code ignored;
  return state_->acceptor.local_endpoint(ignored).port();
}

void Listener::SetTls(TlsContextPtr tls) {
  MutexLock lock(&state_->mu);
  state_->tls = std::move(tls);
}

}  // namespace warder::http

#include <utility>
// <utility> first: Boost 1.74 forgets it under C++20.
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <filesystem>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/base/mutex.h"
#include "server/base/status_macros.h"
#include "server/http/wire/listener.h"
#include "server/http/wire/session.h"

namespace warder::http {

namespace asio = boost::asio;
using asio::ip::tcp;
using local = asio::local::stream_protocol;

namespace {

constexpr char kUnix[] = "unix:";

bool IsUnix(absl::string_view address) {
  return absl::StartsWith(address, kUnix);
}

// A socket that a process left behind when it was killed is in the way.
void RemoveAbandoned(const std::string& path, const local::endpoint& endpoint) {
  std::error_code error;
  if (!std::filesystem::is_socket(path, error)) return;
  asio::io_context io;
  local::socket probe(io);
  boost::system::error_code refused;
  probe.connect(endpoint, refused);
  if (refused == asio::error::connection_refused) {
    std::filesystem::remove(path, error);
  }
}

absl::StatusOr<local::endpoint> ParsePath(const ListenerOptions& options) {
  const std::string path = options.address.substr(sizeof(kUnix) - 1);
  // sun_path holds 108 bytes and ends with a zero.
  if (path.empty() || path[0] != '/' || path.size() > 107) {
    return FieldError(options.name,
                      absl::StrCat("\"", options.address,
                                   "\" is not unix:/PATH of up to 107 bytes"));
  }
  return local::endpoint(path);
}

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

template <typename Acceptor>
boost::system::error_code Listen(
    Acceptor& acceptor, const typename Acceptor::endpoint_type& endpoint) {
  boost::system::error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error)
    acceptor.set_option(typename Acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) {
    acceptor.listen(asio::socket_base::max_listen_connections, error);
  }
  return error;
}

}  // namespace

struct Listener::State {
  explicit State(int concurrency)
      : io(concurrency),
        acceptor(io),
        unix_acceptor(io),
        pause(io),
        sweep(io) {}

  void Accept() {
    if (IsUnix(options.address)) {
      AcceptFrom<local>(unix_acceptor);
    } else {
      AcceptFrom<tcp>(acceptor);
    }
  }

  template <typename Protocol>
  void AcceptFrom(typename Protocol::acceptor& from) {
    // One thread runs handlers one after the other anyway.
    const asio::any_io_executor executor =
        options.threads == 1 ? asio::any_io_executor(io.get_executor())
                             : asio::any_io_executor(asio::make_strand(io));
    from.async_accept(executor, [this](boost::system::error_code error,
                                       typename Protocol::socket socket) {
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

  void Serve(local::socket socket) {
    if (shared->connections >= options.max_connections) return;  // closes it
    Begin(std::make_shared<Session<local::socket>>(shared, nullptr,
                                                   std::move(socket)));
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
  local::acceptor unix_acceptor;  // one of both is open
  std::string unix_path;
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
  state->shared->reads_credentials =
      options.reads_credentials || options.max_body_bytes > 0;
  boost::system::error_code error;
  if (IsUnix(options.address)) {
    ASSIGN_OR_RETURN(const local::endpoint endpoint, ParsePath(options));
    RemoveAbandoned(endpoint.path(), endpoint);
    error = Listen(state->unix_acceptor, endpoint);
    if (!error) {
      std::error_code ignored;
      std::filesystem::permissions(endpoint.path(),
                                   std::filesystem::perms::owner_read |
                                       std::filesystem::perms::owner_write |
                                       std::filesystem::perms::group_read |
                                       std::filesystem::perms::group_write,
                                   ignored);
      state->unix_path = endpoint.path();
    }
  } else {
    ASSIGN_OR_RETURN(const tcp::endpoint endpoint, ParseAddress(options));
    error = Listen(state->acceptor, endpoint);
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
  std::error_code ignored;
  if (!state_->unix_path.empty()) {
    std::filesystem::remove(state_->unix_path, ignored);
  }
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

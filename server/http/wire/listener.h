// An HTTP/1.x server on one address.
#ifndef WARDER_SERVER_HTTP_WIRE_LISTENER_H_
#define WARDER_SERVER_HTTP_WIRE_LISTENER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/base/clock.h"
#include "server/http/wire/message.h"
#include "server/http/wire/tls_context.h"

namespace warder::http {

struct ListenerOptions {
  std::string name;  // for messages: "public.address"
  // "127.0.0.1:7480", "[::1]:7480" (port 0 picks one), or "unix:/run/x.sock"; a
  // socket that nobody listens on is replaced, and this user and group may
  // connect.
  std::string address;
  int threads = 1;
  // Connections at once; more are closed as they come.
  int max_connections = 8192;
  // A connection without progress for this long is closed.
  int idle_seconds = 30;
  // Bodies up to this long are read (413 beyond); 0: none, and the connection
  // of a request with a body ends with its answer.
  size_t max_body_bytes = 0;
  // Routes are shown Authorization and Cookie.
  bool reads_credentials = false;
  TlsContextPtr tls = nullptr;  // null for plain HTTP
  // Returns the URI name in the verified client certificate of a TLS session,
  // or "". May be empty.
  PeerNamer peer_uri = nullptr;
};

// Bounds: header 8 KiB (431). Thread-safe.
class Listener {
 public:
  // Binds and starts the threads. `clock` outlives the listener.
  //   UNAVAILABLE       UNREACHABLE: the address cannot be bound
  //   INVALID_ARGUMENT  the address is not IP:PORT or unix:/PATH
  static absl::StatusOr<std::unique_ptr<Listener>> Start(
      const ListenerOptions& options, HttpHandler handler, Clock& clock);

  // Ends every connection and waits for the threads.
  ~Listener();

  // 0 for a Unix socket.
  int port() const;

  // New connections use `tls` from now on; running ones keep theirs.
  void SetTls(TlsContextPtr tls);

 private:
  struct State;
  explicit Listener(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace warder::http

#endif  // WARDER_SERVER_HTTP_WIRE_LISTENER_H_

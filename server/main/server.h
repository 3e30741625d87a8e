// One warderd, put together.
#ifndef WARDER_SERVER_MAIN_SERVER_H_
#define WARDER_SERVER_MAIN_SERVER_H_

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/app/store.h"
#include "server/main/config.h"

namespace warder {

// Seams for tests that kill the process at a chosen step.
struct ServerHooks {
  // Puts a store of the test's around the real one.
  std::function<std::unique_ptr<app::Store>(std::unique_ptr<app::Store>)>
      wrap_store;
  // Runs after a change was published, before it is answered.
  std::function<void()> after_publish;
};

// Prepares the process: no core dumps, locked memory for keys, TLS 1.3 for
// gRPC, SIGPIPE ignored. Call first, once.
void PrepareProcess();

class Server {
 public:
  // Takes the data directory, loads every published key set, carries out
  // departures that came due while nobody ran, opens the doors, starts the
  // rotation loop. Errors as data_directory.h, grpc_server.h, listener.h.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const Config& config,
                                                       ServerHooks hooks = {});
  // As Drain, and frees everything.
  ~Server();

  // Blocks until SIGTERM or SIGINT, answering SIGHUP with Reload. The signals
  // must be blocked in every thread.
  void WaitForSignal(const std::string& config_file);

  // Reads log level and the certificates of the public and HR doors again.
  void Reload(const std::string& config_file);

  // Takes no new calls, lets running ones end, stops the loop.
  void Drain();

  int grpc_port() const;
  int public_port() const;
  int hr_port() const;
  int ops_port() const;

 private:
  struct Parts;
  explicit Server(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace warder

#endif  // WARDER_SERVER_MAIN_SERVER_H_

// warder-agent: beside a gateway, keeps its key sets current and answers for
// it.
#include <signal.h>
#include <time.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "client/agent/agent_routes.h"
#include "client/agent/config.h"
#include "client/agent/enforcer.h"
#include "client/agent/ext_authz.h"
#include "client/agent/tail.h"
#include "client/client.h"
#include "client/held_ledger.h"
#include "client/held_subjects.h"
#include "client/ledger_asker.h"
#include "client/ledger_fetcher.h"
#include "client/observe.h"
#include "client/watch.h"
#include "server/base/atomic_file.h"
#include "server/base/clock.h"
#include "server/base/lock_cycles.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/base/version.h"
#include "server/crypto/system_random.h"
#include "server/http/wire/listener.h"

namespace warder::agent {
namespace {

constexpr int kConnections = 4096;

// Returns the name under which this process comes back: it lies beside the sets
// that the next one begins with. Empty where nothing is kept.
std::string IncarnationOf(const Config& config, Random& random) {
  if (config.state_directory.empty()) return "";
  const std::string file = config.state_directory + "/incarnation";
  std::ifstream in(file);
  std::string name;
  if (in >> name) return name;
  name = RandomUuid(random);
  const absl::Status kept =
      WriteAtomically(file, name + "\n", FileMode::kOwnerOnly);
  if (!kept.ok()) {
    Log(LogLevel::kWarning, "agent.incarnation_not_kept",
        {{"error", std::string(kept.message())},
         {"next", "the next start counts as another process of this name"}});
  }
  return name;
}

absl::Status Serve(Config config) {
  SystemClock clock;
  crypto::SystemRandom random;
  ASSIGN_OR_RETURN(
      const auto connection,
      client::Client::Connect(config.server, random, clock.TimeNow(),
                              [](absl::Duration) {}));
  // Of this process alone: its reports are numbered from 1.
  client::Observer observer(
      *connection, clock,
      {.instance = config.instance, .incarnation = RandomUuid(random)});
  if (config.observe) config.verify.observer = &observer;
  client::LedgerAsker asker(*connection, clock);
  client::HeldLedger held(asker, config.observe ? &observer : nullptr);
  client::HeldSubjects subjects;
  config.verify.issuance = &held;
  config.verify.subjects = &subjects;
  Enforcer enforcer(config, clock);
  enforcer.Load();
  enforcer.KeepFilesFresh();
  client::KeySetWatcher watcher(
      connection->channel(), enforcer, clock, random,
      {.instance = config.instance,
       .incarnation = IncarnationOf(config, random),
       .max_staleness = config.verify.max_staleness,
       .serve_stale = config.verify.serve_stale,
       .comes_back = !config.state_directory.empty()});
  client::LedgerFetcher fetcher(
      *connection, clock, [&enforcer] { return enforcer.verifier().Sets(); },
      held, subjects, [&enforcer] { enforcer.ForgetVerified(); });
  AgentRoutes routes(config, enforcer, watcher, {observer, held, subjects},
                     clock);
  ASSIGN_OR_RETURN(const auto listener,
                   http::Listener::Start(
                       {.name = "http_address",
                        .address = config.http_address,
                        .threads = 8,  // who asks the ledger waits
                        .max_connections = kConnections,
                        .reads_credentials = true},
                       [&routes](const http::HttpRequest& request) {
                         return routes.Answer(request);
                       },
                       clock));
  ExtAuthz ext_authz(config, enforcer, clock);
  std::unique_ptr<grpc::Server> envoy_door;
  if (!config.ext_authz_address.empty()) {
    ASSIGN_OR_RETURN(envoy_door,
                     ServeExtAuthz(config.ext_authz_address, ext_authz));
  }
  watcher.Start();
  fetcher.Start();
  if (config.observe) observer.Start();
  Log(LogLevel::kInfo, "agent.started",
      {{"server", config.server.address},
       {"instance", config.instance},
       {"http", config.http_address}});
  if (config.verify.serve_stale) {
    Log(LogLevel::kWarning, "agent.serves_stale",
        {{"next",
          "a revoked key is accepted here for as long as the server cannot be "
          "reached; set verify.serve_stale: false unless that is meant"}});
  }
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  const timespec second = {.tv_sec = 1, .tv_nsec = 0};
  while (sigtimedwait(&set, nullptr, &second) < 0) enforcer.KeepFilesFresh();
  Log(LogLevel::kInfo, "agent.stopping");
  if (envoy_door != nullptr) envoy_door->Shutdown();
  if (config.state_directory.empty()) enforcer.WithdrawFiles();
  // Then the listener ends, and last the watcher: when the server is told that
  // this instance leaves, nothing answers here any more.
  return absl::OkStatus();
}

int Run(int argc, char** argv) {
  CLI::App app{
      "warder-agent: keeps a gateway's key sets current, checks tokens for it, "
      "and tells warderd what it enforces."};
  std::string file;
  bool check = false;
  app.set_version_flag("--version", kVersion);
  app.add_option("--config", file, "its YAML file; see agent.sample.yaml");
  app.add_flag("--check", check, "read the file, say what is wrong, and end");
  CLI::App* const tail = app.add_subcommand(
      "tail",
      "read a gateway's access log and tell warderd which tokens it shows");
  tail->add_option("--config", file, "its YAML file; see tail.sample.yaml")
      ->required();
  tail->add_flag("--check", check, "read the file, say what is wrong, and end");
  CLI11_PARSE(app, argc, argv);
  if (file.empty()) {
    std::cerr << "warder-agent: --config is required\n";
    return 2;
  }
  absl::StatusOr<Config> config = Config();
  absl::StatusOr<TailConfig> tail_config = TailConfig();
  absl::Status read;
  if (tail->parsed()) {
    tail_config = ReadTailConfig(file);
    read = tail_config.status();
  } else {
    config = ReadConfig(file);
    read = config.status();
  }
  if (!read.ok()) {
    std::cerr << "warder-agent: " << read.message() << "\n";
    return 2;
  }
  if (check) {
    std::cout << file << " is good.\n";
    return 0;
  }
  signal(SIGPIPE, SIG_IGN);
  IgnoreLockCycles();
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);  // before any thread
  if (const auto level = ParseLogLevel(tail->parsed() ? tail_config->log_level
                                                      : config->log_level);
      level.ok()) {
    SetLogLevel(*level);
  }
  const absl::Status status =
      tail->parsed() ? Tail(*tail_config) : Serve(*config);
  if (status.ok()) return 0;
  std::cerr << "warder-agent: " << status.message() << "\n";
  return 1;
}

}  // namespace
}  // namespace warder::agent

int main(int argc, char** argv) { return warder::agent::Run(argc, argv); }

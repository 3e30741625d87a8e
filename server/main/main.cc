// warderd: the server's command line.
#include <signal.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <string>

#include "server/app/clock_guard.h"
#include "server/base/clock.h"
#include "server/base/error.h"
#include "server/base/lock_cycles.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/base/time_text.h"
#include "server/base/version.h"
#include "server/crypto/digest.h"
#include "server/main/config.h"
#include "server/main/data_directory.h"
#include "server/main/server.h"

namespace warder {
namespace {

struct Flags {
  std::string config_file;
  std::string data_directory;
  std::vector<std::string> settings;  // NAME=VALUE
  std::string client = "admin";
  bool json = false;
};

absl::StatusOr<Config> LoadConfig(const Flags& flags) {
  Config config;
  if (!flags.config_file.empty()) {
    ASSIGN_OR_RETURN(config, ReadConfig(flags.config_file));
  }
  if (!flags.data_directory.empty()) {
    config.data_directory = flags.data_directory;
  }
  for (const std::string& setting : flags.settings) {
    RETURN_IF_ERROR(OverrideSetting(setting, &config));
  }
  RETURN_IF_ERROR(CheckConfig("the settings", config));
  ASSIGN_OR_RETURN(const LogLevel level, ParseLogLevel(config.log_level));
  SetLogLevel(level);
  return config;
}

absl::Status Init(const Flags& flags) {
  ASSIGN_OR_RETURN(const Config config, LoadConfig(flags));
  SystemClock clock;
  ASSIGN_OR_RETURN(const InitResult result,
                   InitDataDirectory(config, flags.client, clock.TimeNow()));
  if (flags.json) {
    std::cout << WriteJson({{"data_directory", config.data_directory},
                            {"profile", result.profile_file},
                            {"authority", result.authority_file}})
              << "\n";
    return absl::OkStatus();
  }
  std::cout << "Made " << config.data_directory << ".\n\n  key-encryption key  "
            << config.KeyEncryptionKeyFile()
            << "\n                      keep a copy elsewhere: without it no "
               "key signs again\n  private CA          "
            << result.authority_file << "\n  first client        security/"
            << flags.client << ", profile " << result.profile_file
            << "\n\nNext:\n  warderd serve --data-dir " << config.data_directory
            << "\n  warder --profile " << result.profile_file << " status\n";
  return absl::OkStatus();
}

absl::Status IssueClient(const Flags& flags) {
  ASSIGN_OR_RETURN(const Config config, LoadConfig(flags));
  SystemClock clock;
  ASSIGN_OR_RETURN(const InitResult result,
                   warder::IssueClient(config, flags.client, clock.TimeNow()));
  if (flags.json) {
    std::cout << WriteJson({{"profile", result.profile_file},
                            {"authority", result.authority_file}})
              << "\n";
    return absl::OkStatus();
  }
  std::cout << "Made security/" << flags.client
            << ". Start warderd again, and then:\n  warder --profile "
            << result.profile_file << " status\n";
  return absl::OkStatus();
}

absl::Status Serve(const Flags& flags) {
  ASSIGN_OR_RETURN(const Config config, LoadConfig(flags));
  ASSIGN_OR_RETURN(auto server, Server::Start(config));
  server->WaitForSignal(flags.config_file);
  server->Drain();
  return absl::OkStatus();
}

absl::Status MigrateStore(const Flags& flags) {
  SystemClock clock;
  ASSIGN_OR_RETURN(const Config config, LoadConfig(flags));
  RETURN_IF_ERROR(OpenIdleDirectory(config, clock.TimeNow()).status());
  std::cout << "The database has the schema of this warderd.\n";
  return absl::OkStatus();
}

absl::Status AcceptClock(const Flags& flags) {
  SystemClock clock;
  const absl::Time now = clock.TimeNow();
  ASSIGN_OR_RETURN(const Config config, LoadConfig(flags));
  ASSIGN_OR_RETURN(const IdleDirectory idle, OpenIdleDirectory(config, now));
  ASSIGN_OR_RETURN(const absl::Time last,
                   app::AcceptClock(*idle.store, now, crypto::Sha256));
  if (last <= now) {
    std::cout << "Nothing is recorded for later than " << TimeText(now)
              << "; nothing was changed.\n";
    return absl::OkStatus();
  }
  std::cout << "The last change was recorded for " << TimeText(last)
            << ".\nFrom now on changes are dated " << TimeText(now)
            << " and later; the audit log says so (clock.accepted).\n";
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP})
    sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  Flags flags;
  CLI::App app{"warderd: holds an organisation's token-signing keys"};
  app.set_version_flag("--version", kVersion);
  app.require_subcommand(1);
  const auto common = [&flags](CLI::App* command) {
    command->add_option("--config", flags.config_file,
                        "YAML file; see warderd.sample.yaml");
    command->add_option("--data-dir", flags.data_directory,
                        "overrides data_directory");
    command->add_option("--set", flags.settings,
                        "NAME=VALUE overrides a setting of the file, such as "
                        "grpc.address=127.0.0.1:7443; repeat");
  };
  CLI::App* init = app.add_subcommand(
      "init", "make a data directory: key-encryption key, CA, first client");
  common(init);
  init->add_option("--client", flags.client,
                   "name of the first client, role security")
      ->capture_default_str();
  init->add_flag("--json", flags.json, "print one JSON object");
  CLI::App* issue_client = app.add_subcommand(
      "issue-client",
      "make a client of role security, for a warderd that does not run: the "
      "way back in when nobody with that role is left");
  common(issue_client);
  issue_client->add_option("--client", flags.client, "its name")->required();
  issue_client->add_flag("--json", flags.json, "print one JSON object");
  CLI::App* serve = app.add_subcommand("serve", "run the service");
  common(serve);
  CLI::App* migrate = app.add_subcommand(
      "migrate", "bring the database to this version's schema, and stop");
  common(migrate);
  CLI::App* accept_clock = app.add_subcommand(
      "accept-clock",
      "say that the machine's clock is right although changes are recorded "
      "for later times, and stop");
  common(accept_clock);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;  // as `warder`
  }

  PrepareProcess();
  IgnoreLockCycles();
  absl::Status status;
  if (init->parsed()) status = Init(flags);
  if (issue_client->parsed()) status = IssueClient(flags);
  if (serve->parsed()) status = Serve(flags);
  if (migrate->parsed()) status = MigrateStore(flags);
  if (accept_clock->parsed()) status = AcceptClock(flags);
  if (status.ok()) return 0;
  std::cerr << "warderd: " << status.message() << "\n";
  return 1;
}

}  // namespace
}  // namespace warder

int main(int argc, char** argv) { return warder::Main(argc, argv); }

#include "server/main/server.h"

#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <iterator>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/app/loader.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/base/time_text.h"
#include "server/crypto/certificate.h"
#include "server/crypto/digest.h"
#include "server/crypto/private_key.h"
#include "server/http/wire/listener.h"
#include "server/main/data_directory.h"
#include "server/main/services.h"
#include "server/rpc/grpc_server.h"

namespace warder {
namespace {

// The gRPC certificate lives as long as a process is likely to; a restart
// makes a new one.
constexpr absl::Duration kServerCertificateLifetime = absl::Hours(24 * 825);
constexpr int kReservedDescriptors = 768;
constexpr int kHrConnections = 256;
constexpr size_t kHrBodyBytes = 64 * 1024;

sigset_t HandledSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  return set;
}

// As many file descriptors as the system lets this process have.
int RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 1 << 20));
}

// What the public door may take of them. The rest is for the other doors:
// without one for each connection, gRPC 1.51 stops to accept, for good.
int PublicConnections(int descriptors) {
  return std::clamp(descriptors - kReservedDescriptors, 64, 8192);
}

struct PublicTls {
  http::TlsContextPtr context;
  absl::Time expire_time;
};

absl::StatusOr<PublicTls> LoadPublicTls(const Config& config) {
  PublicTls tls;
  ASSIGN_OR_RETURN(tls.context,
                   http::LoadTlsContext("public.tls", config.tls_certificate,
                                        config.tls_private_key));
  std::ifstream in(config.tls_certificate);
  const std::string pem((std::istreambuf_iterator<char>(in)), {});
  ASSIGN_OR_RETURN(const crypto::CertificateInfo info,
                   crypto::DescribeCertificate(pem));
  tls.expire_time = info.not_after;
  return tls;
}

}  // namespace

struct Server::Parts : Foundation {
  using Foundation::Foundation;

  std::optional<Services> services;
  std::unique_ptr<http::Listener> public_door;
  std::unique_ptr<http::Listener> hr_door;
  std::unique_ptr<http::Listener> ops_door;
  std::unique_ptr<rpc::GrpcServer> grpc_door;
  std::thread history_loader;
  Mutex stop_mu;
  bool stopping ABSL_GUARDED_BY(stop_mu) = false;

  absl::Status OpenDoors();
  absl::Status OpenHrDoor();
  // The certificate of the HR door: the configured one, or one of the private
  // CA. Clients may show one of the private CA.
  absl::StatusOr<http::TlsContextPtr> HrTls();
  // Tries until it succeeds or the server stops.
  void LoadHistory();
};

void PrepareProcess() {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);  // a limit on file size is an error, not the end
  rpc::RequireTls13();
  if (!DisableCoreDumps()) {
    Log(LogLevel::kWarning, "process.core_dumps_stay_on");
  }
  if (!crypto::InitSecureHeap()) {
    Log(LogLevel::kWarning, "process.memory_not_locked",
        {{"next",
          "raise RLIMIT_MEMLOCK (systemd: LimitMEMLOCK=) so that keys "
          "cannot be swapped out"}});
  }
}

void Server::Parts::LoadHistory() {
  while (true) {
    const absl::Status status = app::LoadHistory(*store, publisher);
    if (status.ok()) return services->documents.SetHistoryComplete();
    Log(LogLevel::kError, "history.not_loaded",
        {{"error", std::string(status.message())},
         {"next",
          "it is tried again in ten seconds; historical keys answer "
          "503 until then"}});
    MutexLock stop_lock(&stop_mu);
    clock.AwaitWithDeadline(
        &stop_mu, [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return stopping; },
        clock.TimeNow() + absl::Seconds(10));
    if (stopping) return;
  }
}

absl::StatusOr<http::TlsContextPtr> Server::Parts::HrTls() {
  http::TlsContextPtr tls;
  if (config.hr_tls_certificate.empty()) {
    ASSIGN_OR_RETURN(
        vault::ServerIdentity identity,
        authority->IssueServer(config.grpc_hosts, kServerCertificateLifetime,
                               clock.TimeNow()));
    ASSIGN_OR_RETURN(tls, http::MakeTlsContext("hr", identity.certificate_pem,
                                               identity.private_key_pem));
    Cleanse(identity.private_key_pem.data(), identity.private_key_pem.size());
  } else {
    ASSIGN_OR_RETURN(tls,
                     http::LoadTlsContext("hr.tls", config.hr_tls_certificate,
                                          config.hr_tls_private_key));
  }
  RETURN_IF_ERROR(http::TakeClientCertificates(tls, authority->AuthorityPem()));
  return tls;
}

absl::Status Server::Parts::OpenHrDoor() {
  ASSIGN_OR_RETURN(http::TlsContextPtr tls, HrTls());
  ASSIGN_OR_RETURN(hr_door,
                   http::Listener::Start(
                       {.name = "hr.address",
                        .address = config.hr_address,
                        .threads = config.hr_threads,
                        .max_connections = kHrConnections,
                        .max_body_bytes = kHrBodyBytes,
                        .tls = tls,
                        .peer_uri = crypto::PeerCertificateUri},
                       [this](const http::HttpRequest& request) {
                         return http::EventRoutes::Handles(request.path)
                                    ? services->event_routes.Answer(request)
                                    : services->scim_routes.Answer(request);
                       },
                       clock));
  return absl::OkStatus();
}

absl::Status Server::Parts::OpenDoors() {
  http::ListenerOptions public_options{
      .name = "public.address",
      .address = config.public_address,
      .threads = config.public_threads,
      .max_connections = PublicConnections(RaiseDescriptorLimit()),
      .tls = nullptr};
  if (!config.tls_certificate.empty()) {
    ASSIGN_OR_RETURN(const PublicTls identity, LoadPublicTls(config));
    public_options.tls = identity.context;
    if (identity.expire_time <= clock.TimeNow()) {
      // Revocation and signing must not wait for it.
      Log(LogLevel::kError, "public.certificate_expired",
          {{"certificate", config.tls_certificate},
           {"expired", TimeText(identity.expire_time)},
           {"next", "gateways refuse it; renew it and send SIGHUP"}});
    }
    metrics.SetCertificateExpiry(identity.expire_time);
  }
  ASSIGN_OR_RETURN(public_door,
                   http::Listener::Start(
                       public_options,
                       [this](const http::HttpRequest& request) {
                         return services->public_routes.Answer(request);
                       },
                       clock));
  RETURN_IF_ERROR(OpenHrDoor());
  ASSIGN_OR_RETURN(ops_door, http::Listener::Start(
                                 {.name = "ops.address",
                                  .address = config.ops_address,
                                  // /readyz may wait for the store's lock.
                                  .threads = 2,
                                  .max_connections = 64,
                                  .tls = nullptr},
                                 [this](const http::HttpRequest& request) {
                                   return services->ops_routes.Answer(request);
                                 },
                                 clock));
  ASSIGN_OR_RETURN(
      vault::ServerIdentity identity,
      authority->IssueServer(config.grpc_hosts, kServerCertificateLifetime,
                             clock.TimeNow()));
  ASSIGN_OR_RETURN(
      grpc_door,
      rpc::GrpcServer::Start(
          {.address = config.grpc_address,
           .certificate_pem = identity.certificate_pem,
           .private_key_pem = identity.private_key_pem,
           .authority_pem = authority->AuthorityPem()},
          {&services->issuer_rpc, &services->key_rpc, &services->owner_rpc,
           &services->exposure_rpc, &services->hr_rpc, &services->event_rpc,
           &services->token_rpc, &services->external_key_rpc,
           &services->ledger_rpc, &services->subject_rpc,
           &services->alarm_rpc, &services->audit_rpc,
           &services->certificate_rpc, &services->gateway_rpc,
           &services->revocation_rpc, &services->drill_rpc,
           &services->watch_rpc, &services->status_rpc}));
  Cleanse(identity.private_key_pem.data(), identity.private_key_pem.size());
  return absl::OkStatus();
}

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

namespace {

// Returns from when on a ledger that is made now knows of every token: where
// there has been no issuer yet, nothing was ever issued.
absl::StatusOr<absl::Time> IssuedSince(app::Store& store, absl::Time now) {
  bool any = true;
  RETURN_IF_ERROR(store.Read([&](app::ReadTransaction& txn) -> absl::Status {
    ASSIGN_OR_RETURN(const auto issuers, txn.ListIssuers("", 1));
    any = !issuers.empty();
    return absl::OkStatus();
  }));
  return any ? now : absl::UnixEpoch();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const Config& config,
                                                      ServerHooks hooks) {
  ASSIGN_OR_RETURN(DirectoryLock lock,
                   DirectoryLock::Take(config.data_directory));
  ASSIGN_OR_RETURN(SecretBytes kek,
                   crypto::ReadKeyEncryptionKey(config.KeyEncryptionKeyFile()));
  auto parts = std::make_unique<Parts>(config, std::move(lock), std::move(kek));
  Parts& p = *parts;
  ASSIGN_OR_RETURN(p.authority, LoadAuthority(config, p.sealer));
  ASSIGN_OR_RETURN(p.store, OpenStore(config, p.sealer, p.clock.TimeNow()));
  ASSIGN_OR_RETURN(const absl::Time since,
                   IssuedSince(*p.store, p.clock.TimeNow()));
  ASSIGN_OR_RETURN(p.ledger,
                   ledger::Ledger::Open(config.data_directory + "/ledger",
                                        p.sealer, p.random, since));
  ASSIGN_OR_RETURN(
      p.subject_sets,
      ledger::SubjectSets::Open(config.data_directory + "/subjects",
                                *p.ledger));
  if (hooks.wrap_store) p.store = hooks.wrap_store(std::move(p.store));
  RETURN_IF_ERROR(app::LoadPublished(*p.store, p.publisher, crypto::Sha256));
  p.services.emplace(p);
  p.services->runner.SetWaker([&p, after = hooks.after_publish] {
    if (after) after();
    p.services->loop.Wake();
    p.services->dispatcher.Wake();
    p.services->confirmations.Wake();
    p.services->proofs.Wake();
  });
  RETURN_IF_ERROR(p.services->runner.LoadUntrusted());
  RETURN_IF_ERROR(p.services->gateway_directory.Load(*p.store));
  RETURN_IF_ERROR(p.services->confirmations.instances().Load());
  p.publisher.SetListener(
      [&p](const IssuerId& issuer) { p.services->feed.Published(issuer); });
  // Nobody who left while this was down is served as if he were still there. A
  // store that takes no changes stops no gateway; the loop tries again.
  if (const auto departed = p.services->departures.RunDue(); !departed.ok()) {
    Log(LogLevel::kError, "departure.failed",
        {{"error", std::string(departed.status().message())},
         {"next", "repair what it names; it is tried again every minute"}});
  }
  RETURN_IF_ERROR(p.OpenDoors());
  p.open = true;
  p.services->ledger_loop.Start();
  p.services->loop.Start();
  p.services->dispatcher.Start();
  p.services->confirmations.Start();
  p.services->feed.Start();
  p.services->proofs.Start();
  p.services->event_intake.Start();
  p.history_loader = std::thread([&p] { p.LoadHistory(); });
  Log(LogLevel::kInfo, "warderd.started",
      {{"issuers", absl::StrCat(p.publisher.size())},
       {"grpc", absl::StrCat(p.grpc_door->port())},
       {"public", absl::StrCat(p.public_door->port())},
       {"hr", absl::StrCat(p.hr_door->port())},
       {"ops", absl::StrCat(p.ops_door->port())}});
  return std::unique_ptr<Server>(new Server(std::move(parts)));
}

Server::~Server() {
  Drain();
  {
    MutexLock lock(&parts_->stop_mu);
    parts_->stopping = true;
  }
  parts_->clock.Notify();
  if (parts_->history_loader.joinable()) parts_->history_loader.join();
}

void Server::Drain() {
  Parts& p = *parts_;
  p.open = false;
  if (p.services) {  // streams would hold up the drain
    p.services->feed.Stop();
    p.services->token_rpc.EndStreams();
    p.services->ledger_rpc.EndStreams();
    p.services->subject_rpc.EndStreams();
  }
  if (p.grpc_door != nullptr) p.grpc_door->Drain(p.config.drain);
  if (p.services) {
    p.services->loop.Stop();
    p.services->ledger_loop.Stop();
    p.hr_door.reset();  // it asks the intake, which asks the outbound client
    p.services->dispatcher.Stop();
    p.services->confirmations.Stop();
    p.services->proofs.Stop();
    p.services->event_intake.Stop();
    p.services->runner.denials().Flush(/*all=*/true);
  }
  p.public_door.reset();
  p.ops_door.reset();
}

void Server::Reload(const std::string& config_file) {
  auto config = config_file.empty() ? absl::StatusOr<Config>(parts_->config)
                                    : ReadConfig(config_file);
  if (!config.ok()) {
    Log(LogLevel::kError, "reload.refused",
        {{"error", std::string(config.status().message())}});
    return;
  }
  if (const auto level = ParseLogLevel(config->log_level); level.ok()) {
    SetLogLevel(*level);
  }
  if (!config->tls_certificate.empty()) {
    auto tls = LoadPublicTls(*config);
    if (tls.ok() && tls->expire_time <= parts_->clock.TimeNow()) {
      tls = Precondition(
          Reason::kCertificate,
          absl::StrCat("public.tls.certificate ", config->tls_certificate,
                       " expired at ", TimeText(tls->expire_time)));
    }
    if (!tls.ok()) {
      Log(LogLevel::kError, "reload.refused",
          {{"error", std::string(tls.status().message())},
           {"next", "the former certificate stays in use"}});
      return;
    }
    parts_->public_door->SetTls(tls->context);
    parts_->metrics.SetCertificateExpiry(tls->expire_time);
  }
  if (!config->hr_tls_certificate.empty()) {
    parts_->config.hr_tls_certificate = config->hr_tls_certificate;
    parts_->config.hr_tls_private_key = config->hr_tls_private_key;
    const auto tls = parts_->HrTls();
    if (!tls.ok()) {
      Log(LogLevel::kError, "reload.refused",
          {{"error", std::string(tls.status().message())},
           {"next", "the former certificate stays in use"}});
      return;
    }
    parts_->hr_door->SetTls(*tls);
  }
  Log(LogLevel::kInfo, "reload.done");
}

void Server::WaitForSignal(const std::string& config_file) {
  const sigset_t set = HandledSignals();
  while (true) {
    int got = 0;
    if (sigwait(&set, &got) != 0) continue;
    if (got != SIGHUP) break;
    Reload(config_file);
  }
  Log(LogLevel::kInfo, "warderd.draining");
}

int Server::grpc_port() const { return parts_->grpc_door->port(); }
int Server::public_port() const { return parts_->public_door->port(); }
int Server::hr_port() const { return parts_->hr_door->port(); }
int Server::ops_port() const { return parts_->ops_door->port(); }

}  // namespace warder

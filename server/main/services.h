// warderd, composed: what the services stand on, and the services.
#ifndef WARDER_SERVER_MAIN_SERVICES_H_
#define WARDER_SERVER_MAIN_SERVICES_H_

#include <atomic>
#include <memory>
#include <utility>

#include "server/app/alarm_manager.h"
#include "server/app/attestation_manager.h"
#include "server/app/client_certificates.h"
#include "server/app/confirmation_loop.h"
#include "server/app/departure_intake.h"
#include "server/app/departure_manager.h"
#include "server/app/documents.h"
#include "server/app/drill_manager.h"
#include "server/app/event_dispatcher.h"
#include "server/app/event_intake.h"
#include "server/app/event_messages.h"
#include "server/app/exposure_manager.h"
#include "server/app/external_key_manager.h"
#include "server/app/feed_access.h"
#include "server/app/gateway_directory.h"
#include "server/app/gateway_manager.h"
#include "server/app/issuance_reporter.h"
#include "server/app/issuer_manager.h"
#include "server/app/key_manager.h"
#include "server/app/key_set_feed.h"
#include "server/app/key_usage.h"
#include "server/app/leaver_certificate.h"
#include "server/app/ledger_checker.h"
#include "server/app/ledger_loop.h"
#include "server/app/observation_intake.h"
#include "server/app/owner_manager.h"
#include "server/app/proof_loop.h"
#include "server/app/revocation_manager.h"
#include "server/app/roster_manager.h"
#include "server/app/rotation_loop.h"
#include "server/app/signer_usage.h"
#include "server/app/subject_manager.h"
#include "server/app/subscription_manager.h"
#include "server/app/token_signer.h"
#include "server/app/user_manager.h"
#include "server/base/clock.h"
#include "server/base/metrics.h"
#include "server/base/secret_bytes.h"
#include "server/crypto/seal.h"
#include "server/crypto/system_random.h"
#include "server/http/event_routes.h"
#include "server/http/ops_routes.h"
#include "server/http/public_routes.h"
#include "server/http/scim/scim_routes.h"
#include "server/ledger/ledger.h"
#include "server/ledger/subject_sets.h"
#include "server/main/config.h"
#include "server/main/data_directory.h"
#include "server/rpc/alarm_service.h"
#include "server/rpc/audit_service.h"
#include "server/rpc/certificate_service.h"
#include "server/rpc/drill_service.h"
#include "server/rpc/event_service.h"
#include "server/rpc/exposure_service.h"
#include "server/rpc/external_key_service.h"
#include "server/rpc/gateway_service.h"
#include "server/rpc/hr_service.h"
#include "server/rpc/issuer_service.h"
#include "server/rpc/key_service.h"
#include "server/rpc/ledger_service.h"
#include "server/rpc/owner_service.h"
#include "server/rpc/revocation_service.h"
#include "server/rpc/status_service.h"
#include "server/rpc/subject_service.h"
#include "server/rpc/token_service.h"
#include "server/rpc/watch_service.h"
#include "server/signals/curl_client.h"
#include "server/signals/security_event_verifier.h"
#include "server/vault/possession.h"
#include "server/vault/private_authority.h"
#include "server/vault/sealed_secrets.h"
#include "server/vault/software_vault.h"

namespace warder {

// What services stand on. In order of construction; destroyed in reverse.
struct Foundation {
  Foundation(Config c, DirectoryLock l, SecretBytes kek)
      : config(std::move(c)),
        lock(std::move(l)),
        sealer(std::move(kek)),
        vault(sealer),
        secrets(sealer),
        outbound(config.outbound_authority) {}

  Config config;
  DirectoryLock lock;
  SystemClock clock;
  crypto::SystemRandom random;
  Metrics metrics;
  crypto::Sealer sealer;
  vault::SoftwareVault vault;
  vault::SealedSecrets secrets;
  vault::JosePossessionVerifier possession;
  signals::CurlClient outbound;
  signals::JoseSecurityEventVerifier security_event_verifier;
  std::unique_ptr<vault::PrivateAuthority> authority;
  std::unique_ptr<app::Store> store;
  std::unique_ptr<ledger::Ledger> ledger;
  std::unique_ptr<ledger::SubjectSets> subject_sets;
  app::Publisher publisher;
  std::atomic<bool> open = false;
};

// What needs a store. In order of construction; destroyed in reverse.
struct Services {
  // `foundation` has its store, authority and ledger, and outlives this.
  explicit Services(Foundation& foundation);

  app::ChangeRunner runner;
  app::IssuerManager issuers;
  app::KeyManager keys;
  app::DepartureManager departures;
  app::ExposureManager exposures;
  app::DepartureIntake intake;
  app::FeedAccess feeds;
  app::UserManager users;
  app::RosterManager rosters;
  app::AttestationManager attestations;
  app::OwnerManager owners;
  app::LeaverCertificates leaver_certificates;
  app::SignerUsage signer_usage;
  app::TokenSigner signer;
  app::ExternalKeyManager external_keys;
  app::IssuanceReporter issuance_reporter;
  app::ClientCertificates certificates;
  app::RotationLoop loop;
  app::EventMessages event_messages;
  app::EventDispatcher dispatcher;
  app::SubscriptionManager subscriptions;
  app::EventIntake event_intake;
  app::GatewayDirectory gateway_directory;
  app::LedgerChecker ledger_checker;
  app::SubjectManager subjects;
  app::AlarmManager alarms;
  app::KeyUsage key_usage;
  app::ObservationIntake observations;
  app::LedgerLoop ledger_loop;
  app::GatewayManager gateways;
  app::RevocationManager revocations;
  app::DrillManager drills;
  app::ConfirmationLoop confirmations;
  app::KeySetFeed feed;
  app::ProofLoop proofs;
  app::Documents documents;
  http::PublicRoutes public_routes;
  http::scim::ScimRoutes scim_routes;
  http::EventRoutes event_routes;
  http::OpsRoutes ops_routes;
  rpc::HandlerContext shared;
  rpc::IssuerService issuer_rpc;
  rpc::KeyService key_rpc;
  rpc::OwnerService owner_rpc;
  rpc::ExposureService exposure_rpc;
  rpc::HrService hr_rpc;
  rpc::EventService event_rpc;
  rpc::TokenService token_rpc;
  rpc::ExternalKeyService external_key_rpc;
  rpc::LedgerService ledger_rpc;
  rpc::SubjectService subject_rpc;
  rpc::AlarmService alarm_rpc;
  rpc::AuditService audit_rpc;
  rpc::CertificateService certificate_rpc;
  rpc::GatewayService gateway_rpc;
  rpc::RevocationService revocation_rpc;
  rpc::DrillService drill_rpc;
  rpc::WatchService watch_rpc;
  rpc::StatusService status_rpc;
};

}  // namespace warder

#endif  // WARDER_SERVER_MAIN_SERVICES_H_

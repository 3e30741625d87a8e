#include "server/main/services.h"

#include "server/crypto/digest.h"

namespace warder {

Services::Services(Foundation& p)
    : runner(*p.store, p.clock, p.vault, p.publisher, p.metrics,
             crypto::Sha256),
      issuers(runner, p.config.public_base_url),
      keys(runner),
      departures(runner),
      exposures(runner, departures),
      intake(runner, departures, p.config.hr),
      feeds(runner, p.random, p.config.hr),
      users(runner, intake, p.random),
      rosters(runner, intake),
      attestations(runner, p.config.hr),
      owners(runner, users),
      leaver_certificates(runner, *p.authority, p.config.public_base_url),
      signer(runner, p.random),
      certificates(runner, *p.authority),
      loop(runner, departures,
           {.feeds = &feeds,
            .rosters = &rosters,
            .attestations = &attestations}),
      event_messages(p.publisher, signer, p.secrets),
      dispatcher(runner, event_messages, p.outbound, p.config.deliveries),
      subscriptions(runner, p.random, p.secrets),
      event_intake(runner, users, feeds, p.outbound, p.security_event_verifier),
      gateways(runner, gateway_directory),
      revocations(runner),
      confirmations(runner),
      documents(p.config.public_base_url, p.vault, p.clock, crypto::Sha256),
      public_routes(p.config.default_issuer, p.publisher, documents,
                    gateway_directory, confirmations, p.clock, p.metrics),
      scim_routes(p.config.hr_base_url, runner, users, feeds),
      event_routes(event_intake, p.metrics),
      ops_routes(runner, loop, documents, p.open),
      shared{runner},
      issuer_rpc(shared, issuers),
      key_rpc(shared, keys),
      owner_rpc(shared, owners, departures, attestations, leaver_certificates),
      exposure_rpc(shared, exposures),
      hr_rpc(shared, feeds, intake, rosters),
      event_rpc(shared, subscriptions, event_intake),
      token_rpc(shared, signer),
      audit_rpc(shared, runner),
      certificate_rpc(shared, certificates),
      gateway_rpc(shared, gateways),
      revocation_rpc(shared, revocations),
      status_rpc(shared, runner, loop) {}

}  // namespace warder

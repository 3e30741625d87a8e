// Fills a publisher from the store, at start.
#ifndef WARDER_SERVER_APP_LOADER_H_
#define WARDER_SERVER_APP_LOADER_H_

#include "absl/status/status.h"
#include "server/app/publisher.h"
#include "server/app/store.h"
#include "server/app/vault.h"

namespace warder::app {

// Installs a snapshot of every issuer. One thread reads while another makes
// snapshots; a bounded queue lies between them. Returns what the
// store returns.
absl::Status LoadPublished(Store& store, Publisher& publisher,
                           const Sha256& sha256);

// Adds every ended key to the history of its issuer; call after LoadPublished.
absl::Status LoadHistory(Store& store, Publisher& publisher);

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_LOADER_H_

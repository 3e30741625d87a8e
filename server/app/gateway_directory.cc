#include "server/app/gateway_directory.h"

#include <algorithm>
#include <utility>

#include "server/base/status_macros.h"

namespace warder::app {

constexpr int kGatewaysOfPage = 1000;

absl::Status GatewayDirectory::Load(Store& store) {
  MutexLock load_lock(&load_mu_);
  auto fresh = std::make_shared<Map>();
  RETURN_IF_ERROR(store.Read([&](ReadTransaction& txn) -> absl::Status {
    fresh->clear();
    std::string after;
    while (true) {
      ASSIGN_OR_RETURN(auto page, txn.ListGateways(after, kGatewaysOfPage));
      if (page.empty()) return absl::OkStatus();
      after = page.back().id.value();
      for (domain::Gateway& gateway : page) {
        const std::string id = gateway.id.value();
        (*fresh)[id] =
            std::make_shared<const domain::Gateway>(std::move(gateway));
      }
    }
  }));
  MutexLock lock(&mu_);
  gateways_ = std::move(fresh);
  return absl::OkStatus();
}

GatewayPtr GatewayDirectory::Find(absl::string_view id) const {
  MutexLock lock(&mu_);
  const auto it = gateways_->find(id);
  return it == gateways_->end() ? nullptr : it->second;
}

size_t GatewayDirectory::size() const {
  MutexLock lock(&mu_);
  return gateways_->size();
}

bool Verifies(const domain::Gateway& gateway, absl::string_view issuer) {
  return std::any_of(gateway.issuers.begin(), gateway.issuers.end(),
                     [&](const IssuerId& id) { return id.value() == issuer; });
}

}  // namespace warder::app

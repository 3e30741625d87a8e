#include "server/app/stream_instances.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"

namespace warder::app {
namespace {

// Without the incarnation, for people.
std::string NameOf(const std::string& instance) {
  return instance.substr(0, instance.find('/'));
}

}  // namespace

absl::Status StreamInstances::Load() {
  std::vector<domain::GatewayInstance> known;
  std::map<GatewayId, domain::Gateway> gateways;
  RETURN_IF_ERROR(store_.Read([&](ReadTransaction& txn) -> absl::Status {
    ASSIGN_OR_RETURN(known, txn.ListInstances());
    gateways.clear();
    for (const domain::GatewayInstance& instance : known) {
      ASSIGN_OR_RETURN(auto gateway, txn.FindGateway(instance.gateway));
      if (gateway) gateways[instance.gateway] = *std::move(gateway);
    }
    return absl::OkStatus();
  }));
  MutexLock lock(&mu_);
  for (const domain::GatewayInstance& instance : known) {
    const auto gateway = gateways.find(instance.gateway);
    if (gateway == gateways.end()) continue;
    Group& group = groups_[instance.gateway];
    group.issuers = gateway->second.issuers;
    Instance& entry = group.instances[instance.name];
    entry.max_staleness = instance.max_staleness;
    // It may have been heard of since this was written.
    entry.heard = instance.heard_time + kWriteEvery;
    entry.written = instance.heard_time;
    for (const IssuerId& issuer : group.issuers) entry.revisions[issuer] = 0;
    Count(group, entry, +1);
  }
  return absl::OkStatus();
}

void StreamInstances::Count(Group& group, const Instance& instance, int by) {
  for (const auto& [issuer, revision] : instance.revisions) {
    auto& counts = group.counts[issuer];
    if ((counts[revision] += by) <= 0) counts.erase(revision);
  }
}

absl::StatusOr<StreamInstances::Stream> StreamInstances::Connect(
    const domain::Gateway& gateway, const std::string& instance,
    absl::Duration max_staleness) {
  MutexLock lock(&mu_);
  Group& group = groups_[gateway.id];
  if (group.issuers != gateway.issuers) {
    // Who verifies another set of issuers now has acknowledged none of it.
    group.issuers = gateway.issuers;
    group.counts.clear();
    for (auto& [name, entry] : group.instances) {
      std::map<IssuerId, int64_t> kept;
      for (const IssuerId& issuer : group.issuers) {
        const auto it = entry.revisions.find(issuer);
        kept[issuer] = it == entry.revisions.end() ? 0 : it->second;
      }
      entry.revisions = std::move(kept);
      Count(group, entry, +1);
    }
  }
  auto it = group.instances.find(instance);
  if (it == group.instances.end()) {
    if (group.instances.size() >= kMostOfOneGateway) {
      return Error(
          absl::StatusCode::kUnavailable, Reason::kUnreachable,
          absl::StrCat(GatewayName(gateway.id), " has ", kMostOfOneGateway,
                       " instances; do they get new names each "
                       "time they start?"));
    }
    it = group.instances.emplace(instance, Instance()).first;
    if (group.last_cut_off == instance) group.last_cut_off.clear();
  } else {
    Count(group, it->second, -1);
  }
  Instance& entry = it->second;
  entry.revisions.clear();
  for (const IssuerId& issuer : group.issuers) entry.revisions[issuer] = 0;
  Count(group, entry, +1);
  entry.max_staleness = max_staleness;
  entry.heard = clock_.Read().trusted;
  entry.stream = ++last_stream_;
  return Stream{
      .gateway = gateway.id, .instance = instance, .number = entry.stream};
}

StreamInstances::Instance* StreamInstances::Find(const Stream& stream) {
  const auto group = groups_.find(stream.gateway);
  if (group == groups_.end()) return nullptr;
  const auto it = group->second.instances.find(stream.instance);
  return it == group->second.instances.end() ||
                 it->second.stream != stream.number
             ? nullptr
             : &it->second;
}

absl::Status StreamInstances::Heard(const Stream& stream) {
  MutexLock lock(&mu_);
  Instance* instance = Find(stream);
  if (instance == nullptr) {
    return Error(
        absl::StatusCode::kAborted, Reason::kConflict,
        absl::StrCat("another stream of instance ", NameOf(stream.instance),
                     " of ", GatewayName(stream.gateway),
                     " began; give each process a name and a state "
                     "directory of its own"));
  }
  instance->heard = clock_.Read().trusted;
  return absl::OkStatus();
}

void StreamInstances::Acknowledge(const Stream& stream, const IssuerId& issuer,
                                  int64_t revision) {
  MutexLock lock(&mu_);
  Instance* instance = Find(stream);
  if (instance == nullptr) return;
  const auto held = instance->revisions.find(issuer);
  if (held == instance->revisions.end() || held->second >= revision) return;
  Group& group = groups_[stream.gateway];
  auto& counts = group.counts[issuer];
  if (--counts[held->second] <= 0) counts.erase(held->second);
  held->second = revision;
  ++counts[revision];
  Tell(stream.gateway, group, issuer, stream.instance);
}

void StreamInstances::Tell(const GatewayId& id, const Group& group,
                           const IssuerId& issuer, const std::string& source) {
  const auto counts = group.counts.find(issuer);
  if (counts == group.counts.end() || counts->second.empty()) return;
  const int64_t least = counts->second.begin()->first;
  if (least == 0) return;
  const absl::Time now = clock_.Read().trusted;
  const size_t instances = group.instances.size();
  views_.Note({.gateway = id,
               .issuer = issuer,
               .revision = least,
               .time = now,
               .source = instances == 1 ? NameOf(source)
                                        : absl::StrCat(instances, " instances"),
               .acknowledged = true,
               .heard_time = now});
}

void StreamInstances::Disconnect(const Stream& stream, bool leaving) {
  MutexLock lock(&mu_);
  Instance* instance = Find(stream);
  if (instance == nullptr) return;
  instance->stream = 0;
  if (!leaving) return;
  Group& group = groups_[stream.gateway];
  Count(group, *instance, -1);
  group.instances.erase(stream.instance);
  gone_.emplace_back(stream.gateway, stream.instance);
  for (const IssuerId& issuer : group.issuers) {
    Tell(stream.gateway, group, issuer, "");
  }
}

// Its row in the store is what is remembered of it after a restart.
void StreamInstances::NoteRefused(const GatewayId& id, Group& group,
                                  const std::string& name, absl::Time since) {
  if (since <= group.last_refused) {
    gone_.emplace_back(id, name);
    return;
  }
  if (!group.last_cut_off.empty()) gone_.emplace_back(id, group.last_cut_off);
  group.last_cut_off = name;
  group.last_refused = since;
}

absl::Status StreamInstances::Tick() {
  const absl::Time now = clock_.Read().trusted;
  std::vector<domain::GatewayInstance> heard;
  std::vector<std::pair<GatewayId, std::string>> gone;
  {
    MutexLock lock(&mu_);
    for (auto& [id, group] : groups_) {
      bool fewer = false;
      for (auto it = group.instances.begin(); it != group.instances.end();) {
        Instance& instance = it->second;
        if (instance.stream == 0 &&
            instance.heard + instance.max_staleness <= now) {
          Count(group, instance, -1);
          NoteRefused(id, group, it->first,
                      instance.heard + instance.max_staleness);
          it = group.instances.erase(it);
          fewer = true;
          continue;
        }
        if (instance.written + kWriteEvery <= instance.heard) {
          instance.written = instance.heard;
          heard.push_back({.gateway = id,
                           .name = it->first,
                           .max_staleness = instance.max_staleness,
                           .heard_time = instance.heard});
        }
        ++it;
      }
      if (!group.last_cut_off.empty() &&
          group.last_refused + kRemember <= now) {
        gone_.emplace_back(id, std::exchange(group.last_cut_off, ""));
        group.last_refused = absl::InfinitePast();
      }
      if (!fewer) continue;
      for (const IssuerId& issuer : group.issuers) Tell(id, group, issuer, "");
    }
    gone = std::exchange(gone_, {});
  }
  if (heard.empty() && gone.empty()) return absl::OkStatus();
  absl::Status status = store_.Mutate([&](Transaction& txn) -> absl::Status {
    for (const auto& [gateway, name] : gone) {
      RETURN_IF_ERROR(txn.DeleteInstance(gateway, name));
    }
    for (const domain::GatewayInstance& instance : heard) {
      ASSIGN_OR_RETURN(const auto known, txn.FindGateway(instance.gateway));
      if (known) RETURN_IF_ERROR(txn.PutInstance(instance));
    }
    return absl::OkStatus();
  });
  if (status.ok()) return status;
  MutexLock lock(&mu_);
  gone_.insert(gone_.end(), gone.begin(), gone.end());
  for (const domain::GatewayInstance& instance : heard) {
    const auto group = groups_.find(instance.gateway);
    if (group == groups_.end()) continue;
    const auto it = group->second.instances.find(instance.name);
    if (it != group->second.instances.end()) {
      it->second.written = absl::InfinitePast();
    }
  }
  return status;
}

absl::Time StreamInstances::RefuseBy(const GatewayId& gateway) const {
  MutexLock lock(&mu_);
  const auto group = groups_.find(gateway);
  if (group == groups_.end()) return absl::InfinitePast();
  absl::Time last = group->second.last_refused;
  for (const auto& [name, instance] : group->second.instances) {
    last = std::max(last, instance.stream > 0
                              ? clock_.Read().trusted + instance.max_staleness
                              : instance.heard + instance.max_staleness);
  }
  return last;
}

int StreamInstances::Count(const GatewayId& gateway) const {
  MutexLock lock(&mu_);
  const auto group = groups_.find(gateway);
  return group == groups_.end()
             ? 0
             : static_cast<int>(group->second.instances.size());
}

}  // namespace warder::app

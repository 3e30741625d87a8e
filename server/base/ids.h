// Names of resources as types, so that an issuer never passes for an owner.
//
//   issuers/{IssuerId}                  [a-z][a-z0-9-]{0,62}
//   issuers/{IssuerId}/keys/{KeyId}     KeyId = RFC 7638 thumbprint, 43 chars
//   owners/{OwnerId}                    [a-z0-9][a-z0-9._-]{0,62}
//   gateways/{GatewayId}                as owners; the name in its certificate
//   revocations/{KeyId}                 a key is revoked once
//   alarms/{number}                    1 and up
//   drills/{DrillId}                    as owners; the service makes them up
#ifndef WARDER_SERVER_BASE_IDS_H_
#define WARDER_SERVER_BASE_IDS_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace warder {

// A string that belongs to one kind of thing. Holds any text; Parse checks.
template <typename Tag>
class Id {
 public:
  Id() = default;
  explicit Id(absl::string_view value) : value_(value) {}

  const std::string& value() const { return value_; }
  bool empty() const { return value_.empty(); }

  friend bool operator==(const Id& a, const Id& b) = default;
  friend auto operator<=>(const Id& a, const Id& b) = default;
  template <typename H>
  friend H AbslHashValue(H h, const Id& id) {
    return H::combine(std::move(h), id.value_);
  }

 private:
  std::string value_;
};

using IssuerId = Id<struct IssuerTag>;
using OwnerId = Id<struct OwnerTag>;
using KeyId = Id<struct KeyTag>;
using GatewayId = Id<struct GatewayTag>;
using DrillId = Id<struct DrillTag>;

// Each returns the ID, or INVALID_ARGUMENT that names `field` and what was
// seen.
absl::StatusOr<IssuerId> ParseIssuerId(absl::string_view field,
                                       absl::string_view text);
absl::StatusOr<OwnerId> ParseOwnerId(absl::string_view field,
                                     absl::string_view text);
absl::StatusOr<KeyId> ParseKeyId(absl::string_view field,
                                 absl::string_view text);
absl::StatusOr<GatewayId> ParseGatewayId(absl::string_view field,
                                         absl::string_view text);

// Resource names (AIP-122) and back.
std::string IssuerName(const IssuerId& issuer);
std::string OwnerName(const OwnerId& owner);
std::string KeyName(const IssuerId& issuer, const KeyId& key);
std::string GatewayName(const GatewayId& gateway);
std::string RevocationName(const KeyId& key);
std::string DrillName(const DrillId& drill);
std::string AlarmName(int64_t number);
absl::StatusOr<IssuerId> ParseIssuerName(absl::string_view field,
                                         absl::string_view name);
absl::StatusOr<OwnerId> ParseOwnerName(absl::string_view field,
                                       absl::string_view name);
absl::StatusOr<std::pair<IssuerId, KeyId>> ParseKeyName(absl::string_view field,
                                                        absl::string_view name);
absl::StatusOr<GatewayId> ParseGatewayName(absl::string_view field,
                                           absl::string_view name);
absl::StatusOr<KeyId> ParseRevocationName(absl::string_view field,
                                          absl::string_view name);
absl::StatusOr<DrillId> ParseDrillName(absl::string_view field,
                                       absl::string_view name);
absl::StatusOr<int64_t> ParseAlarmName(absl::string_view field,
                                       absl::string_view name);

}  // namespace warder

#endif  // WARDER_SERVER_BASE_IDS_H_

// Domain values to messages and back. A message that came in is checked here
// for form; for sense, below.
#ifndef WARDER_SERVER_RPC_CONVERT_H_
#define WARDER_SERVER_RPC_CONVERT_H_

#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "server/domain/audit.h"
#include "server/domain/gateway.h"
#include "server/domain/issuer.h"
#include "server/domain/owner.h"
#include "warder/v1/audit.pb.h"
#include "warder/v1/resources.pb.h"
#include "warder/v1/watch.pb.h"

namespace warder::rpc {

void ToProto(absl::Time time, google::protobuf::Timestamp* out);
void ToProto(absl::Duration duration, google::protobuf::Duration* out);
// INVALID_ARGUMENT naming `field` outside 0001..9999.
absl::StatusOr<absl::Time> FromProto(absl::string_view field,
                                     const google::protobuf::Timestamp& time);
// INVALID_ARGUMENT naming `field` for nanos out of range, mixed signs, or more
// than 10,000 years.
absl::StatusOr<absl::Duration> FromProto(
    absl::string_view field, const google::protobuf::Duration& duration);

v1::RevocationReason ToProto(domain::RevocationReason reason);
void ToProto(const domain::Issuer& issuer, v1::Issuer* out);
void ToProto(const domain::Key& key, v1::Key* out);
v1::IssuanceMode ToProto(domain::IssuanceMode mode);
// INVALID_ARGUMENT naming `field`. UNSPECIFIED is kObserve.
absl::StatusOr<domain::IssuanceMode> FromProto(absl::string_view field,
                                               v1::IssuanceMode mode);
void ToProto(const domain::Owner& owner, v1::Owner* out);
void ToProto(const domain::Departure& departure, v1::Departure* out);
void ToProto(const domain::Exposure& exposure, v1::Exposure* out);
void ToProto(const domain::Custody& custody, v1::Custody* out);
void ToProto(const domain::AuditEvent& event, v1::AuditEvent* out);

// Each returns INVALID_ARGUMENT naming the field.
absl::StatusOr<domain::Policy> FromProto(const v1::Policy& policy);
absl::StatusOr<std::vector<domain::Grant>> GrantsFromProto(
    const v1::Issuer& issuer);
// `field` is that of the list: "deputies".
absl::StatusOr<std::vector<OwnerId>> OwnersFromProto(
    absl::string_view field,
    const google::protobuf::RepeatedPtrField<std::string>& names);
absl::StatusOr<std::vector<domain::IssuerOutcome>> PlanFromProto(
    const v1::Departure& plan);
absl::StatusOr<absl::Time> FromProto(const v1::LastDay& day);
absl::StatusOr<domain::Exposure> FromProto(const v1::Exposure& exposure);
absl::StatusOr<domain::Custody> FromProto(const v1::Custody& custody);
// nullopt for UNSPECIFIED.
absl::StatusOr<std::optional<domain::Algorithm>> FromProto(
    absl::string_view field, v1::Algorithm algorithm);
absl::StatusOr<std::optional<domain::KeyState>> FromProto(
    absl::string_view field, v1::KeyState state);
absl::StatusOr<domain::RevocationReason> FromProto(absl::string_view field,
                                                   v1::RevocationReason reason);

}  // namespace warder::rpc

#endif  // WARDER_SERVER_RPC_CONVERT_H_

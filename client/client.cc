#include "client/client.h"

#include <grpc/support/time.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/time_text.h"
#include "server/crypto/certificate.h"

namespace warder::client {
namespace {

absl::Status Unusable(absl::string_view message) {
  return Precondition(Reason::kCertificate, message);
}

absl::StatusOr<std::string> ReadFile(absl::string_view setting,
                                     const std::string& path) {
  if (path.empty()) {
    return Unusable(absl::StrCat(
        "no ", setting,
        " is set; use --profile FILE, WARDER_PROFILE, or "
        "WARDER_CERTIFICATE, WARDER_PRIVATE_KEY and WARDER_AUTHORITY"));
  }
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  if (!in) {
    return Unusable(absl::StrCat(setting, " ", path, " cannot be read"));
  }
  return text.str();
}

}  // namespace

grpc::ChannelArguments ChannelArguments() {
  grpc::ChannelArguments arguments;
  // A departure answers with every key it touched: ours may be large.
  arguments.SetMaxReceiveMessageSize(-1);
  // As the server: no ping for every set that comes.
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  // Counters that nobody reads.
  arguments.SetInt(GRPC_ARG_ENABLE_CHANNELZ, 0);
  return arguments;
}

absl::StatusOr<std::unique_ptr<Client>> Client::Connect(const Profile& profile,
                                                        Random& random,
                                                        absl::Time now,
                                                        Sleeper sleeper) {
  grpc::SslCredentialsOptions tls;
  ASSIGN_OR_RETURN(tls.pem_cert_chain,
                   ReadFile("certificate", profile.certificate));
  ASSIGN_OR_RETURN(tls.pem_private_key,
                   ReadFile("private_key", profile.private_key));
  ASSIGN_OR_RETURN(tls.pem_root_certs,
                   ReadFile("authority", profile.authority));
  auto info = crypto::DescribeCertificate(tls.pem_cert_chain);
  if (!info.ok()) {
    return Unusable(absl::StrCat("certificate ", profile.certificate, ": ",
                                 info.status().message()));
  }
  if (now >= info->not_after) {
    return Unusable(absl::StrCat(
        "certificate ", profile.certificate, " (", info->uri, ") expired at ",
        TimeText(info->not_after),
        "; have somebody of role security run: warder cert issue"));
  }
  auto channel = grpc::CreateCustomChannel(
      profile.address, grpc::SslCredentials(tls), ChannelArguments());
  return std::unique_ptr<Client>(new Client(std::move(channel), profile.address,
                                            random, std::move(sleeper)));
}

absl::Status Client::Repeat(
    const std::function<absl::Status(grpc::ClientContext*)>& attempt,
    bool repeatable, const CallOptions& options) {
  absl::Duration pause = options.first_pause;
  absl::Status status;
  for (int i = 0; i < options.attempts; ++i) {
    if (i > 0) {
      sleeper_(pause);
      pause *= 2;
    }
    grpc::ClientContext context;
    context.set_deadline(gpr_time_add(
        gpr_now(GPR_CLOCK_MONOTONIC),
        gpr_time_from_millis(absl::ToInt64Milliseconds(options.timeout),
                             GPR_TIMESPAN)));
    status = attempt(&context);
    const bool again = absl::IsUnavailable(status) ||
                       (absl::IsAborted(status) &&
                        ReasonOf(status) == ReasonName(Reason::kConflict));
    if (!again || !repeatable) break;
  }
  // Without a reason it was not the server who answered.
  if (absl::IsUnavailable(status) && ReasonOf(status).empty()) {
    return Error(absl::StatusCode::kUnavailable, Reason::kUnreachable,
                 absl::StrCat("warderd does not answer at ", address_, " (",
                              status.message(),
                              "); is it running, is the address right, and is "
                              "the certificate one of its CA?"));
  }
  return status;
}

}  // namespace warder::client

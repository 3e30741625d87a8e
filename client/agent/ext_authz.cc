#include "client/agent/ext_authz.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/agent/identity.h"
#include "server/base/error.h"

namespace warder::agent {
namespace {

namespace v3 = envoy::service::auth::v3;

constexpr int kMostBytes = 1 << 20;
constexpr int kUnauthenticated = 16;  // google.rpc.Code
constexpr const char* kOurs[] = {"warder-issuer", "warder-subject",
                                 "warder-key-id", "warder-claims",
                                 "warder-stale",  "warder-issued"};

// Backends take "warder_subject" for "Warder-Subject" (CGI and its heirs).
bool IsOurs(absl::string_view name) {
  std::string plain = absl::AsciiStrToLower(name);
  std::replace(plain.begin(), plain.end(), '_', '-');
  return std::any_of(std::begin(kOurs), std::end(kOurs),
                     [&](const char* ours) { return plain == ours; });
}

void Put(absl::string_view name, absl::string_view value,
         v3::HeaderValueOption* out) {
  out->mutable_header()->set_key(std::string(name));
  out->mutable_header()->set_value(std::string(value));
  out->set_append_action(v3::HeaderValueOption::OVERWRITE_IF_EXISTS_OR_ADD);
}

void Deny(absl::string_view why, v3::CheckResponse* response) {
  response->mutable_status()->set_code(kUnauthenticated);
  response->mutable_status()->set_message(std::string(why));
  v3::DeniedHttpResponse& denied = *response->mutable_denied_response();
  denied.mutable_status()->set_code(401);
  if (why.empty()) {
    Put("WWW-Authenticate", "Bearer", denied.add_headers());
    return;
  }
  Put("WWW-Authenticate",
      absl::StrCat("Bearer error=\"invalid_token\", error_description=\"", why,
                   "\""),
      denied.add_headers());
  Put("Warder-Refusal", why, denied.add_headers());
}

}  // namespace

grpc::Status ExtAuthz::Check(grpc::ServerContext*,
                             const v3::CheckRequest* request,
                             v3::CheckResponse* response) {
  const auto& http = request->attributes().request().http();
  const auto header = [&](const char* name) -> absl::string_view {
    const auto it = http.headers().find(name);
    return it == http.headers().end() ? absl::string_view() : it->second;
  };
  absl::string_view token = BearerOf(header("authorization"));
  if (token.empty() && !cookie_.empty()) {
    token = CookieOf(header("cookie"), cookie_);
  }
  const absl::string_view path =
      absl::string_view(http.path()).substr(0, http.path().find('?'));
  const bool probes = path == kProbePath && enforcer_.probe() != nullptr;
  if (token.empty()) {
    Deny("", response);
    return grpc::Status::OK;
  }
  const client::Verifier& verifier =
      probes ? *enforcer_.probe() : enforcer_.verifier();
  const client::Verdict verdict = verifier.Verify(
      token, clock_.TimeNow(),
      request->attributes().source().address().socket_address().address());
  if (!verdict.ok()) {
    Deny(client::RefusalName(verdict.refusal), response);
    return grpc::Status::OK;
  }
  response->mutable_status()->set_code(0);
  v3::OkHttpResponse& ok = *response->mutable_ok_response();
  const auto headers = IdentityHeaders(verdict);
  for (const auto& [name, value] : headers) {
    Put(name, value, ok.add_headers());
  }
  // A client's own of these names never reach the backend. Envoy removes after
  // it has set, so those that are set stay out of the list.
  for (const auto& sent : http.headers()) {
    const std::string& name = sent.first;
    if (IsOurs(name) &&
        std::none_of(headers.begin(), headers.end(), [&](const auto& set) {
          return absl::EqualsIgnoreCase(set.first, name);
        })) {
      ok.add_headers_to_remove(name);
    }
  }
  return grpc::Status::OK;
}

absl::StatusOr<std::unique_ptr<grpc::Server>> ServeExtAuthz(
    const std::string& address, ExtAuthz& service) {
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
  builder.SetMaxReceiveMessageSize(kMostBytes);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.RegisterService(&service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    return Error(absl::StatusCode::kUnavailable, Reason::kUnreachable,
                 absl::StrCat("cannot listen on ", address,
                              " (ext_authz_address); is another program using "
                              "it?"));
  }
  return server;
}

}  // namespace warder::agent

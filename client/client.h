// A connection to warderd and calls on it.
//
//   ASSIGN_OR_RETURN(auto client, Client::Connect(profile, random,
//                                                 clock.TimeNow(), sleeper));
//   v1::RevokeKeyRequest request;
//   request.set_name("issuers/checkout/keys/…");
//   ASSIGN_OR_RETURN(v1::Key key, client->Call(
//                                     &v1::KeyService::Stub::RevokeKey,
//                                     request));
#ifndef WARDER_CLIENT_CLIENT_H_
#define WARDER_CLIENT_CLIENT_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/channel_arguments.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/profile.h"
#include "client/status_convert.h"
#include "server/base/random.h"

namespace warder::client {

// Returns the arguments of channels to warderd.
grpc::ChannelArguments ChannelArguments();

struct CallOptions {
  absl::Duration timeout = absl::Seconds(30);
  // How often a call that may be repeated is tried in all.
  int attempts = 3;
  absl::Duration first_pause = absl::Milliseconds(200);
};

// Thread-safe.
class Client {
 public:
  // Waits between attempts; injected so that tests do not.
  using Sleeper = std::function<void(absl::Duration)>;

  // Reads the profile's files. Does not wait for the server. `random` outlives
  // the client.
  //   FAILED_PRECONDITION  CERTIFICATE: a file is missing, unreadable, or the
  //                        certificate has expired at `now`; says which
  static absl::StatusOr<std::unique_ptr<Client>> Connect(const Profile& profile,
                                                         Random& random,
                                                         absl::Time now,
                                                         Sleeper sleeper);

  // Calls `method` of a service's Stub. Fills in request_id where the message
  // has one and it is empty. Repeats on UNAVAILABLE, and on ABORTED CONFLICT,
  // when the message has a request_id (the server then answers once and the
  // same) or the method only reads.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(
      grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                   Response*),
      Request request, bool reads_only = false,
      const CallOptions& options = CallOptions()) {
    bool repeatable = reads_only;
    if constexpr (requires { request.request_id(); }) {
      if (request.request_id().empty()) {
        request.set_request_id(RandomUuid(random_));
      }
      repeatable = true;
    }
    Stub stub(channel_);
    Response response;
    const absl::Status status = Repeat(
        [&](grpc::ClientContext* context) {
          response.Clear();
          return FromGrpc((stub.*method)(context, request, &response));
        },
        repeatable, options);
    if (!status.ok()) return status;
    return response;
  }

  std::shared_ptr<grpc::Channel> channel() const { return channel_; }

 private:
  Client(std::shared_ptr<grpc::Channel> channel, std::string address,
         Random& random, Sleeper sleeper)
      : channel_(std::move(channel)),
        address_(std::move(address)),
        random_(random),
        sleeper_(std::move(sleeper)) {}

  absl::Status Repeat(
      const std::function<absl::Status(grpc::ClientContext*)>& attempt,
      bool repeatable, const CallOptions& options);

  const std::shared_ptr<grpc::Channel> channel_;
  const std::string address_;
  Random& random_;
  const Sleeper sleeper_;
};

}  // namespace warder::client

#endif  // WARDER_CLIENT_CLIENT_H_

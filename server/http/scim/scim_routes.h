// The HR door: SCIM 2.0 (RFC 7643, 7644) below /scim/v2, or, where a URL must
// name its feed, below /feeds/{feed}/scim/v2.
//
//   /ServiceProviderConfig, /ResourceTypes, /Schemas    anyone
//   /Users, /Users/{id}                                 the feed's own users
//   /Groups                                             an empty list
//
// The caller is a bearer token of a feed (warder hr-token create), or a client
// certificate of role `hr`, whose name is the feed.
#ifndef WARDER_SERVER_HTTP_SCIM_SCIM_ROUTES_H_
#define WARDER_SERVER_HTTP_SCIM_SCIM_ROUTES_H_

#include <string>

#include "absl/status/statusor.h"
#include "server/app/feed_access.h"
#include "server/app/user_manager.h"
#include "server/http/wire/message.h"

namespace warder::http::scim {

// Thread-safe.
class ScimRoutes {
 public:
  // `base_url` is where the door is reached from outside, without a slash at
  // its end. What the others refer to outlives this.
  ScimRoutes(std::string base_url, app::ChangeRunner& runner,
             app::UserManager& users, app::FeedAccess& access)
      : base_url_(std::move(base_url)),
        runner_(runner),
        users_(users),
        access_(access) {}

  // Blocks for a store transaction.
  HttpResponse Answer(const HttpRequest& request);

 private:
  // What a request is about, once it is known who asks.
  struct Call {
    const HttpRequest& http;
    app::Request request;
    std::string path;      // below the service's root: "/Users/x"
    std::string root_url;  // of the service, for locations
  };

  HttpResponse Dispatch(const HttpRequest& request);
  absl::StatusOr<app::Caller> CallerOf(const HttpRequest& request,
                                       absl::string_view feed);
  HttpResponse Route(const Call& call);
  HttpResponse Users(const Call& call);
  HttpResponse OneUser(const Call& call, const std::string& id);
  HttpResponse ListUsers(const Call& call);
  HttpResponse CreateUser(const Call& call);
  HttpResponse Groups(const Call& call);

  const std::string base_url_;
  app::ChangeRunner& runner_;
  app::UserManager& users_;
  app::FeedAccess& access_;
};

}  // namespace warder::http::scim

#endif  // WARDER_SERVER_HTTP_SCIM_SCIM_ROUTES_H_

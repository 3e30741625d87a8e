#include "server/http/scim/scim_routes.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/http/scim/discovery.h"
#include "server/http/scim/document.h"
#include "server/http/scim/error.h"
#include "server/http/scim/filter.h"
#include "server/http/scim/patch.h"

namespace warder::http::scim {
namespace {

constexpr absl::string_view kRoot = "/scim/v2";
constexpr int kDefaultCount = 100;

// Splits "/feeds/okta/scim/v2/Users" into feed, root and the rest.
struct Place {
  std::string feed;  // "" where the URL names none
  std::string root;
  std::string rest;
};

std::optional<Place> PlaceOf(absl::string_view path) {
  Place place;
  absl::string_view rest = path;
  if (absl::ConsumePrefix(&rest, "/feeds/")) {
    place.feed = std::string(rest.substr(0, rest.find('/')));
    rest.remove_prefix(place.feed.size());
    place.root = absl::StrCat("/feeds/", place.feed);
  }
  if (!absl::ConsumePrefix(&rest, kRoot)) return std::nullopt;
  if (!rest.empty() && rest[0] != '/') return std::nullopt;
  absl::StrAppend(&place.root, kRoot);
  absl::ConsumeSuffix(&rest, "/");
  place.rest = std::string(rest);
  return place;
}

absl::StatusOr<int64_t> IntegerParameter(absl::string_view query,
                                         absl::string_view name,
                                         int64_t absent) {
  const auto text = QueryParameter(query, name);
  if (!text) return absent;
  int64_t value = 0;
  if (absl::SimpleAtoi(*text, &value)) return value;
  return ScimError(
      ScimType::kInvalidValue,
      absl::StrCat(name, ": \"", text->substr(0, 40), "\" is not a number"));
}

// Keeps or takes out the attributes a query asks for (RFC 7644 section 3.9).
void Project(absl::string_view query, Json* resource) {
  const auto names = [&](absl::string_view parameter) {
    std::vector<std::string> list;
    const auto text = QueryParameter(query, parameter);
    for (const absl::string_view name :
         absl::StrSplit(text.value_or(""), ',', absl::SkipEmpty())) {
      const auto path = ParseAttributePath(absl::StripAsciiWhitespace(name));
      if (!path.ok()) continue;
      list.push_back(path->schema.empty() ? path->attribute : path->schema);
    }
    return list;
  };
  const auto wanted = names("attributes");
  const auto unwanted = names("excludedAttributes");
  if (wanted.empty() && unwanted.empty()) return;
  const auto listed = [](const std::vector<std::string>& list,
                         const std::string& name) {
    return std::any_of(list.begin(), list.end(), [&](const auto& entry) {
      return absl::EqualsIgnoreCase(entry, name);
    });
  };
  for (auto it = resource->begin(); it != resource->end();) {
    const bool always = it.key() == "id" || it.key() == "schemas";
    const bool out =
        wanted.empty() ? listed(unwanted, it.key()) : !listed(wanted, it.key());
    it = out && !always ? resource->erase(it) : std::next(it);
  }
}

// The version an If-Match asks for: nullopt for none and "*". A tag that is not
// one of ours matches nothing.
std::optional<int64_t> RevOf(absl::string_view if_match) {
  absl::string_view tag = absl::StripAsciiWhitespace(if_match);
  if (tag.empty() || tag == "*") return std::nullopt;
  absl::ConsumePrefix(&tag, "W/");
  int64_t rev = -1;
  if (!absl::ConsumePrefix(&tag, "\"") || !absl::ConsumeSuffix(&tag, "\"") ||
      !absl::SimpleAtoi(tag, &rev)) {
    return -1;
  }
  return rev;
}

bool IsJson(absl::string_view content_type) {
  const absl::string_view type = absl::StripAsciiWhitespace(
      content_type.substr(0, content_type.find(';')));
  return type.empty() ||
         absl::EqualsIgnoreCase(type, "application/scim+json") ||
         absl::EqualsIgnoreCase(type, "application/json");
}

HttpResponse NotAllowed(absl::string_view allowed) {
  HttpResponse response =
      ErrorOf(ScimError(ScimType::kInvalidSyntax,
                        absl::StrCat("only ", allowed, " are answered here")),
              405);
  absl::StrAppend(&response.headers, "Allow: ", allowed, "\r\n");
  return response;
}

HttpResponse UserResponse(int status, const domain::User& user,
                          const std::string& root_url,
                          absl::string_view query) {
  const std::string location = absl::StrCat(root_url, "/Users/", user.id);
  Json resource = ResourceOf(user, location);
  Project(query, &resource);
  HttpResponse response = ScimResponse(status, WriteJson(resource));
  absl::StrAppend(&response.headers, "ETag: ", VersionOf(user),
                  "\r\nLocation: ", location, "\r\n");
  return response;
}

}  // namespace

absl::StatusOr<app::Caller> ScimRoutes::CallerOf(const HttpRequest& request,
                                                 absl::string_view feed) {
  absl::StatusOr<app::Caller> caller = Error(
      absl::StatusCode::kUnauthenticated, Reason::kUnauthenticated,
      "a bearer token of a feed or a client certificate of role hr is wanted; "
      "make one with: warder hr-token create");
  absl::string_view bearer = request.authorization;
  if (absl::StartsWithIgnoreCase(bearer, "Bearer ")) {
    bearer.remove_prefix(7);
    caller = access_.Authenticate(absl::StripAsciiWhitespace(bearer));
  } else if (!request.peer_uri.empty()) {
    caller = app::ParseCallerUri(request.peer_uri);
  } else {
    runner_.DeniedStranger("scim", caller.status());
  }
  RETURN_IF_ERROR(caller.status());
  if (!feed.empty() && caller->name != feed) {
    const absl::Status other =
        Error(absl::StatusCode::kUnauthenticated, Reason::kUnauthenticated,
              absl::StrCat("the credential is not one of feed \"",
                           feed.substr(0, 64), "\""));
    runner_.DeniedStranger("scim", other);
    return other;
  }
  return caller;
}

HttpResponse ScimRoutes::Answer(const HttpRequest& request) {
  HttpResponse response = Dispatch(request);
  runner_.metrics().CountHrRequest(request.method, response.status);
  return response;
}

HttpResponse ScimRoutes::Dispatch(const HttpRequest& request) {
  const auto place = PlaceOf(request.path);
  if (!place) return ErrorOf(NotFound(request.path.substr(0, 200)));
  const bool reads = request.method == "GET" || request.method == "HEAD";
  const std::string root_url = base_url_ + place->root;
  if (reads) {
    if (const auto document = DiscoveryDocument(place->rest, root_url)) {
      return ScimResponse(200, WriteJson(*document));
    }
  }
  auto caller = CallerOf(request, place->feed);
  if (!caller.ok()) return ErrorOf(caller.status());
  if (!reads && !request.body.empty() && !IsJson(request.content_type)) {
    return ErrorOf(ScimError(ScimType::kInvalidSyntax,
                             "Content-Type: application/scim+json or "
                             "application/json is wanted"),
                   415);
  }
  Call call{.http = request,
            .request = {},
            .path = place->rest,
            .root_url = root_url};
  call.request.caller = *std::move(caller);
  call.request.method = absl::StrCat("scim/", request.method, " Users");
  // Before anything he sent is looked at.
  if (const auto allowed =
          runner_.Authorize(call.request,
                            reads ? app::Permission::kReadOwners
                                  : app::Permission::kReportDeparture,
                            "users");
      !allowed.ok()) {
    return ErrorOf(allowed.status());
  }
  HttpResponse response = Route(call);
  if (response.status < 400 && call.request.caller.role == app::Role::kHr) {
    access_.Heard(call.request.caller.name);
  }
  return response;
}

HttpResponse ScimRoutes::Route(const Call& call) {
  if (call.path == "/Groups" || absl::StartsWith(call.path, "/Groups/")) {
    return Groups(call);
  }
  if (call.path == "/Users") return Users(call);
  absl::string_view id = call.path;
  if (absl::ConsumePrefix(&id, "/Users/")) {
    return OneUser(call, std::string(id));
  }
  return ErrorOf(NotFound(call.path.substr(0, 200)));
}

HttpResponse ScimRoutes::Groups(const Call& call) {
  if (const auto allowed = runner_.Authorize(
          call.request, app::Permission::kReadOwners, "groups");
      !allowed.ok()) {
    return ErrorOf(allowed.status());
  }
  if (call.path != "/Groups") return ErrorOf(NotFound(call.path.substr(0, 80)));
  if (call.http.method != "GET" && call.http.method != "HEAD") {
    return ErrorOf(
        ScimError(ScimType::kInvalidSyntax,
                  "groups are not kept here: keys are bound to people"),
        501);
  }
  return ScimResponse(200, WriteJson(ListResponse(Json::array(), 0, 1)));
}

HttpResponse ScimRoutes::Users(const Call& call) {
  if (call.http.method == "GET" || call.http.method == "HEAD") {
    return ListUsers(call);
  }
  if (call.http.method == "POST") return CreateUser(call);
  return NotAllowed("GET, HEAD, POST");
}

HttpResponse ScimRoutes::CreateUser(const Call& call) {
  const auto create = [&]() -> absl::StatusOr<domain::User> {
    ASSIGN_OR_RETURN(const Json document, DocumentOf(call.http.body));
    ASSIGN_OR_RETURN(domain::User wanted, UserOf(document, {}));
    return users_.Create(call.request, std::move(wanted));
  };
  const auto user = create();
  if (!user.ok()) return ErrorOf(user.status());
  return UserResponse(201, *user, call.root_url, call.http.query);
}

HttpResponse ScimRoutes::ListUsers(const Call& call) {
  const auto list = [&]() -> absl::StatusOr<HttpResponse> {
    const absl::string_view query = call.http.query;
    ASSIGN_OR_RETURN(int64_t start, IntegerParameter(query, "startIndex", 1));
    ASSIGN_OR_RETURN(int64_t count,
                     IntegerParameter(query, "count", kDefaultCount));
    start = std::clamp<int64_t>(start, 1, int64_t{1} << 40);
    count = std::clamp<int64_t>(count, 0, kMaxResults);
    std::optional<app::UserLookup> lookup;
    std::function<bool(const domain::User&)> matches;
    std::optional<Filter> filter;
    if (const auto text = QueryParameter(query, "filter")) {
      ASSIGN_OR_RETURN(filter, Filter::Parse(*text));
      if (const auto name = filter->Demands("userName")) {
        lookup = {domain::MatchRule::kUserName, domain::FoldName(*name)};
      } else if (const auto external = filter->Demands("externalId")) {
        lookup = {domain::MatchRule::kExternalId, domain::FoldName(*external)};
      }
      matches = [&](const domain::User& user) {
        return filter->Matches(ResourceOf(user, ""));
      };
    }
    ASSIGN_OR_RETURN(
        const app::UserList found,
        users_.List(call.request, lookup, matches, start - 1, count));
    Json resources = Json::array();
    for (const domain::User& user : found.users) {
      resources.push_back(
          ResourceOf(user, absl::StrCat(call.root_url, "/Users/", user.id)));
      Project(query, &resources.back());
    }
    return ScimResponse(
        200, WriteJson(ListResponse(std::move(resources), found.total, start)));
  };
  auto response = list();
  return response.ok() ? *std::move(response) : ErrorOf(response.status());
}

HttpResponse ScimRoutes::OneUser(const Call& call, const std::string& id) {
  const absl::string_view method = call.http.method;
  const std::optional<int64_t> rev = RevOf(call.http.if_match);
  absl::StatusOr<domain::User> user;
  if (method == "GET" || method == "HEAD") {
    user = users_.Get(call.request, id);
    if (user.ok() && !call.http.if_none_match.empty() &&
        MatchesEtag(call.http.if_none_match,
                    absl::StripPrefix(VersionOf(*user), "W/"))) {
      HttpResponse response;
      response.status = 304;
      response.headers = absl::StrCat("ETag: ", VersionOf(*user), "\r\n");
      return response;
    }
  } else if (method == "PUT") {
    user = users_.Edit(
        call.request, id, rev,
        [&](const domain::User& before) -> absl::StatusOr<domain::User> {
          ASSIGN_OR_RETURN(const Json document, DocumentOf(call.http.body));
          return UserOf(document, before);
        });
  } else if (method == "PATCH") {
    user = users_.Edit(
        call.request, id, rev,
        [&](const domain::User& before) -> absl::StatusOr<domain::User> {
          ASSIGN_OR_RETURN(const Json document,
                           ApplyPatch(StoredDocument(before), call.http.body));
          return UserOf(document, before);
        });
  } else if (method == "DELETE") {
    const absl::Status deleted = users_.Delete(call.request, id, rev);
    if (!deleted.ok()) return ErrorOf(deleted);
    HttpResponse response;
    response.status = 204;
    return response;
  } else {
    return NotAllowed("GET, HEAD, PUT, PATCH, DELETE");
  }
  if (!user.ok()) return ErrorOf(user.status());
  return UserResponse(200, *user, call.root_url, call.http.query);
}

}  // namespace warder::http::scim

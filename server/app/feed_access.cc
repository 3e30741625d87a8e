#include "server/app/feed_access.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/base/base64url.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/base/time_text.h"

namespace warder::app {
namespace {

// "whr_ID_SECRET": the prefix lets secret scanners know it.
constexpr absl::string_view kPrefix = "whr_";
constexpr absl::Duration kShortest = absl::Hours(1);
constexpr absl::Duration kLongest = absl::Hours(24 * 398);

std::string TokenName(const std::string& id) {
  return absl::StrCat("feedTokens/", id);
}

// Compares in a time that does not depend on where they differ.
bool Equal(absl::string_view a, absl::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned char difference = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference = static_cast<unsigned char>(difference | (a[i] ^ b[i]));
  }
  return difference == 0;
}

}  // namespace

absl::Status FeedAccess::Expect(Change& change, const std::string& name) {
  ASSIGN_OR_RETURN(const auto feeds, change.txn().ListFeeds());
  for (const domain::Feed& feed : feeds) {
    if (feed.name == name) return absl::OkStatus();
  }
  return change.txn().PutFeed({.name = name,
                               .first_seen = change.now(),
                               .last_seen = change.now(),
                               .silent_since = std::nullopt});
}

absl::StatusOr<NewFeedToken> FeedAccess::CreateToken(
    const Request& request, const std::string& feed, absl::Duration lifetime,
    std::optional<absl::Duration> overlap) {
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kManageFeeds, "feedTokens")
          .status());
  RETURN_IF_ERROR(ParseCallerName("feed", feed).status());
  if (lifetime < kShortest || lifetime > kLongest) {
    return FieldError(
        "lifetime",
        absl::StrCat(DurationText(lifetime), " is not between ",
                     DurationText(kShortest), " and ", DurationText(kLongest)));
  }
  NewFeedToken made;
  made.token.id = RandomToken(random_, 9);
  // "_" separates the parts.
  std::replace(made.token.id.begin(), made.token.id.end(), '_', '-');
  made.secret =
      absl::StrCat(kPrefix, made.token.id, "_", RandomToken(random_, 32));
  made.token.feed = feed;
  made.token.hash = Base64UrlEncode(runner_.sha256()(made.secret));
  made.token.created_by = request.caller.Principal();
  RETURN_IF_ERROR(runner_.Run(
      request, ChangeRunner::Urgency::kNormal,
      [&](Change& change) {
        made.token.create_time = change.now();
        made.token.expire_time = change.now() + lifetime;
        if (overlap) {
          ASSIGN_OR_RETURN(auto tokens, change.txn().ListFeedTokens());
          for (domain::FeedToken& former : tokens) {
            if (former.feed != feed) continue;
            former.expire_time =
                std::min(former.expire_time, change.now() + *overlap);
            RETURN_IF_ERROR(change.txn().PutFeedToken(former));
          }
        }
        RETURN_IF_ERROR(change.txn().PutFeedToken(made.token));
        RETURN_IF_ERROR(Expect(change, feed));
        change.Record(
            "feed_token.created", TokenName(made.token.id),
            WriteJson({{"feed", feed},
                       {"expires", TimeText(made.token.expire_time)},
                       {"former_tokens_end",
                        overlap ? TimeText(change.now() + *overlap) : ""}}));
        change.SetResult(TokenName(made.token.id));
        return absl::OkStatus();
      },
      [&](ReadTransaction&, const std::string& name) {
        return Error(
            absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists,
            absl::StrCat(name,
                         " was made by this request_id, and its secret "
                         "is shown once only; revoke it and make "
                         "another"));
      }));
  return made;
}

absl::StatusOr<std::vector<domain::FeedToken>> FeedAccess::ListTokens(
    const Request& request) {
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kManageFeeds, "feedTokens")
          .status());
  std::vector<domain::FeedToken> tokens;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(tokens, txn.ListFeedTokens());
    return absl::OkStatus();
  }));
  return tokens;
}

absl::StatusOr<domain::FeedToken> FeedAccess::RevokeToken(
    const Request& request, const std::string& id) {
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kManageFeeds, TokenName(id))
          .status());
  domain::FeedToken token;
  const auto find = [&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(auto found, txn.FindFeedToken(id));
    if (!found) return NotFound(TokenName(id));
    token = *std::move(found);
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(runner_.Run(
      request, ChangeRunner::Urgency::kUrgent,
      [&](Change& change) {
        RETURN_IF_ERROR(find(change.txn()));
        change.SetResult(TokenName(id));
        if (token.revoke_time) return absl::OkStatus();
        token.revoke_time = change.now();
        RETURN_IF_ERROR(change.txn().PutFeedToken(token));
        change.Record("feed_token.revoked", TokenName(id),
                      WriteJson({{"feed", token.feed}}));
        return absl::OkStatus();
      },
      [&](ReadTransaction& txn, const std::string&) { return find(txn); }));
  return token;
}

absl::StatusOr<std::vector<domain::Feed>> FeedAccess::ListFeeds(
    const Request& request) {
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kReadOwners, "feeds").status());
  std::vector<domain::Feed> feeds;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(feeds, txn.ListFeeds());
    return absl::OkStatus();
  }));
  return feeds;
}

absl::StatusOr<Caller> FeedAccess::Authenticate(absl::string_view bearer) {
  const absl::Status refused =
      Error(absl::StatusCode::kUnauthenticated, Reason::kUnauthenticated,
            "the bearer token is not one of a feed, or has ended; make one "
            "with: warder hr-token create");
  const std::vector<absl::string_view> parts =
      absl::StrSplit(bearer, absl::MaxSplits('_', 2));
  std::optional<domain::FeedToken> token;
  if (parts.size() == 3 && absl::StartsWith(bearer, kPrefix) &&
      parts[1].size() == 12) {
    RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
      ASSIGN_OR_RETURN(token, txn.FindFeedToken(std::string(parts[1])));
      return absl::OkStatus();
    }));
  }
  const absl::Time now = runner_.clock_guard().Read().latest;
  if (!token || token->revoke_time || token->expire_time <= now ||
      !Equal(token->hash, Base64UrlEncode(runner_.sha256()(bearer)))) {
    runner_.DeniedStranger("scim", refused);
    return refused;
  }
  return Caller{Role::kHr, token->feed, /*is_feed=*/true};
}

void FeedAccess::Heard(const std::string& feed) {
  HeardAt(feed, runner_.clock_guard().Read().trusted, /*beats=*/true);
}

void FeedAccess::HeardAt(const std::string& feed, absl::Time at, bool beats) {
  MutexLock lock(&mu_);
  News& news = heard_[feed];
  news.at = std::max(news.at, at);
  news.beats = news.beats || beats;
}

absl::Status FeedAccess::Beat() {
  std::map<std::string, News> heard;
  {
    MutexLock lock(&mu_);
    heard.swap(heard_);
  }
  std::vector<domain::Feed> feeds;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(feeds, txn.ListFeeds());
    return absl::OkStatus();
  }));
  const absl::Time now = runner_.clock_guard().Read().trusted;
  for (const auto& news : heard) {
    const std::string& name = news.first;
    if (!news.second.beats) continue;
    if (std::none_of(feeds.begin(), feeds.end(),
                     [&](const auto& feed) { return feed.name == name; })) {
      feeds.push_back({.name = name,
                       .first_seen = news.second.at,
                       .last_seen = absl::InfinitePast(),
                       .silent_since = std::nullopt});
    }
  }
  for (domain::Feed& feed : feeds) {
    const bool was_silent = feed.silent_since.has_value();
    const auto news = heard.find(feed.name);
    const bool spoke = news != heard.end() && news->second.at > feed.last_seen;
    if (spoke) feed.last_seen = news->second.at;
    const bool silent = now - feed.last_seen > policy_.silence;
    runner_.metrics().SetFeedSilent(feed.name, silent);
    if (silent == was_silent && !spoke) continue;
    feed.silent_since =
        silent ? std::optional(feed.silent_since.value_or(now)) : std::nullopt;
    RETURN_IF_ERROR(runner_.RunAsSystem(
        ChangeRunner::Urgency::kUrgent, [&](Change& change) {
          RETURN_IF_ERROR(change.txn().PutFeed(feed));
          if (silent != was_silent) {
            change.Record(silent ? "feed.silent" : "feed.heard",
                          absl::StrCat("feeds/", feed.name),
                          WriteJson({{"last_seen", TimeText(feed.last_seen)}}));
          }
          return absl::OkStatus();
        }));
    if (silent && !was_silent) {
      Log(LogLevel::kError, "feed.silent",
          {{"feed", feed.name},
           {"last_seen", TimeText(feed.last_seen)},
           {"next",
            "departures reach nobody while it is silent: look at the identity "
            "provider's provisioning job and its token (warder hr-token "
            "list)"}});
    }
  }
  return absl::OkStatus();
}

}  // namespace warder::app

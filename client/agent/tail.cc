#include "client/agent/tail.h"

#include <signal.h>
#include <time.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/agent/config.h"
#include "client/agent/log_follower.h"
#include "client/client.h"
#include "client/http_get.h"
#include "client/verify/token_form.h"
#include "server/base/atomic_file.h"
#include "server/base/base64url.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/base/settings.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/base/utf8.h"
#include "server/crypto/digest.h"
#include "server/crypto/system_random.h"

namespace warder::agent {
namespace {

// The server's bound for the life of a token: the policy is not known here.
constexpr absl::Duration kLongestLife = absl::Hours(24 * 30);
constexpr size_t kShownOfIssuer = 200;  // bytes of an `iss`, in our log
constexpr int kUnauthorized = 401;
constexpr int kForbidden = 403;
constexpr size_t kMostTokenBytes = 60 * 1024;  // what fits into a line

absl::Status Bad(const std::string& path, absl::string_view why) {
  return Error(absl::StatusCode::kInvalidArgument, Reason::kConfiguration,
               absl::StrCat(path, ": ", why));
}

// The files' positions, kept for the next start.
class Positions {
 public:
  explicit Positions(const std::string& directory)
      : path_(directory.empty() ? "" : directory + "/tail.json") {}

  std::map<std::string, LogPosition> Load() const {
    std::map<std::string, LogPosition> positions;
    std::ifstream in(path_);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    const auto json = ParseJsonObject(text);
    if (!json.ok()) return positions;
    for (const auto& [file, at] : json->items()) {
      if (!at.is_array() || at.size() != 2 || !at[0].is_number_unsigned() ||
          !at[1].is_number_unsigned()) {
        continue;
      }
      positions[file] = {.file = at[0].get<uint64_t>(),
                         .offset = at[1].get<int64_t>()};
    }
    return positions;
  }

  void Keep(const std::map<std::string, std::unique_ptr<LogFollower>>& files) {
    if (path_.empty()) return;
    Json json = Json::object();
    for (const auto& [file, follower] : files) {
      json[file] = {follower->position().file, follower->position().offset};
    }
    const std::string text = WriteJson(json);
    if (text == kept_) return;
    const absl::Status status =
        WriteAtomically(path_, text, FileMode::kOwnerOnly);
    if (status.ok()) {
      kept_ = text;
      return;
    }
    Log(LogLevel::kWarning, "tail.position_not_kept",
        {{"error", std::string(status.message())},
         {"next", "a start would begin at the end of the files"}});
  }

 private:
  const std::string path_;
  std::string kept_;
};

// Returns "issuers/shop" of this `iss`, or nullptr.
const std::string* FindIssuer(const TailConfig& config,
                              const std::string& uri) {
  for (const auto& [issuer, known] : config.issuers) {
    if (known == uri) return &issuer;
  }
  return nullptr;
}

}  // namespace

absl::StatusOr<TailConfig> ReadTailConfig(const std::string& path) {
  TailConfig config;
  config.instance = HostName();
  config.verify.max_staleness = absl::Hours(24);
  std::vector<std::string> issuers;
  Settings settings("tail.sample.yaml");
  AddCommonSettings(settings, config.server, config.instance, config.log_level);
  settings.AddList("files", &config.files);
  settings.AddList("issuers", &issuers);
  settings.Add("key_set_authority", Text(&config.key_set_authority));
  settings.AddList("audiences", &config.verify.audiences);
  settings.AddList("types", &config.verify.types);
  settings.Add("fields.token", Text(&config.fields.token));
  settings.Add("fields.status", Text(&config.fields.status));
  settings.Add("fields.source", Text(&config.fields.source));
  settings.Add("fields.time", Text(&config.fields.time));
  settings.Add("trust_log", Flag(&config.trust_log));
  settings.Add("state_directory", Text(&config.state_directory));
  ASSIGN_OR_RETURN(const std::string text, ReadSettingsFile(path));
  RETURN_IF_ERROR(settings.Read(path, text));
  if (config.files.empty()) return Bad(path, "files: name one at least");
  for (const std::string& entry : issuers) {
    const std::pair<std::string, std::string> part =
        absl::StrSplit(entry, absl::MaxSplits('=', 1));
    if (part.first.empty() || !absl::StartsWith(part.second, "http")) {
      return Bad(path, absl::StrCat("issuers: \"", entry.substr(0, 80),
                                    "\" is not ID=URL, such as "
                                    "shop=https://keys.example/issuers/shop"));
    }
    config.issuers.emplace_back(absl::StrCat("issuers/", part.first),
                                part.second);
  }
  if (config.issuers.empty()) return Bad(path, "issuers: name one at least");
  if (const absl::Status status = client::ValidateOptions(config.verify);
      !status.ok()) {
    return Bad(path, status.message());
  }
  return config;
}

LogReader::LogReader(const TailConfig& config, Clock& clock,
                     client::Observer& observer)
    : config_(config),
      clock_(clock),
      observer_(observer),
      verifier_(
          [&] {
            client::VerifierOptions options = config.verify;
            options.observer = &observer;
            options.max_token_bytes = kMostTokenBytes;
            return options;
          }(),
          clock) {}

void LogReader::KeepKeySets() {
  if (config_.trust_log || clock_.Uptime() - fetched_ < kFetchEvery) return;
  fetched_ = clock_.Uptime();
  for (const auto& [issuer, uri] : config_.issuers) {
    const std::string url = uri + "/.well-known/jwks.json";
    const auto answer = client::HttpGet(url, config_.key_set_authority);
    absl::Status status = answer.status();
    if (status.ok() && answer->status != 200) {
      status =
          absl::UnavailableError(absl::StrCat("it answers ", answer->status));
    }
    if (status.ok()) {
      status = verifier_.Apply(
          {.issuer = issuer,
           .issuer_uri = uri,
           .revision = 0,
           .jwks = answer->body,
           .max_token_lifetime = kLongestLife,
           .fingerprint = Base64UrlEncode(crypto::Sha256(answer->body))});
    }
    if (status.ok()) {
      verifier_.Confirm();
      continue;
    }
    Log(LogLevel::kWarning, "tail.no_key_set",
        {{"url", url},
         {"error", std::string(status.message())},
         {"next",
          "tokens are checked by the one before, where there was one; "
          "tried again in half a minute"}});
  }
}

void LogReader::Believe(const LoggedToken& logged) {
  // As far as its form goes a signature is there.
  const bool whole =
      std::count(logged.token.begin(), logged.token.end(), '.') > 1;
  const std::string text = whole ? logged.token : logged.token + ".";
  const auto parts = client::Split(text, logged.source);
  Json header, claims;
  if (!parts || client::ReadObject("the header", parts->header, header) ||
      client::ReadObject("the payload", parts->payload, claims)) {
    ++unreadable_;
    return;
  }
  const auto kid = JsonString(header, "kid");
  const auto uri = JsonString(claims, "iss");
  const auto issued = client::TimeClaim(claims, "iat");
  const auto expires = client::TimeClaim(claims, "exp");
  const auto audience = claims.find("aud");
  if (!kid.ok() || !uri.ok() ||
      (audience != claims.end() && client::IsForProbes(*audience))) {
    return;  // none of ours
  }
  const std::string* const issuer = FindIssuer(config_, *uri);
  if (issuer == nullptr) return NoteUnknownIssuer(*uri);
  if (!issued || !expires) {
    return NoteOdd(logged,
                   "it has no iat or exp, and Warder issues no such token");
  }
  if (clock_.TimeNow() >= *expires + config_.verify.clock_skew) return;
  observer_.Accepted({.issuer = *issuer,
                      .kid = *kid,
                      .issue_time = *issued,
                      .signing_input = parts->signing_input,
                      .audience = client::FirstAudience(claims),
                      .source = logged.source});
}

void LogReader::NoteUnknownIssuer(const std::string& uri) {
  if (unknown_issuers_.size() >= kMostUnknownIssuers ||
      !unknown_issuers_.insert(uri).second) {
    return;
  }
  Log(LogLevel::kWarning, "tail.unknown_issuer",
      {{"iss", std::string(Utf8Prefix(uri, kShownOfIssuer))},
       {"next",
        "if the gateway accepts its tokens: register it with warder issuer "
        "create and let Warder sign, or have the gateway refuse it"}});
}

void LogReader::NoteOdd(const LoggedToken& logged, absl::string_view why) {
  ++odd_;
  if (clock_.Uptime() - said_ < kSayEvery) return;
  said_ = clock_.Uptime();
  Log(LogLevel::kError, "tail.odd_token",
      {{"source", logged.source},
       {"why", std::string(why)},
       {"so_far", absl::StrCat(odd_)},
       {"next",
        "the gateway let it pass; if its key is ours, somebody has a "
        "copy: let the gateway require iat, exp and typ, and see warder "
        "alarm list"}});
}

void LogReader::Take(absl::string_view line) {
  const auto logged = ReadLogLine(line, config_.fields);
  if (!logged.ok()) {
    ++unreadable_;
    return;
  }
  // What was refused opened nothing.
  if (!*logged || (*logged)->status == kUnauthorized ||
      (*logged)->status == kForbidden) {
    return;
  }
  if (config_.trust_log) return Believe(**logged);
  const client::Verdict verdict = verifier_.Verify(
      (*logged)->token, (*logged)->time.value_or(clock_.TimeNow()),
      (*logged)->source);
  switch (verdict.refusal) {
    // Of a form that Warder signs none of, and past the signature.
    case client::Refusal::kWrongType:
    case client::Refusal::kWrongIssuer:
    case client::Refusal::kBadTime:
    case client::Refusal::kLivesTooLong:
      return NoteOdd(**logged, verdict.detail);
    case client::Refusal::kUnknownKey: {
      const auto parts = client::Split((*logged)->token, (*logged)->source);
      Json claims;
      if (!parts || client::ReadObject("the payload", parts->payload, claims)) {
        return;
      }
      const auto uri = JsonString(claims, "iss");
      if (uri.ok() && FindIssuer(config_, *uri) == nullptr) {
        NoteUnknownIssuer(*uri);
      }
      return;
    }
    default: break;
  }
}

absl::Status Tail(const TailConfig& config) {
  SystemClock clock;
  crypto::SystemRandom random;
  ASSIGN_OR_RETURN(
      const auto connection,
      client::Client::Connect(config.server, random, clock.TimeNow(),
                              [](absl::Duration) {}));
  client::Observer observer(
      *connection, clock,
      {.instance = config.instance, .incarnation = RandomUuid(random)});
  LogReader reader(config, clock, observer);
  Positions kept(config.state_directory);
  const auto positions = kept.Load();
  std::map<std::string, std::unique_ptr<LogFollower>> files;
  for (const std::string& file : config.files) {
    const auto at = positions.find(file);
    files[file] = std::make_unique<LogFollower>(
        file, at == positions.end() ? LogPosition() : at->second);
  }
  observer.Start();
  Log(LogLevel::kInfo, "tail.started",
      {{"server", config.server.address},
       {"instance", config.instance},
       {"files", absl::StrCat(files.size())}});
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  const timespec second = {.tv_sec = 1, .tv_nsec = 0};
  const timespec at_once = {};
  bool more = false;
  std::map<std::string, std::string> troubles;
  int64_t unreadable = 0;
  while (sigtimedwait(&set, nullptr, more ? &at_once : &second) < 0) {
    reader.KeepKeySets();
    more = false;
    for (const auto& [file, follower] : files) {
      const auto read =
          follower->Read([&](absl::string_view line) { reader.Take(line); });
      more = more || (read.ok() && *read);
      const std::string trouble(read.status().message());
      if (trouble != troubles[file] && !trouble.empty()) {
        Log(LogLevel::kWarning, "tail.file_unreadable",
            {{"error", trouble}, {"next", "tried again every second"}});
      }
      troubles[file] = trouble;
    }
    int64_t now_unreadable = reader.unreadable();
    for (const auto& [file, follower] : files) {
      now_unreadable += follower->left_out();
    }
    if (now_unreadable > unreadable) {
      Log(LogLevel::kWarning, "tail.lines_unreadable",
          {{"lines", absl::StrCat(now_unreadable - unreadable)},
           {"next",
            "is the log in JSON, one object a line? see "
            "tail.sample.yaml"}});
      unreadable = now_unreadable;
    }
    kept.Keep(files);
  }
  Log(LogLevel::kInfo, "tail.stopping");
  observer.Stop();
  return absl::OkStatus();
}

}  // namespace warder::agent

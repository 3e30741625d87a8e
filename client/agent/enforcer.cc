#include "client/agent/enforcer.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/base/atomic_file.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"

namespace warder::agent {
namespace {

constexpr size_t kMostStateBytes = 64 << 20;

client::VerifierOptions ForProbes(const Config& config) {
  client::VerifierOptions options = config.verify;
  options.audiences = {config.probe_audience};
  options.cached_tokens = 0;  // each probe is a question
  options.observer = nullptr;
  options.issuance = nullptr;
  options.accept_drills = true;
  return options;
}

std::string IdOf(absl::string_view issuer) {
  absl::ConsumePrefix(&issuer, "issuers/");
  return std::string(issuer);
}

absl::StatusOr<std::vector<std::string>> KidsIn(const Json& json,
                                                const char* name) {
  const auto list = json.find(name);
  if (list == json.end() || !list->is_array()) {
    return FieldError(name, "a list is wanted");
  }
  std::vector<std::string> kids;
  for (const Json& kid : *list) {
    if (!kid.is_string()) return FieldError(name, "holds no key's ID");
    kids.push_back(kid.get<std::string>());
  }
  return kids;
}

absl::StatusOr<client::PublishedSet> SetOf(const Json& json) {
  client::PublishedSet set;
  ASSIGN_OR_RETURN(set.issuer, JsonString(json, "issuer"));
  ASSIGN_OR_RETURN(set.issuer_uri, JsonString(json, "issuer_uri"));
  ASSIGN_OR_RETURN(set.jwks, JsonString(json, "jwks"));
  const auto revision = json.find("revision");
  const auto lifetime = json.find("max_token_lifetime_s");
  if (revision == json.end() || !revision->is_number_integer() ||
      lifetime == json.end() || !lifetime->is_number_integer()) {
    return FieldError("revision", "a number is wanted");
  }
  ASSIGN_OR_RETURN(set.fingerprint, JsonString(json, "fingerprint"));
  const auto drill = json.find("drill");
  if (drill == json.end() || !drill->is_boolean()) {
    return FieldError("drill", "true or false is wanted");
  }
  set.drill = drill->get<bool>();
  ASSIGN_OR_RETURN(set.ledger_required, KidsIn(json, "ledger_required"));
  ASSIGN_OR_RETURN(set.ledger_asked, KidsIn(json, "ledger_asked"));
  ASSIGN_OR_RETURN(const std::string mode, JsonString(json, "issuance_mode"));
  set.issuance_mode = client::IssuanceModeNamed(mode);
  set.revision = revision->get<int64_t>();
  set.max_token_lifetime = absl::Seconds(lifetime->get<int64_t>());
  return set;
}

}  // namespace

Enforcer::Enforcer(const Config& config, Clock& clock)
    : keep_every_(std::min(kKeepEvery, config.verify.max_staleness / 3)),
      state_file_(config.state_directory.empty()
                      ? ""
                      : absl::StrCat(config.state_directory, "/key-sets.json")),
      key_set_directory_(config.key_set_directory),
      clock_(clock),
      verifier_(config.verify, clock) {
  if (!config.probe_audience.empty()) {
    probe_.emplace(ForProbes(config), clock);
  }
}

void Enforcer::Load() {
  if (state_file_.empty()) return;
  std::ifstream in(state_file_);
  if (!in) return;  // the first start
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const auto passed_over = [&](absl::string_view why) {
    Log(LogLevel::kWarning, "agent.state_passed_over",
        {{"file", state_file_},
         {"why", std::string(why)},
         {"next", "tokens are refused until the server is reached"}});
  };
  const auto json = ParseJsonObject(text, {.max_bytes = kMostStateBytes});
  if (!json.ok()) return passed_over(json.status().message());
  const auto confirmed = json->find("confirmed_us");
  const auto sets = json->find("sets");
  if (confirmed == json->end() || !confirmed->is_number_integer() ||
      sets == json->end() || !sets->is_array()) {
    return passed_over("it lacks confirmed_us or sets");
  }
  const absl::Time at = absl::FromUnixMicros(confirmed->get<int64_t>());
  const absl::Duration age = clock_.TimeNow() - at;
  if (age < absl::ZeroDuration()) {
    return passed_over("it is dated in the future; was the clock set back?");
  }
  const client::VerifierOptions& options = verifier_.options();
  if (age > options.max_staleness && !options.serve_stale) {
    return passed_over("it is older than verify.max_staleness");
  }
  for (const Json& entry : *sets) {
    const auto set = SetOf(entry);
    if (!set.ok()) return passed_over(set.status().message());
    absl::Status status = verifier_.Apply(*set);
    if (status.ok() && probe_) status = probe_->Apply(*set);
    if (!status.ok()) return passed_over(status.message());
  }
  verifier_.Confirm(age);
  if (probe_) probe_->Confirm(age);
  MutexLock lock(&mu_);
  confirmed_ = at;
  for (const auto& [issuer, set] : verifier_.Sets()) {
    held_[issuer] = set.fingerprint;
  }
}

std::string Enforcer::FileOf(const std::string& issuer) const {
  return absl::StrCat(key_set_directory_, "/", IdOf(issuer), ".json");
}

absl::Status Enforcer::WriteKeySet(const client::PublishedSet& set) {
  if (key_set_directory_.empty() || ended_) return absl::OkStatus();
  return WriteAtomically(FileOf(set.issuer), set.jwks, FileMode::kForAll);
}

void Enforcer::KeepFilesFresh() {
  MutexLock lock(&mu_);
  ShowFiles(!verifier_.stale() || verifier_.options().serve_stale);
}

void Enforcer::WithdrawFiles() {
  MutexLock lock(&mu_);
  ShowFiles(false);
  ended_ = true;
}

void Enforcer::ShowFiles(bool shown) {
  if (key_set_directory_.empty()) return;
  if (shown != withdrawn_) return;
  const auto sets = verifier_.Sets();
  for (const auto& [issuer, set] : sets) {
    absl::Status status;
    if (shown) {
      status = WriteKeySet(set);
    } else if (std::error_code error;
               !std::filesystem::remove(FileOf(issuer), error) && error) {
      status = absl::UnavailableError(error.message());
    }
    if (!status.ok()) {
      Log(LogLevel::kError, "agent.key_set_file",
          {{"file", FileOf(issuer)},
           {"error", std::string(status.message())},
           {"next", "tried again every second"}});
      return;
    }
  }
  withdrawn_ = !shown;
  if (sets.empty()) return;
  Log(LogLevel::kInfo, "agent.key_set_files",
      {{"are", shown ? "back" : "taken away"},
       {"because", shown ? "the server confirms them"
                         : "the server has not confirmed them within "
                           "verify.max_staleness, or the agent ends"}});
}

absl::Status Enforcer::Keep() {
  if (state_file_.empty()) return absl::OkStatus();
  Json sets = Json::array();
  for (const auto& [issuer, set] : verifier_.Sets()) {
    sets.push_back(
        {{"issuer", set.issuer},
         {"issuer_uri", set.issuer_uri},
         {"revision", set.revision},
         {"jwks", set.jwks},
         {"max_token_lifetime_s", absl::ToInt64Seconds(set.max_token_lifetime)},
         {"fingerprint", set.fingerprint},
         {"drill", set.drill},
         {"ledger_required", set.ledger_required},
         {"ledger_asked", set.ledger_asked},
         {"issuance_mode", client::IssuanceModeName(set.issuance_mode)}});
  }
  RETURN_IF_ERROR(WriteAtomically(
      state_file_,
      WriteJson({{"confirmed_us", absl::ToUnixMicros(confirmed_)},
                 {"sets", std::move(sets)}}),
      FileMode::kOwnerOnly));
  kept_ = confirmed_;
  return absl::OkStatus();
}

absl::Status Enforcer::Apply(const client::PublishedSet& set) {
  RETURN_IF_ERROR(verifier_.Apply(set));
  if (probe_) RETURN_IF_ERROR(probe_->Apply(set));
  MutexLock lock(&mu_);
  RETURN_IF_ERROR(WriteKeySet(set));
  withdrawn_ = false;  // until it is known whether it may be used
  RETURN_IF_ERROR(Keep());
  held_[set.issuer] = set.fingerprint;
  Log(LogLevel::kInfo, "agent.enforces",
      {{"issuer", set.issuer}, {"revision", absl::StrCat(set.revision)}});
  return absl::OkStatus();
}

void Enforcer::Confirm(const std::vector<std::string>& issuers,
                       absl::Duration age) {
  if (!key_set_directory_.empty()) {
    for (const auto& [issuer, set] : verifier_.Sets()) {
      std::error_code error;
      if (std::count(issuers.begin(), issuers.end(), issuer) == 0) {
        std::filesystem::remove(FileOf(issuer), error);
      }
    }
  }
  absl::Status status = verifier_.Keep(issuers);
  if (status.ok() && probe_) status = probe_->Keep(issuers);
  verifier_.Confirm(age);
  if (probe_) probe_->Confirm(age);
  MutexLock lock(&mu_);
  std::erase_if(held_, [&](const auto& entry) {
    return std::count(issuers.begin(), issuers.end(), entry.first) == 0;
  });
  // By uptime: a clock that jumped forward once makes nothing younger later.
  confirmed_ = clock_.TimeNow() - verifier_.Age();
  // What is dated in the future was written before a clock was set right.
  if (status.ok() &&
      (confirmed_ < kept_ || confirmed_ >= kept_ + keep_every_)) {
    status = Keep();
  }
  if (!status.ok()) {
    Log(LogLevel::kError, "agent.state_not_kept",
        {{"error", std::string(status.message())},
         {"next", "a start would begin with older sets, or none"}});
  }
}

std::map<std::string, std::string> Enforcer::Held() {
  MutexLock lock(&mu_);
  return held_;
}

}  // namespace warder::agent

#include "tools/incident/benign.h"

#include <functional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/base/base64url.h"
#include "tools/incident/house.h"
#include "tools/incident/traffic.h"

namespace warder::incident {
namespace {

using bench::Must;

struct Happening {
  const char* what;
  double at;  // share of the time
  std::function<void(House&)> begin;
  absl::Duration lasts = absl::ZeroDuration();
  std::function<void(House&)> end = nullptr;
  double traffic = 1;
  bool duplicates = false;
};

void Rotate(House& house, bool immediate) {
  app::RotateKeyCommand command;
  command.issuer = house.shop;
  command.immediate = immediate;
  Must(house.issuers.Rotate(house.admin, command));
}

std::vector<Happening> Happenings(Traffic& traffic) {
  return {
      {"a flash sale", 0.10, nullptr, absl::Hours(1), nullptr, 5},
      {"a clock that is 90 s ahead", 0.20,
       [](House& house) { house.gateway(2).SetSkew(absl::Seconds(90)); },
       absl::Hours(2),
       [](House& house) { house.gateway(2).SetSkew(absl::ZeroDuration()); }},
      {"a clock that is 90 s behind", 0.27,
       [](House& house) { house.gateway(3).SetSkew(-absl::Seconds(90)); },
       absl::Hours(2),
       [](House& house) { house.gateway(3).SetSkew(absl::ZeroDuration()); }},
      {"a gateway that is cut off for five minutes", 0.35,
       [](House& house) { house.gateway(1).SetCutOff(true); }, absl::Minutes(5),
       [](House& house) { house.gateway(1).SetCutOff(false); }},
      {"failover to the standby", 0.45,
       [](House& house) {
         Must(house.keys.Issue(house.admin, house.shop, std::nullopt));
         Rotate(house, /*immediate=*/true);
       }},
      {"a planned rotation", 0.55,
       [](House& house) { Rotate(house, /*immediate=*/false); }},
      {"an emergency rotation", 0.65,
       [](House& house) { Rotate(house, /*immediate=*/true); }},
      {"a crawler that shows old tokens", 0.75,
       [&traffic](House& house) {
         for (const std::string& token : traffic.recent()) {
           house.gateway(5).Accepts(token);
         }
       }},
      {"reports that come twice", 0.85, nullptr, absl::Hours(1), nullptr, 1,
       true},
      {"an issuer that nobody has registered", 0.92, [](House& house) {
         const auto key =
             Must(crypto::PrivateKey::Generate(crypto::KeyType::kP256));
         for (int i = 0; i < 50; ++i) {
           const std::string input = absl::StrCat(
               Base64UrlEncode(WriteJson(
                   {{"alg", "ES256"}, {"kid", "internal"}, {"typ", "JWT"}})),
               ".",
               Base64UrlEncode(WriteJson(
                   {{"iss", "https://internal.example"},
                    {"aud", kAudience},
                    {"iat", absl::ToUnixSeconds(house.time.TimeNow())},
                    {"exp", absl::ToUnixSeconds(house.time.TimeNow()) + 900},
                    {"jti", i}})));
           house.gateway(0).Accepts(absl::StrCat(
               input, ".",
               Base64UrlEncode(Must(
                   key.Sign(crypto::SignatureScheme::kEcdsaSha256, input)))));
         }
       }}};
}

}  // namespace

Outcome PlayBenign(const Settings& settings) {
  Outcome outcome;
  outcome.name = "G";
  outcome.what =
      absl::StrCat(settings.benign_days, " days of everything that looks odd");
  outcome.should_detect = false;
  SimulatedClock clock(absl::FromUnixSeconds(1'800'003'600));
  House house(clock);
  Traffic traffic(settings.seed, settings.tokens_per_day);
  const absl::Duration lasts = absl::Hours(24) * settings.benign_days;
  const absl::Time start = clock.TimeNow();
  const std::vector<Happening> happenings = Happenings(traffic);
  std::vector<char> begun(happenings.size()), ended(happenings.size());
  while (clock.TimeNow() < start + lasts) {
    double factor = 1;
    bool duplicates = false;
    for (size_t i = 0; i < happenings.size(); ++i) {
      const Happening& one = happenings[i];
      const absl::Time at = start + lasts * one.at;
      const bool over = clock.TimeNow() >= at + one.lasts;
      if (clock.TimeNow() >= at && begun[i] == 0) {
        begun[i] = 1;
        if (one.begin) one.begin(house);
      }
      if (begun[i] != 0 && !over) {
        factor *= one.traffic;
        duplicates = duplicates || one.duplicates;
      }
      if (begun[i] != 0 && over && ended[i] == 0) {
        ended[i] = 1;
        if (one.end) one.end(house);
      }
    }
    traffic.Step(house, factor);
    house.Pass(kStep, duplicates);
  }
  Json names = Json::array();
  for (const Happening& one : happenings) names.push_back(one.what);
  outcome.extra = {{"happenings", std::move(names)},
                   {"tokens", traffic.issued()}};
  for (const domain::Alarm& alarm : house.Alarms()) {
    if (alarm.kind == domain::AlarmKind::kGatewaySilent &&
        alarm.gateway == GatewayId("edge-1")) {
      outcome.extra["silence_of_the_one_that_was_cut_off"] = alarm.count;
      continue;  // that is so, and no token's fault
    }
    ++outcome.false_alarms;
    outcome.false_pages += alarm.severity == domain::AlarmSeverity::kPage;
    outcome.detectors.emplace_back(domain::AlarmKindName(alarm.kind));
  }
  outcome.honest = traffic.shown();
  // Where a clock is off, some are refused, and that is right.
  outcome.extra["honest_refused_by_clocks_and_revocation"] = traffic.refused();
  return outcome;
}

}  // namespace warder::incident

#include "tools/incident/cases.h"

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/incident/benign.h"
#include "tools/incident/house.h"
#include "tools/incident/totals.h"
#include "tools/incident/traffic.h"

namespace warder::incident {
namespace {

using bench::Must;

constexpr absl::Duration kWarmUp = absl::Minutes(20);
// A thief goes on for so long once somebody was woken.
constexpr absl::Duration kAfterwards = absl::Minutes(1);

// How he goes about it.
struct Attack {
  const char* what;
  double per_second;
  int64_t most = 1'000'000;  // tokens
  absl::Duration longest = absl::Minutes(30);
  // Before the attack; returns the keys that he has copied.
  std::function<std::vector<domain::Key>(House&)> prepare;
  // The number-th token, by the copies.
  std::function<std::string(House&, Traffic&, const std::vector<Thief>&,
                            int64_t number)>
      forge;
  std::optional<double> bound_s;
  std::optional<int64_t> bound_served;
  bool enforce = false;
  bool blind = false;     // the ledger knows nothing: nobody must hear him
  bool subjects = false;  // everybody is loaded
  bool drain = false;     // what the alarm says is done, and looked at
};

std::vector<domain::Key> TheOneThatSigns(House& house) {
  return {house.MustFindKey(domain::KeyState::kActive)};
}

// One in a row after another, more than half of them nobody's.
std::string Sequential(House& house, Traffic& traffic,
                       const std::vector<Thief>& thieves, int64_t number) {
  const bool nobody = traffic.Draw(100) < 57;
  return thieves[static_cast<size_t>(number) % thieves.size()].Forge(
      house, nobody ? traffic.Nobody() : absl::StrCat("u", 1000 + number),
      house.time.TimeNow(), kAudience, absl::StrCat("r", number));
}

// Like an honest token to the claim, the copied `jti` included.
std::string Adaptive(House& house, Traffic& traffic,
                     const std::vector<Thief>& thieves, int64_t number) {
  return thieves[0].Forge(house, traffic.Subject(), house.time.TimeNow(),
                          kAudience, absl::StrCat("copied-", number));
}

std::vector<domain::Key> TheStandby(House& house) {
  Must(house.keys.Issue(house.admin, house.shop, std::nullopt));
  return {house.MustFindKey(domain::KeyState::kPending)};
}

std::vector<domain::Key> Both(House& house) {
  std::vector<domain::Key> keys = TheStandby(house);
  keys.push_back(house.MustFindKey(domain::KeyState::kActive));
  return keys;
}

const std::map<std::string, Attack>& Attacks() {
  static const auto* const kAttacks = new std::map<std::string, Attack>{
      {"A-probe",
       {.what = "twenty tokens from one address, months before",
        .per_second = 4,
        .most = 20,
        .prepare = TheOneThatSigns,
        .forge = Sequential,
        .bound_s = 150,
        .bound_served = 20}},
      {"A1",
       {.what = "as it happened: subjects in a row by a copy of the key",
        .per_second = 10.1,
        .prepare = TheOneThatSigns,
        .forge = Sequential,
        .bound_s = 150,
        .bound_served = 1500,
        .drain = true}},
      {"A1-burst",
       {.what = "the same at the rate of the worst day",
        .per_second = 73,
        .prepare = TheOneThatSigns,
        .forge = Sequential,
        .bound_s = 150,
        .bound_served = 10'000}},
      {"A1-blind",
       {.what = "the same with the ledger switched off",
        .per_second = 10.1,
        .longest = absl::Minutes(5),
        .prepare = TheOneThatSigns,
        .forge = Sequential,
        .bound_s = std::nullopt,
        .bound_served = std::nullopt,
        .blind = true}},
      {"A1-subjects",
       {.what = "the same where it is known whom tokens may name",
        .per_second = 10.1,
        .prepare = TheOneThatSigns,
        .forge = Sequential,
        .bound_s = 150,
        .bound_served = 1500,
        .subjects = true}},
      {"A1-enforce",
       {.what = "the same where gateways enforce",
        .per_second = 10.1,
        .prepare = TheOneThatSigns,
        .forge = Sequential,
        .bound_s = 150,
        .bound_served = 0,
        .enforce = true}},
      {"A2",
       {.what = "by a copy of the standby key, which signs nothing yet",
        .per_second = 10.1,
        .prepare = TheStandby,
        .forge = Sequential,
        .bound_s = 20,
        .bound_served = 200}},
      {"B",
       {.what = "slowly, for people who are there, claims and jti copied",
        .per_second = 0.05,
        .longest = absl::Hours(1),
        .prepare = TheOneThatSigns,
        .forge = Adaptive,
        .bound_s = 190,
        .bound_served = 10}},
      {"C",
       {.what = "five tokens for five people",
        .per_second = 1,
        .most = 5,
        .prepare = TheOneThatSigns,
        .forge = Adaptive,
        .bound_s = 150,
        .bound_served = 5}},
      {"D",
       {.what = "by a key that was revoked, dated when it still signed",
        .per_second = 1,
        .prepare = TheOneThatSigns,
        .forge =
            [](House& house, Traffic& traffic,
               const std::vector<Thief>& thieves, int64_t number) {
              if (number == 0) {  // its copy was taken before
                Must(house.keys.Revoke(
                    house.admin,
                    {.issuer = house.shop,
                     .key = house.MustFindKey(domain::KeyState::kActive).id,
                     .reason = domain::RevocationReason::kCompromised}));
              }
              return thieves[0].Forge(house, traffic.Subject(),
                                      house.time.TimeNow() - absl::Minutes(5),
                                      kAudience, absl::StrCat("d", number));
            },
        .bound_s = 20,
        .bound_served = 0}},
      {"E",
       {.what = "by copies of both keys that are published",
        .per_second = 10.1,
        .prepare = Both,
        .forge = Sequential,
        .bound_s = 150,
        .bound_served = 1500}},
      {"F",
       {.what = "for another audience than the key's tokens are for",
        .per_second = 1,
        .prepare = TheOneThatSigns,
        .forge =
            [](House& house, Traffic& traffic,
               const std::vector<Thief>& thieves, int64_t number) {
              return thieves[0].Forge(house, traffic.Subject(),
                                      house.time.TimeNow(), kOtherAudience,
                                      absl::StrCat("f", number));
            },
        .bound_s = 20,
        .bound_served = 0}}};
  return *kAttacks;
}

void NoteAlarms(House& house, const std::vector<domain::Key>& stolen,
                double since_first_s, Outcome& outcome) {
  outcome.detectors.clear();
  outcome.false_alarms = outcome.false_pages = 0;
  auto alarms = house.Alarms();
  std::reverse(alarms.begin(), alarms.end());
  for (const domain::Alarm& alarm : alarms) {
    const bool is_his = std::any_of(
        stolen.begin(), stolen.end(),
        [&](const domain::Key& key) { return key.id.value() == alarm.kid; });
    const bool page = alarm.severity == domain::AlarmSeverity::kPage;
    if (!is_his) {
      ++outcome.false_alarms;
      outcome.false_pages += page ? 1 : 0;
      continue;
    }
    outcome.detectors.emplace_back(domain::AlarmKindName(alarm.kind));
    if (!outcome.ticket_s) {
      outcome.ticket_s = since_first_s;
      outcome.ticket_after = outcome.forged;
    }
    if (page && !outcome.page_s) {
      outcome.page_s = since_first_s;
      outcome.page_after = outcome.forged;
    }
  }
}

// Drains what was stolen, and looks at what it does to either side.
void Drain(House& house, Traffic& traffic,
           const std::vector<domain::Key>& stolen, const Attack& attack,
           const std::vector<Thief>& thieves, Outcome& outcome) {
  const std::vector<std::string> alive(
      traffic.recent().end() -
          std::min<std::ptrdiff_t>(std::ssize(traffic.recent()), 60),
      traffic.recent().end());
  const std::string forged =
      attack.forge(house, traffic, thieves, outcome.forged);
  house.gateway(0).Accepts(forged);  // and remembered there
  for (const domain::Key& key : stolen) {
    Must(house.keys.Drain(house.admin, house.shop, key.id));
  }
  int64_t logged_out = 0;
  for (const std::string& token : alive) {
    for (size_t number = 0; number < kGateways; ++number) {
      logged_out += house.gateway(number).Accepts(token) ? 0 : 1;
    }
  }
  int64_t let_in = 0;
  for (size_t number = 0; number < kGateways; ++number) {
    let_in += house.gateway(number).Accepts(forged) ? 1 : 0;
  }
  outcome.extra["drained_honest"] = std::ssize(alive) * kGateways;
  outcome.extra["drained_honest_refused"] = logged_out;
  outcome.extra["drained_forged_let_in"] = let_in;
}

void LoadEverybody(House& house) {
  bool more = true;
  const auto source =
      [&](std::vector<std::string>& subjects) -> absl::StatusOr<bool> {
    if (std::exchange(more, false)) {
      subjects = Traffic::Everybody();
      return true;
    }
    return false;
  };
  Must(house.subjects.Load(house.admin, house.shop, false, source));
}

// Of what gateways had to know, how much did they hold?
void NoteAnswers(House& house, Outcome& outcome) {
  int64_t answered = 0, asked = 0;
  for (const auto& gateway : house.gateways) {
    answered += gateway->held().answered;
    asked += gateway->held().asked;
  }
  outcome.extra["answered_by_what_is_held"] = answered;
  outcome.extra["asked_of_the_server"] = asked;
}

Outcome Run(const std::string& name, const Attack& attack,
            const Settings& settings) {
  Outcome outcome;
  outcome.name = name;
  outcome.what = attack.what;
  outcome.bound_s = attack.bound_s;
  outcome.bound_served = attack.bound_served;
  SimulatedClock clock(absl::FromUnixSeconds(1'800'003'600));
  House house(clock, attack.blind);
  outcome.should_detect = !attack.blind;
  // A day of honest tokens is too few to be in the way: ten times the rate.
  Traffic traffic(settings.seed, settings.tokens_per_day);
  for (const auto& gateway : house.gateways) gateway->Enforce(attack.enforce);
  house.TellGateways();
  if (attack.subjects) LoadEverybody(house);
  const std::vector<domain::Key> stolen = attack.prepare(house);
  std::vector<Thief> thieves;
  for (const domain::Key& key : stolen) thieves.emplace_back(house, key);
  for (absl::Duration left = kWarmUp; left > absl::ZeroDuration();
       left -= kStep) {
    traffic.Step(house, 10);
    house.Pass(kStep);
  }

  const absl::Time start = clock.TimeNow();
  std::optional<absl::Time> first;
  absl::Time until = start + attack.longest;
  double due = 1;  // the first at once
  while (clock.TimeNow() < until) {
    for (; due >= 1 && outcome.forged < attack.most; --due) {
      const std::string token =
          attack.forge(house, traffic, thieves, outcome.forged);
      if (!first) first = clock.TimeNow();
      ++outcome.forged;
      const bool let_in = house.gateway(traffic.Draw(kGateways)).Accepts(token);
      if (let_in && !outcome.page_s) ++outcome.served;
    }
    due += attack.per_second * absl::ToDoubleSeconds(kStep);
    traffic.Step(house, 10);
    house.Pass(kStep);
    const bool woken = outcome.page_s.has_value();
    NoteAlarms(house, stolen, absl::ToDoubleSeconds(clock.TimeNow() - *first),
               outcome);
    if (!woken && outcome.page_s) {
      until = std::min(until, clock.TimeNow() + kAfterwards);
    }
    if (outcome.forged >= attack.most && outcome.detected()) {
      until = std::min(until, clock.TimeNow() + kAfterwards);
    }
  }
  if (attack.drain) {
    Drain(house, traffic, stolen, attack, thieves, outcome);
  }
  if (attack.enforce) NoteAnswers(house, outcome);
  outcome.honest = traffic.shown();
  outcome.honest_refused = traffic.refused();
  return outcome;
}

Outcome Totals(const Settings& settings) {
  const TotalsOutcome totals = WatchTotals(settings.seed, 200);
  Outcome outcome;
  outcome.name = "totals";
  outcome.what = "A1 with no ledger: hourly totals alone";
  outcome.should_detect = false;
  outcome.extra = {{"detected_share_of_runs", totals.detected_share},
                   {"by_chance", totals.by_chance},
                   {"attack_per_second", totals.attack_per_second},
                   {"honest_per_day", totals.base_per_day},
                   {"days", totals.days}};
  // More often than not.
  if (totals.detected_share > 0.5) outcome.ticket_s = totals.days * 86400;
  return outcome;
}

template <typename T>
Json Maybe(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

}  // namespace

bool Outcome::good() const {
  if (detected() != should_detect) return false;
  if (false_alarms > 0 || (name != "D" && honest_refused > 0)) return false;
  if (!should_detect) return true;
  if (bound_s && *ticket_s > *bound_s) return false;
  if (bound_served && served > *bound_served) return false;
  return extra.value("drained_honest_refused", 0) == 0 &&
         extra.value("drained_forged_let_in", 0) == 0;
}

Json Outcome::ToJson() const {
  Json json = {{"case", name},
               {"what", what},
               {"good", good()},
               {"should_detect", should_detect},
               {"detected", detected()},
               {"detectors", detectors},
               {"forged", forged},
               {"served", served},
               {"ticket_after", Maybe(ticket_after)},
               {"ticket_s", Maybe(ticket_s)},
               {"page_after", Maybe(page_after)},
               {"page_s", Maybe(page_s)},
               {"bound_s", Maybe(bound_s)},
               {"bound_served", Maybe(bound_served)},
               {"false_alarms", false_alarms},
               {"false_pages", false_pages},
               {"honest", honest},
               {"honest_refused", honest_refused}};
  json.update(extra);
  return json;
}

std::vector<std::string> CaseNames() {
  std::vector<std::string> names;
  for (const auto& [name, attack] : Attacks()) names.push_back(name);
  names.emplace_back("G");
  names.emplace_back("totals");
  return names;
}

std::optional<Outcome> Play(const std::string& name, const Settings& settings) {
  if (name == "G") return PlayBenign(settings);
  if (name == "totals") return Totals(settings);
  const auto attack = Attacks().find(name);
  if (attack == Attacks().end()) return std::nullopt;
  return Run(name, attack->second, settings);
}

}  // namespace warder::incident

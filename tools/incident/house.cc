#include "tools/incident/house.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/base64url.h"
#include "server/base/log.h"
#include "server/jose/jwk.h"
#include "tools/benchmarks/report.h"

namespace warder::incident {

using bench::Must;

namespace {

constexpr absl::Duration kAges = absl::Hours(24 * 365);
constexpr absl::Duration kLived = absl::Hours(2);  // past any token's end

absl::Duration UsualSkew(int number) { return absl::Seconds(number % 5 - 2); }

void MustBeOk(const absl::Status& status) {
  if (status.ok()) return;
  std::cerr << status << "\n";
  exit(1);
}

IssuerId IdOf(absl::string_view name) {
  return IssuerId(std::string(name.substr(name.find('/') + 1)));
}

domain::AlarmKind KindOf(client::TokenViolation violation) {
  switch (violation) {
    case client::TokenViolation::kDeadKey: return domain::AlarmKind::kDeadKey;
    case client::TokenViolation::kLifetime: return domain::AlarmKind::kLifetime;
    case client::TokenViolation::kAudience: return domain::AlarmKind::kAudience;
    case client::TokenViolation::kFutureIat:
      return domain::AlarmKind::kFutureIat;
    case client::TokenViolation::kNeverIssued: break;
    case client::TokenViolation::kUnknownSubject:
      return domain::AlarmKind::kUnknownSubject;
  }
  return domain::AlarmKind::kNeverIssued;
}

}  // namespace

Gateway::Gateway(House& house, int number, absl::Duration skew)
    : house_(house), skew_(skew), held_(*this, this) {
  request_.caller = {app::Role::kGateway, absl::StrCat("edge-", number)};
  client::VerifierOptions options;
  options.audiences = {kAudience};
  options.cached_tokens = 10'000;
  options.max_staleness = absl::Hours(24);
  options.observer = this;
  options.issuance = &held_;
  options.subjects = this;
  verifier_ = std::make_unique<client::Verifier>(options, house.time);
}

void Gateway::Apply(const app::IssuerSnapshot& snapshot) {
  client::PublishedSet set;
  set.issuer = IssuerName(snapshot.id);
  set.issuer_uri = snapshot.issuer_uri;
  set.revision = snapshot.revision;
  set.jwks = snapshot.key_set;
  set.max_token_lifetime = snapshot.max_token_lifetime;
  for (const KeyId& id : snapshot.ledger_required) {
    set.ledger_required.push_back(id.value());
  }
  for (const KeyId& id : snapshot.ledger_asked) {
    set.ledger_asked.push_back(id.value());
  }
  if (enforce_) set.issuance_mode = client::IssuanceMode::kEnforce;
  MustBeOk(verifier_->Apply(set));
  verifier_->Confirm();
}

bool Gateway::Accepts(const std::string& token) {
  if (!cut_off_) verifier_->Confirm();
  return verifier_->Verify(token, house_.time.TimeNow() + skew_).ok();
}

void Gateway::Accepted(const client::SeenToken& token) {
  seen_.push_back({IdOf(token.issuer), std::string(token.kid),
                   std::string(token.signing_input),
                   ledger::MinuteOf(token.issue_time)});
}

void Gateway::Refused(const client::SeenToken& token,
                      client::TokenViolation violation) {
  violations_.push_back({.issuer = IdOf(token.issuer),
                         .kind = KindOf(violation),
                         .signing_input = std::string(token.signing_input),
                         .signature_valid = true,
                         .seen_time = house_.time.TimeNow() + skew_,
                         .source = ""});
}

client::Issuance Gateway::Check(const client::SeenToken& token) {
  if (cut_off_) return client::Issuance::kIndeterminate;
  const app::CheckIssuedCommand command{
      .issuer = IdOf(token.issuer),
      .token = std::string(token.signing_input),
      .source = ""};
  const auto answer = house_.checker.Check(request_, command);
  if (!answer.ok()) return client::Issuance::kIndeterminate;
  switch (answer->verdict) {
    case ledger::Verdict::kIssued: return client::Issuance::kIssued;
    case ledger::Verdict::kNeverIssued:
      MustBeOk(house_.observations.RaiseForged(request_, command));
      return client::Issuance::kNeverIssued;
    case ledger::Verdict::kIndeterminate: break;
  }
  return client::Issuance::kIndeterminate;
}

bool Gateway::IsUnknown(absl::string_view issuer,
                        absl::string_view subject) const {
  return house_.subject_sets->IsUnknown(IdOf(issuer), subject);
}

void Gateway::Fetch() {
  if (cut_off_ || !enforce_) return;
  const std::string issuer = IssuerName(house_.shop);
  held_.ForgetBefore(issuer, ledger::MinuteOf(house_.time.TimeNow() - kLived));
  bool more = true;
  while (more) {
    const auto holding = held_.HoldingOf(issuer);
    const auto handout = Must(house_.checker.HandOut(
        request_, house_.shop, holding.ledger, holding.files));
    more = handout.more;
    MustBeOk(held_.Take(issuer, house_.checker.ledger_id(), handout));
  }
  for (const uint32_t hour : held_.HoursLacking(issuer)) {
    held_.TakeSecret(issuer, hour, house_.ledger->SecretOf(house_.shop, hour));
  }
}

void Gateway::Report(bool again) {
  if (cut_off_) return;
  app::ObservationReport report;
  report.instance = report.incarnation = "replay";
  report.sequence = ++sequence_;
  std::map<std::tuple<std::string, std::string, uint32_t>, app::ObservedTokens>
      grouped;
  std::map<uint64_t, const Seen*> by_digest;
  for (const Seen& seen : seen_) {
    const uint64_t digest =
        house_.ledger->SecretOf(seen.issuer, seen.minute / 60)
            .Of(seen.minute)
            .DigestOf(seen.signing_input);
    app::ObservedTokens& tokens =
        grouped[{seen.issuer.value(), seen.kid, seen.minute}];
    tokens.issuer = seen.issuer;
    tokens.kid = seen.kid;
    tokens.minute = seen.minute;
    tokens.digests.push_back(digest);
    by_digest[digest] = &seen;
  }
  for (auto& [place, tokens] : grouped) {
    report.tokens.push_back(std::move(tokens));
  }
  if (violations_.size() > app::ObservationIntake::kMostViolations) {
    report.dropped =
        std::ssize(violations_) -
        static_cast<int64_t>(app::ObservationIntake::kMostViolations);
    violations_.resize(app::ObservationIntake::kMostViolations);
  }
  report.violations = std::exchange(violations_, {});
  const auto answer = Must(house_.observations.Take(request_, report));
  if (again) Must(house_.observations.Take(request_, report));
  // What was never issued is shown, with the next report.
  for (const uint64_t digest : answer.never_issued) {
    const Seen& seen = *by_digest.at(digest);
    violations_.push_back({.issuer = seen.issuer,
                           .kind = domain::AlarmKind::kNeverIssued,
                           .signing_input = seen.signing_input,
                           .signature_valid = true,
                           .seen_time = house_.time.TimeNow(),
                           .source = ""});
  }
  seen_.clear();
}

House::House(SimulatedClock& simulated, bool blind)
    : InProcess(blind ? -kAges : absl::Hours(2), simulated),
      time(simulated),
      gateway_manager(runner, directory_of_gateways),
      keys(runner),
      checker(runner, directory_of_gateways, *ledger),
      subjects(runner, random, checker, *subject_sets),
      alarms(runner),
      books(runner, *ledger, usage),
      observations(runner, directory_of_gateways, checker, *ledger,
                   *subject_sets, books, alarms),
      ledger_loop(runner, *ledger, &observations),
      rotation(runner, departures, {}),
      rotated_(simulated.TimeNow()) {
  SetLogLevel(LogLevel::kError);
  checkout.caller = {app::Role::kSigner, "checkout"};
  for (int number = 0; number < kGateways; ++number) {
    domain::Gateway gateway;
    gateway.id = GatewayId(absl::StrCat("edge-", number));
    gateway.consumer = "libwarder";
    gateway.reach = domain::Reach::kStream;
    gateway.issuers = {shop};
    Must(gateway_manager.Create(admin, gateway));
    gateways.push_back(
        std::make_unique<Gateway>(*this, number, UsualSkew(number)));
  }
  publisher.SetListener([this](const IssuerId&) { TellGateways(); });
  TellGateways();
}

void House::TellGateways() {
  const app::SnapshotPtr snapshot = publisher.Find(shop.value());
  for (const auto& gateway : gateways) gateway->Apply(*snapshot);
}

void House::Pass(absl::Duration by, bool duplicate_reports) {
  for (absl::Duration left = by; left > absl::ZeroDuration(); left -= kStep) {
    time.AdvanceTime(std::min(left, kStep));
    if (time.TimeNow() - rotated_ >= absl::Minutes(1)) {
      rotated_ = time.TimeNow();
      rotation.Tick();
    }
    for (const auto& gateway : gateways) {
      gateway->Report(duplicate_reports);
      gateway->Fetch();
    }
    ledger_loop.Tick();
  }
}

std::string House::Issue(const std::string& subject,
                         const std::string& audience) {
  app::SignJwtCommand command;
  command.issuer = shop;
  command.audiences = {audience};
  command.subject = subject;
  return Must(signer.Sign(checkout, command)).token;
}

std::vector<domain::Alarm> House::Alarms() {
  std::vector<domain::Alarm> all;
  app::PageRequest page;
  page.size = 1000;
  auto answer = Must(alarms.List(admin, page, /*open_only=*/false));
  return std::move(answer.items);
}

domain::Key House::MustFindKey(domain::KeyState state) {
  app::KeyFilter filter;
  filter.issuer = shop;
  filter.state = state;
  app::PageRequest page;
  page.size = 100;
  const auto found = Must(keys.List(admin, filter, page));
  if (found.items.empty()) {
    std::cerr << "no key is " << domain::KeyStateName(state) << "\n";
    exit(1);
  }
  return found.items.back();
}

crypto::PrivateKey House::Steal(const domain::Key& key) {
  const SecretBytes der = Must(
      sealer.Unseal(key.sealed, vault::KeyBinding(key.issuer, key.id.value())));
  return Must(
      crypto::PrivateKey::FromPkcs8(der.span(), crypto::KeyType::kP256));
}

std::string Thief::Forge(House& house, const std::string& subject,
                         absl::Time issued, const std::string& audience,
                         const std::string& token_id) const {
  const int64_t seconds = absl::ToUnixSeconds(issued);
  const std::string uri = house.publisher.Find("shop")->issuer_uri;
  const std::string input = absl::StrCat(
      Base64UrlEncode(
          WriteJson({{"alg", "ES256"}, {"kid", kid_}, {"typ", "JWT"}})),
      ".",
      Base64UrlEncode(WriteJson({{"iss", uri},
                                 {"aud", audience},
                                 {"sub", subject},
                                 {"iat", seconds},
                                 {"exp", seconds + 900},
                                 {"jti", token_id}})));
  return absl::StrCat(input, ".",
                      Base64UrlEncode(Must(key_.Sign(
                          crypto::SignatureScheme::kEcdsaSha256, input))));
}

}  // namespace warder::incident

#include "server/base/metrics.h"

#include "absl/strings/str_cat.h"
#include "prometheus/counter.h"
#include "prometheus/family.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"
#include "prometheus/text_serializer.h"

namespace warder {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;

namespace {

prometheus::Family<prometheus::Counter>& CounterFamily(
    prometheus::Registry& registry, const char* name, const char* help) {
  return BuildCounter().Name(name).Help(help).Register(registry);
}

prometheus::Gauge& OneGauge(prometheus::Registry& registry, const char* name,
                            const char* help) {
  return BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

// The bucket bounds OpenTelemetry names for rpc.server.call.duration.
const prometheus::Histogram::BucketBoundaries& Buckets() {
  static const auto& bounds = *new prometheus::Histogram::BucketBoundaries{
      0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075,
      0.1,    0.25,  0.5,    0.75,  1,    2.5,   5,    10};
  return bounds;
}

// From a stream's milliseconds to caches of a day.
const prometheus::Histogram::BucketBoundaries& ConfirmationBuckets() {
  static const auto& bounds = *new prometheus::Histogram::BucketBoundaries{
      0.01, 0.025, 0.05, 0.1,  0.25, 0.5,  1,     5,     15,   60,
      300,  600,   900,  1800, 3600, 7200, 14400, 43200, 86400};
  return bounds;
}

}  // namespace

struct Metrics::Series {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& rpcs = CounterFamily(
      registry, "warder_rpc_requests_total", "Calls answered, by status code.");
  prometheus::Family<prometheus::Histogram>& rpc_seconds =
      BuildHistogram()
          .Name("warder_rpc_duration_seconds")
          .Help("Time to answer a call.")
          .Register(registry);
  prometheus::Family<prometheus::Counter>& key_sets =
      CounterFamily(registry, "warder_key_set_requests_total",
                    "Requests on the public door, by HTTP status.");
  const std::pair<int, prometheus::Counter*> usual_statuses[3] = {
      {200, &key_sets.Add({{"status", "200"}})},
      {304, &key_sets.Add({{"status", "304"}})},
      {404, &key_sets.Add({{"status", "404"}})}};
  prometheus::Family<prometheus::Counter>& signs =
      CounterFamily(registry, "warder_sign_operations_total",
                    "Tokens signed or refused by the vault.");
  prometheus::Family<prometheus::Counter>& alarms =
      CounterFamily(registry, "warder_alarms_total",
                    "Alarms that were opened, or became a page.");
  prometheus::Family<prometheus::Counter>& observations =
      CounterFamily(registry, "warder_observations_total",
                    "Tokens that gateways reported, where something is wrong.");
  prometheus::Gauge& ledger_tokens =
      OneGauge(registry, "warder_ledger_tokens",
               "Tokens that the ledger holds in memory.");
  prometheus::Gauge& ledger_files =
      OneGauge(registry, "warder_ledger_files", "Files of the ledger.");
  prometheus::Gauge& ledger_incomplete =
      OneGauge(registry, "warder_ledger_incomplete_minutes",
               "Minutes of which the ledger may lack some tokens.");
  prometheus::Family<prometheus::Counter>& revocations = CounterFamily(
      registry, "warder_revocations_total", "Keys revoked, by reason.");
  prometheus::Counter& denials =
      CounterFamily(registry, "warder_denials_total",
                    "Calls refused because of who the caller is.")
          .Add({});
  prometheus::Counter& held =
      CounterFamily(registry, "warder_departures_held_total",
                    "Departures that wait because too many came at once.")
          .Add({});
  prometheus::Family<prometheus::Gauge>& silent =
      BuildGauge()
          .Name("warder_feed_silent")
          .Help("1 while an HR feed has not been heard of for too long.")
          .Register(registry);
  prometheus::Family<prometheus::Gauge>& deliveries =
      BuildGauge()
          .Name("warder_deliveries")
          .Help("Events that a subscription has not been told of yet.")
          .Register(registry);
  prometheus::Family<prometheus::Counter>& delivery_attempts =
      CounterFamily(registry, "warder_delivery_attempts_total",
                    "Attempts to tell a subscription of an event.");
  prometheus::Family<prometheus::Counter>& security_events =
      CounterFamily(registry, "warder_security_events_total",
                    "Security Event Tokens that transmitters sent.");
  prometheus::Family<prometheus::Counter>& hr =
      CounterFamily(registry, "warder_hr_requests_total",
                    "Requests on the HR door, by HTTP status.");
  prometheus::Family<prometheus::Histogram>& confirmation_seconds =
      BuildHistogram()
          .Name("warder_confirmation_seconds")
          .Help("From a revocation until a gateway had fetched or enforced it.")
          .Register(registry);
  prometheus::Gauge& confirmations_overdue =
      OneGauge(registry, "warder_confirmations_overdue",
               "Gateways that should refuse a revoked key and are not known "
               "to.");
  prometheus::Family<prometheus::Gauge>& revision_lag =
      BuildGauge()
          .Name("warder_gateway_revision_lag")
          .Help("Changes of key sets that a gateway is not known to hold.")
          .Register(registry);
  prometheus::Family<prometheus::Gauge>& keys = BuildGauge()
                                                    .Name("warder_keys")
                                                    .Help("Keys by state.")
                                                    .Register(registry);
  prometheus::Gauge& since_rotation =
      OneGauge(registry, "warder_seconds_since_last_rotation",
               "Seconds since a key of any issuer last began to sign.");
  prometheus::Gauge& lag =
      OneGauge(registry, "warder_rotation_loop_lag_seconds",
               "How late the oldest due action is.");
  prometheus::Counter& loop_failures =
      CounterFamily(registry, "warder_rotation_loop_failures_total",
                    "Due actions that failed and will be tried again.")
          .Add({});
  prometheus::Gauge& store = OneGauge(registry, "warder_store_available",
                                      "1 while the database answers.");
  prometheus::Family<prometheus::Gauge>& certificate =
      BuildGauge()
          .Name("warder_public_certificate_expire_time_seconds")
          .Help("When the public door's certificate ends, since 1970.")
          .Register(registry);
  prometheus::Gauge& overdue =
      OneGauge(registry, "warder_owners_overdue",
               "Owners whom nobody has confirmed for too long.");
  prometheus::Gauge& suspensions_held =
      OneGauge(registry, "warder_suspensions_held",
               "Unconfirmed owners who wait for a word, being too many at "
               "once.");
  prometheus::Gauge& orphaned =
      OneGauge(registry, "warder_issuers_without_living_owner",
               "Issuers whose owner and deputies have all departed.");
};

Metrics::Metrics() : series_(std::make_unique<Series>()) {
  series_->store.Set(1);
}
Metrics::~Metrics() = default;

void Metrics::CountRpc(absl::string_view method, absl::string_view code,
                       absl::Duration took) {
  const std::string name(method);
  series_->rpcs.Add({{"method", name}, {"code", std::string(code)}})
      .Increment();
  series_->rpc_seconds.Add({{"method", name}}, Buckets())
      .Observe(absl::ToDoubleSeconds(took));
}

void Metrics::CountKeySetRequest(int status) {
  // The usual answers have their series at hand: this door is the busiest.
  for (const auto& [known, counter] : series_->usual_statuses) {
    if (known == status) return counter->Increment();
  }
  series_->key_sets.Add({{"status", absl::StrCat(status)}}).Increment();
}

void Metrics::CountSign(absl::string_view algorithm, bool ok) {
  series_->signs
      .Add({{"algorithm", std::string(algorithm)},
            {"result", ok ? "ok" : "refused"}})
      .Increment();
}

void Metrics::SetLedger(int64_t tokens, int64_t files,
                        int64_t incomplete_minutes) {
  series_->ledger_tokens.Set(static_cast<double>(tokens));
  series_->ledger_files.Set(static_cast<double>(files));
  series_->ledger_incomplete.Set(static_cast<double>(incomplete_minutes));
}

void Metrics::CountAlarm(absl::string_view kind, absl::string_view severity) {
  series_->alarms
      .Add({{"kind", std::string(kind)}, {"severity", std::string(severity)}})
      .Increment();
}

void Metrics::CountObservations(int64_t never_issued, int64_t not_judged,
                                int64_t dropped) {
  const auto count = [&](const char* result, int64_t tokens) {
    series_->observations.Add({{"result", result}})
        .Increment(static_cast<double>(tokens));
  };
  count("never_issued", never_issued);
  count("not_judged", not_judged);
  count("dropped", dropped);
}

void Metrics::CountRevocation(absl::string_view reason) {
  series_->revocations.Add({{"reason", std::string(reason)}}).Increment();
}

void Metrics::CountDenial() { series_->denials.Increment(); }

void Metrics::SetKeysByState(const std::map<std::string, int64_t>& counts) {
  for (const auto& [state, count] : counts) {
    series_->keys.Add({{"state", state}}).Set(static_cast<double>(count));
  }
}

void Metrics::SetSinceLastRotation(absl::Duration since) {
  series_->since_rotation.Set(absl::ToDoubleSeconds(since));
}

void Metrics::SetLoopLag(absl::Duration lag) {
  series_->lag.Set(absl::ToDoubleSeconds(lag));
}

void Metrics::CountLoopFailure() { series_->loop_failures.Increment(); }

void Metrics::SetStoreAvailable(bool available) {
  series_->store.Set(available ? 1 : 0);
}

void Metrics::SetCertificateExpiry(absl::Time expires) {
  series_->certificate.Add({}).Set(
      static_cast<double>(absl::ToUnixSeconds(expires)));
}

void Metrics::SetOrphanedIssuers(int64_t count) {
  series_->orphaned.Set(static_cast<double>(count));
}

void Metrics::SetOverdueOwners(int64_t count) {
  series_->overdue.Set(static_cast<double>(count));
}

void Metrics::SetHeldSuspensions(int64_t count) {
  series_->suspensions_held.Set(static_cast<double>(count));
}

void Metrics::ObserveConfirmation(absl::string_view state,
                                  absl::Duration took) {
  series_->confirmation_seconds
      .Add({{"state", std::string(state)}}, ConfirmationBuckets())
      .Observe(absl::ToDoubleSeconds(took));
}

void Metrics::SetOverdueConfirmations(int64_t count) {
  series_->confirmations_overdue.Set(static_cast<double>(count));
}

void Metrics::SetRevisionLag(absl::string_view gateway, int64_t lag) {
  series_->revision_lag.Add({{"gateway", std::string(gateway)}})
      .Set(static_cast<double>(lag));
}

void Metrics::CountHeldDeparture() { series_->held.Increment(); }

void Metrics::SetFeedSilent(absl::string_view feed, bool silent) {
  series_->silent.Add({{"feed", std::string(feed)}}).Set(silent ? 1 : 0);
}

void Metrics::SetDeliveries(absl::string_view subscription, int64_t waiting,
                            int64_t dead) {
  const std::string name(subscription);
  series_->deliveries.Add({{"subscription", name}, {"state", "waiting"}})
      .Set(static_cast<double>(waiting));
  series_->deliveries.Add({{"subscription", name}, {"state", "dead"}})
      .Set(static_cast<double>(dead));
}

void Metrics::CountDeliveryAttempt(absl::string_view subscription, bool told) {
  series_->delivery_attempts
      .Add({{"subscription", std::string(subscription)},
            {"result", told ? "told" : "failed"}})
      .Increment();
}

void Metrics::CountSecurityEvent(absl::string_view feed,
                                 absl::string_view result) {
  series_->security_events
      .Add({{"feed", std::string(feed)}, {"result", std::string(result)}})
      .Increment();
}

void Metrics::CountHrRequest(absl::string_view method, int status) {
  // Methods are a closed set, whatever strangers send.
  bool known = false;
  for (const char* name : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}) {
    known = known || method == name;
  }
  series_->hr
      .Add({{"method", known ? std::string(method) : "other"},
            {"status", absl::StrCat(status)}})
      .Increment();
}

std::string Metrics::Text() const {
  return prometheus::TextSerializer().Serialize(series_->registry.Collect());
}

}  // namespace warder

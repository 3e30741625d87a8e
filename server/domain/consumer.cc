#include "server/domain/consumer.h"

#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/base/time_text.h"

namespace warder::domain {

// Generated from consumers.json.
extern const char* const kConsumersJson;

namespace {

std::string OptionalText(const Json& row, const char* member) {
  const auto it = row.find(member);
  return it != row.end() && it->is_string() ? it->get<std::string>() : "";
}

absl::StatusOr<absl::Duration> DurationOf(const Json& row, const char* member) {
  ASSIGN_OR_RETURN(const std::string text, JsonString(row, member));
  return ParseDuration(text);
}

absl::StatusOr<bool> BoolOf(const Json& row, const char* member) {
  const auto it = row.find(member);
  if (it == row.end() || !it->is_boolean()) {
    return FieldError(member, "true or false is wanted");
  }
  return it->get<bool>();
}

std::optional<int64_t> NumberOf(const Json& row, const char* member) {
  const auto it = row.find(member);
  if (it == row.end() || !it->is_number_integer()) return std::nullopt;
  return it->get<int64_t>();
}

absl::StatusOr<CacheBound> BoundOf(const Json& row, const char* member) {
  const auto it = row.find(member);
  if (it == row.end() || !it->is_object() || it->size() != 1) {
    return FieldError(member, "an object of one member is wanted");
  }
  CacheBound bound;
  const std::string kind = it->begin().key();
  if (kind == "within") {
    bound.kind = CacheBound::Kind::kWithin;
    ASSIGN_OR_RETURN(bound.time, DurationOf(*it, "within"));
  } else if (kind == "max_age_or") {
    bound.kind = CacheBound::Kind::kMaxAge;
    ASSIGN_OR_RETURN(bound.time, DurationOf(*it, "max_age_or"));
  } else if (kind == "token_expiry") {
    bound.kind = CacheBound::Kind::kTokenExpiry;
  } else if (kind == "unbounded") {
    ASSIGN_OR_RETURN(bound.why, JsonString(*it, "unbounded"));
  } else {
    return FieldError(member, absl::StrCat("\"", kind, "\" is no bound"));
  }
  return bound;
}

absl::StatusOr<UnknownKid> UnknownKidOf(const Json& row) {
  ASSIGN_OR_RETURN(const std::string text, JsonString(row, "unknown_kid"));
  if (text == "ignored") return UnknownKid::kIgnored;
  if (text == "replaces") return UnknownKid::kReplaces;
  if (text == "adds") return UnknownKid::kAdds;
  return FieldError("unknown_kid", absl::StrCat("\"", text, "\""));
}

absl::StatusOr<Consumer> RowOf(const Json& row) {
  Consumer made;
  ASSIGN_OR_RETURN(made.id, JsonString(row, "id"));
  ASSIGN_OR_RETURN(made.name, JsonString(row, "name"));
  ASSIGN_OR_RETURN(made.versions, JsonString(row, "versions"));
  ASSIGN_OR_RETURN(made.default_cache, DurationOf(row, "default_cache"));
  made.cache_setting = OptionalText(row, "cache_setting");
  ASSIGN_OR_RETURN(made.healthy, BoundOf(row, "healthy"));
  ASSIGN_OR_RETURN(made.down, BoundOf(row, "down"));
  ASSIGN_OR_RETURN(made.unknown_kid, UnknownKidOf(row));
  if (row.contains("cooldown")) {
    ASSIGN_OR_RETURN(made.cooldown, DurationOf(row, "cooldown"));
  }
  ASSIGN_OR_RETURN(made.reads_eddsa, BoolOf(row, "reads_eddsa"));
  ASSIGN_OR_RETURN(made.unknown_key_refuses_set,
                   BoolOf(row, "unknown_key_refuses_set"));
  if (row.contains("acknowledges")) {
    ASSIGN_OR_RETURN(made.acknowledges, BoolOf(row, "acknowledges"));
  }
  made.max_keys = NumberOf(row, "max_keys");
  made.max_bytes = NumberOf(row, "max_bytes");
  made.notes = OptionalText(row, "notes");
  // Whose word it is and of when stands in every row, for people.
  RETURN_IF_ERROR(JsonString(row, "basis").status());
  RETURN_IF_ERROR(JsonString(row, "checked").status());
  RETURN_IF_ERROR(JsonString(row, "source").status());
  return made;
}

}  // namespace

absl::StatusOr<std::vector<Consumer>> ParseConsumers(absl::string_view json) {
  ASSIGN_OR_RETURN(const Json document,
                   ParseJsonObject(json, {.max_bytes = 1024 * 1024}));
  const auto rows = document.find("consumers");
  if (rows == document.end() || !rows->is_array()) {
    return FieldError("consumers", "an array is wanted");
  }
  std::vector<Consumer> made;
  for (const Json& row : *rows) {
    auto consumer = RowOf(row);
    if (!consumer.ok()) {
      return WithContext(consumer.status(),
                         absl::StrCat("consumers[", made.size(), "]"));
    }
    made.push_back(*std::move(consumer));
  }
  return made;
}

const std::vector<Consumer>& Consumers() {
  static const std::vector<Consumer>& table = *[] {
    auto parsed = ParseConsumers(kConsumersJson);
    // A test reads the same text; no input can cause this.
    if (!parsed.ok()) std::abort();
    return new std::vector<Consumer>(*std::move(parsed));
  }();
  return table;
}

const Consumer* FindConsumer(absl::string_view id) {
  for (const Consumer& consumer : Consumers()) {
    if (consumer.id == id) return &consumer;
  }
  return nullptr;
}

}  // namespace warder::domain

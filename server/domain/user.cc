#include "server/domain/user.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/base/error.h"

namespace warder::domain {

absl::string_view MatchRuleName(MatchRule rule) {
  switch (rule) {
    case MatchRule::kExternalId: return "external_id";
    case MatchRule::kUserName: return "user_name";
    case MatchRule::kEmail: return "email";
  }
  return "";
}

absl::StatusOr<MatchRule> ParseMatchRule(absl::string_view field,
                                         absl::string_view name) {
  for (const MatchRule rule :
       {MatchRule::kExternalId, MatchRule::kUserName, MatchRule::kEmail}) {
    if (MatchRuleName(rule) == name) return rule;
  }
  return FieldError(field, absl::StrCat("\"", name.substr(0, 40),
                                        "\" is not external_id, user_name or "
                                        "email"));
}

std::string FoldName(absl::string_view name) {
  return absl::AsciiStrToLower(name);
}

std::vector<std::string> MatchNames(const User& user, MatchRule rule) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (!name.empty()) names.push_back(FoldName(name));
  };
  switch (rule) {
    case MatchRule::kExternalId: add(user.external_id); break;
    case MatchRule::kUserName: add(user.user_name); break;
    case MatchRule::kEmail:
      for (const std::string& email : user.emails) add(email);
      break;
  }
  // Better this than nobody: a feed that sends no more means the name.
  if (names.empty()) add(user.user_name);
  return names;
}

bool HasLeft(const User& user, absl::Time now) {
  return !user.active || user.deleted ||
         (user.leave_time && *user.leave_time <= now);
}

std::string MatchName(const Owner& owner, MatchRule rule) {
  if (!owner.external_id.empty()) return FoldName(owner.external_id);
  return FoldName(rule == MatchRule::kEmail ? owner.contact : owner.id.value());
}

}  // namespace warder::domain

#include "server/http/scim/patch.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/base/status_macros.h"
#include "server/http/scim/document.h"
#include "server/http/scim/error.h"
#include "server/http/scim/filter.h"

namespace warder::http::scim {
namespace {

constexpr size_t kMostOperations = 100;

enum class Op { kAdd, kReplace, kRemove };

// "emails[type eq \"work\"].value"
struct Target {
  AttributePath path;
  std::optional<Filter> filter;
};

absl::StatusOr<Target> ParseTarget(absl::string_view text) {
  Target target;
  const size_t open = text.find('[');
  if (open == absl::string_view::npos) {
    ASSIGN_OR_RETURN(target.path, ParseAttributePath(text));
    return target;
  }
  const size_t close = text.rfind(']');
  if (close == absl::string_view::npos || close < open) {
    return ScimError(
        ScimType::kInvalidPath,
        absl::StrCat("path \"", text.substr(0, 80), "\": \"[\" without \"]\""));
  }
  ASSIGN_OR_RETURN(target.path, ParseAttributePath(text.substr(0, open)));
  ASSIGN_OR_RETURN(target.filter,
                   Filter::Parse(text.substr(open + 1, close - open - 1)));
  absl::string_view rest = text.substr(close + 1);
  if (rest.empty()) return target;
  const auto sub =
      rest[0] == '.'
          ? ParseAttributePath(rest.substr(1))
          : absl::StatusOr<AttributePath>(absl::InvalidArgumentError(""));
  if (!sub.ok() || !sub->sub.empty() || !target.path.sub.empty()) {
    return ScimError(ScimType::kInvalidPath,
                     absl::StrCat("path \"", text.substr(0, 80),
                                  "\": a sub-attribute is wanted after \"]\""));
  }
  target.path.sub = sub->attribute;
  return target;
}

absl::Status CheckMutable(const AttributePath& path, Op op) {
  if (!path.schema.empty()) return absl::OkStatus();
  for (const char* fixed : {"id", "meta", "groups", "schemas"}) {
    if (path.attribute == fixed) {
      return ScimError(ScimType::kMutability,
                       absl::StrCat(fixed, " is set by the service"));
    }
  }
  if (op == Op::kRemove &&
      (path.attribute == "userName" || path.attribute == "active")) {
    return ScimError(ScimType::kMutability,
                     absl::StrCat(path.attribute, " cannot be removed"));
  }
  return absl::OkStatus();
}

// Adds elements that are not there yet.
void Append(const Json& value, Json* list) {
  if (!list->is_array()) *list = Json::array();
  const auto add = [&](const Json& element) {
    if (std::find(list->begin(), list->end(), element) == list->end()) {
      list->push_back(element);
    }
  };
  if (value.is_array()) {
    for (const Json& element : value) add(element);
  } else {
    add(value);
  }
}

// Sets `value` at a name of `object`, in the way of `op`.
void Set(Op op, Json* object, const std::string& name, const Json& value) {
  if (!object->is_object()) return;  // a plain value has no parts
  Json* at = FindMember(*object, name);
  if (op == Op::kAdd && at != nullptr && at->is_array()) {
    return Append(value, at);
  }
  // Complex values are merged: what is not named stays (section 3.5.2.3).
  if (at != nullptr && at->is_object() && value.is_object()) {
    for (const auto& [key, inner] : value.items()) {
      Set(op, at, key, inner);
    }
    return;
  }
  if (at != nullptr) {
    *at = value;
  } else {
    (*object)[name] = value;
  }
}

void Erase(Json* object, const std::string& name) {
  if (!object->is_object()) return;
  for (auto it = object->begin(); it != object->end();) {
    it = absl::EqualsIgnoreCase(it.key(), name) ? object->erase(it)
                                                : std::next(it);
  }
}

// The object that holds the attribute of `path`; made where it is missing,
// unless `op` removes.
Json* HolderOf(const AttributePath& path, Op op, Json* document) {
  if (path.schema.empty()) return document;
  Json* extension = FindMember(*document, path.schema);
  if (extension != nullptr && extension->is_object()) return extension;
  if (op == Op::kRemove) return nullptr;
  Json& made = (*document)[path.schema];
  made = Json::object();
  return &made;
}

absl::Status ApplyFiltered(Op op, const Target& target, const Json& value,
                           Json* holder) {
  Json* list = FindMember(*holder, target.path.attribute);
  bool any = false;
  if (list != nullptr && list->is_array()) {
    for (auto it = list->begin(); it != list->end();) {
      if (!target.filter->Matches(*it)) {
        ++it;
        continue;
      }
      any = true;
      if (op == Op::kRemove && target.path.sub.empty()) {
        it = list->erase(it);
        continue;
      }
      if (op == Op::kRemove) {
        Erase(&*it, target.path.sub);
      } else if (target.path.sub.empty()) {
        if (it->is_object() && value.is_object()) {
          it->update(value);
        } else {
          *it = value;
        }
      } else {
        Set(Op::kReplace, &*it, target.path.sub, value);
      }
      ++it;
    }
  }
  if (any || op == Op::kRemove) return absl::OkStatus();
  // Providers add what is not there by the filter that would find it.
  Json made = Json::object();
  if (op == Op::kReplace || !target.filter->MakeMatch(made)) {
    return ScimError(ScimType::kNoTarget,
                     absl::StrCat("path: no value of ", target.path.attribute,
                                  " matches the filter"));
  }
  if (!target.path.sub.empty()) {
    made[target.path.sub] = value;
  } else if (value.is_object()) {
    made.update(value);
  }
  if (list == nullptr) list = &(*holder)[target.path.attribute];
  Append(made, list);
  return absl::OkStatus();
}

// "remove" with a value takes those elements out alone (Entra's dialect).
void RemoveValues(const AttributePath& path, const Json& value, Json* holder) {
  Json* list = FindMember(*holder, path.attribute);
  if (list == nullptr || !list->is_array() || !value.is_array()) {
    return Erase(holder, path.attribute);
  }
  for (const Json& gone : value) {
    const Json* wanted = FindMember(gone, "value");
    for (auto it = list->begin(); it != list->end();) {
      const Json* has = FindMember(*it, "value");
      const bool same = *it == gone || (wanted != nullptr && has != nullptr &&
                                        *wanted == *has);
      it = same ? list->erase(it) : std::next(it);
    }
  }
}

absl::Status ApplyAt(Op op, const Target& target, const Json& value,
                     Json* document) {
  RETURN_IF_ERROR(CheckMutable(target.path, op));
  if (target.path.attribute.empty() && target.path.schema.empty()) {
    return ScimError(ScimType::kInvalidPath,
                     absl::StrCat("\"", kCoreUser,
                                  "\" is the resource itself; name an "
                                  "attribute"));
  }
  if (target.path.attribute.empty()) {  // a whole extension
    if (op == Op::kRemove) {
      Erase(document, target.path.schema);
    } else {
      Set(op, document, target.path.schema, value);
    }
    return absl::OkStatus();
  }
  Json* holder = HolderOf(target.path, op, document);
  if (holder == nullptr) return absl::OkStatus();
  if (target.filter) return ApplyFiltered(op, target, value, holder);
  const std::string& name = target.path.attribute;
  if (op == Op::kRemove) {
    if (target.path.sub.empty()) {
      RemoveValues(target.path, value, holder);
    } else if (Json* at = FindMember(*holder, name)) {
      Erase(at, target.path.sub);
    }
    return absl::OkStatus();
  }
  Json kept = value;
  if (target.path.schema.empty() && name == "active") {
    ASSIGN_OR_RETURN(kept, ParseActive(value));
  }
  if (target.path.sub.empty()) {
    Set(op, holder, name, kept);
    return absl::OkStatus();
  }
  Json* at = FindMember(*holder, name);
  if (at == nullptr || !at->is_object()) {
    if (at != nullptr) {
      return ScimError(
          ScimType::kInvalidPath,
          absl::StrCat("path: ", name, " has no \"", target.path.sub,
                       "\"; a filter says which value is meant"));
    }
    at = &(*holder)[name];
    *at = Json::object();
  }
  Set(op, at, target.path.sub, kept);
  return absl::OkStatus();
}

absl::StatusOr<Op> OpOf(const Json& operation) {
  const Json* op = FindMember(operation, "op");
  const std::string name =
      op != nullptr && op->is_string()
          ? absl::AsciiStrToLower(op->get_ref<const std::string&>())
          : "";
  if (name == "add") return Op::kAdd;
  if (name == "replace") return Op::kReplace;
  if (name == "remove") return Op::kRemove;
  return ScimError(
      ScimType::kInvalidSyntax,
      absl::StrCat(
          "op: ", op == nullptr ? "is missing" : WriteJson(*op).substr(0, 40),
          "; add, replace and remove are known"));
}

absl::Status ApplyAll(Op op, const Json& attributes, Json* document);

absl::Status ApplyOne(const Json& operation, Json* document) {
  if (!operation.is_object()) {
    return ScimError(ScimType::kInvalidSyntax,
                     "Operations: each is an object with op, path and value");
  }
  ASSIGN_OR_RETURN(const Op op, OpOf(operation));
  const Json* path = FindMember(operation, "path");
  const Json* value = FindMember(operation, "value");
  static const Json kNothing;
  if (value == nullptr && op != Op::kRemove) {
    return ScimError(ScimType::kInvalidSyntax, "value: is missing");
  }
  if (path != nullptr && !path->is_null()) {
    if (!path->is_string()) {
      return ScimError(ScimType::kInvalidPath, "path: is not a string");
    }
    ASSIGN_OR_RETURN(const Target target,
                     ParseTarget(path->get_ref<const std::string&>()));
    // A null value unassigns (RFC 7643 section 2.5).
    const bool unassigns =
        op == Op::kReplace && value->is_null() && !target.filter;
    if (target.path.schema.empty() && target.path.attribute.empty() &&
        op != Op::kRemove) {
      return ApplyAll(op, *value, document);
    }
    return ApplyAt(unassigns ? Op::kRemove : op, target,
                   value == nullptr ? kNothing : *value, document);
  }
  if (op == Op::kRemove) {
    return ScimError(ScimType::kNoTarget, "path: a remove needs one");
  }
  return ApplyAll(op, *value, document);
}

absl::Status ApplyAll(Op op, const Json& attributes, Json* document) {
  if (!attributes.is_object()) {
    return ScimError(
        ScimType::kInvalidValue,
        "value: without a path, an object of attributes is wanted");
  }
  for (const auto& [name, inner] : attributes.items()) {
    ASSIGN_OR_RETURN(const Target target, ParseTarget(name));
    if (target.path.schema.empty() && target.path.attribute.empty()) {
      // The core schema by its name: its attributes.
      RETURN_IF_ERROR(ApplyAll(op, inner, document));
      continue;
    }
    // Some send whole resources back; what they cannot set changes nothing.
    if (!CheckMutable(target.path, Op::kReplace).ok()) continue;
    const bool unassigns = inner.is_null() && !target.filter;
    RETURN_IF_ERROR(
        ApplyAt(unassigns ? Op::kRemove : op, target, inner, document));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Json> ApplyPatch(const Json& document, absl::string_view body) {
  const auto message = ParseJsonObject(body, kBodyLimits);
  if (!message.ok()) {
    return ScimError(ScimType::kInvalidSyntax, message.status().message());
  }
  const Json* operations = FindMember(*message, "Operations");
  if (operations == nullptr || !operations->is_array() || operations->empty() ||
      operations->size() > kMostOperations) {
    return ScimError(ScimType::kInvalidSyntax,
                     absl::StrCat("Operations: a list of 1 to ",
                                  kMostOperations, " is wanted"));
  }
  Json changed = document;
  for (const Json& operation : *operations) {
    RETURN_IF_ERROR(ApplyOne(operation, &changed));
  }
  return Normalize(changed);
}

}  // namespace warder::http::scim

#include "server/http/scim/filter.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/base/status_macros.h"
#include "server/base/time_text.h"
#include "server/http/scim/document.h"
#include "server/http/scim/error.h"

namespace warder::http::scim {

struct Filter::Node {
  enum class Kind { kAnd, kOr, kNot, kCompare, kPresent, kValuePath };
  Kind kind = Kind::kPresent;
  AttributePath path;          // kCompare, kPresent, kValuePath
  std::string op;              // kCompare: "eq", "co", ...
  Json value;                  // kCompare
  std::unique_ptr<Node> left;  // kNot, kValuePath: the only one
  std::unique_ptr<Node> right;
};

namespace {

using Node = Filter::Node;
using Kind = Node::Kind;

constexpr size_t kLongest = 4096;
constexpr int kDeepest = 16;
constexpr int kMostTerms = 32;

bool IsNameCharacter(char c) {
  return absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '$' ||
         c == '.' || c == ':';
}

bool CaseExact(absl::string_view attribute) {
  return attribute == "id" || attribute == "externalId";
}

class Parser {
 public:
  explicit Parser(absl::string_view text) : text_(text) {}

  absl::StatusOr<std::unique_ptr<Node>> Whole() {
    ASSIGN_OR_RETURN(auto node, Or(0));
    Skip();
    if (at_ != text_.size()) return Bad("\"and\", \"or\" or the end");
    return node;
  }

 private:
  absl::Status Bad(absl::string_view wanted) const {
    return ScimError(
        ScimType::kInvalidFilter,
        absl::StrCat("filter: at character ", at_ + 1, ", before \"",
                     text_.substr(std::min(at_, text_.size()), 20), "\", ",
                     wanted, " is wanted (RFC 7644 section 3.4.2.2)"));
  }

  void Skip() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool Take(char c) {
    Skip();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  // Takes a word without regard to case, where it ends there.
  bool TakeWord(absl::string_view word) {
    Skip();
    const absl::string_view rest = text_.substr(at_);
    if (!absl::StartsWithIgnoreCase(rest, word)) return false;
    if (rest.size() > word.size() && IsNameCharacter(rest[word.size()])) {
      return false;
    }
    at_ += word.size();
    return true;
  }
  std::string Word() {
    Skip();
    const size_t begin = at_;
    while (at_ < text_.size() && IsNameCharacter(text_[at_])) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  static std::unique_ptr<Node> Make(Kind kind, std::unique_ptr<Node> left,
                                    std::unique_ptr<Node> right = nullptr) {
    auto node = std::make_unique<Node>();
    node->kind = kind;
    node->left = std::move(left);
    node->right = std::move(right);
    return node;
  }

  absl::StatusOr<std::unique_ptr<Node>> Or(int depth) {
    if (depth > kDeepest) return Bad("less nesting");
    ASSIGN_OR_RETURN(auto node, And(depth));
    while (TakeWord("or")) {
      ASSIGN_OR_RETURN(auto right, And(depth));
      node = Make(Kind::kOr, std::move(node), std::move(right));
    }
    return node;
  }

  absl::StatusOr<std::unique_ptr<Node>> And(int depth) {
    ASSIGN_OR_RETURN(auto node, Term(depth));
    while (TakeWord("and")) {
      ASSIGN_OR_RETURN(auto right, Term(depth));
      node = Make(Kind::kAnd, std::move(node), std::move(right));
    }
    return node;
  }

  absl::StatusOr<std::unique_ptr<Node>> Term(int depth) {
    const size_t begin = at_;
    if (TakeWord("not") && Take('(')) {
      ASSIGN_OR_RETURN(auto inner, Or(depth + 1));
      if (!Take(')')) return Bad("\")\"");
      return Make(Kind::kNot, std::move(inner));
    }
    at_ = begin;
    if (Take('(')) {
      ASSIGN_OR_RETURN(auto inner, Or(depth + 1));
      if (!Take(')')) return Bad("\")\"");
      return inner;
    }
    return Attribute(depth);
  }

  absl::StatusOr<std::unique_ptr<Node>> Attribute(int depth) {
    if (++terms_ > kMostTerms) return Bad("a filter of at most 32 terms");
    const std::string name = Word();
    const auto path = ParseAttributePath(name);
    if (!path.ok()) return Bad("an attribute name");
    auto node = std::make_unique<Node>();
    node->path = *path;
    if (Take('[')) {
      node->kind = Kind::kValuePath;
      ASSIGN_OR_RETURN(node->left, Or(depth + 1));
      if (!Take(']')) return Bad("\"]\"");
      if (at_ < text_.size() && text_[at_] == '.')
        return SubOf(std::move(node));
      return node;
    }
    return Comparison(std::move(node));
  }

  // emails[type eq "work"].value eq "x": the sub-attribute of a value that
  // matches, so one more condition on the same value.
  absl::StatusOr<std::unique_ptr<Node>> SubOf(std::unique_ptr<Node> values) {
    ++at_;
    const std::string name = Word();
    const auto path = ParseAttributePath(name);
    if (!path.ok() || !path->sub.empty()) return Bad("a sub-attribute");
    auto condition = std::make_unique<Node>();
    condition->path = *path;
    ASSIGN_OR_RETURN(condition, Comparison(std::move(condition)));
    values->left =
        Make(Kind::kAnd, std::move(values->left), std::move(condition));
    return values;
  }

  absl::StatusOr<std::unique_ptr<Node>> Comparison(std::unique_ptr<Node> node) {
    const size_t before = at_;
    node->op = absl::AsciiStrToLower(Word());
    if (node->op == "pr") {
      node->kind = Kind::kPresent;
      return node;
    }
    constexpr absl::string_view kOps[] = {"eq", "ne", "co", "sw", "ew",
                                          "gt", "ge", "lt", "le"};
    if (std::find(std::begin(kOps), std::end(kOps), node->op) ==
        std::end(kOps)) {
      at_ = before;
      return Bad("one of eq, ne, co, sw, ew, gt, ge, lt, le, pr");
    }
    node->kind = Kind::kCompare;
    ASSIGN_OR_RETURN(node->value, Value());
    const bool ordered = node->op != "eq" && node->op != "ne";
    if (ordered && !node->value.is_string() && !node->value.is_number()) {
      return Bad(absl::StrCat("a value that ", node->op, " can compare"));
    }
    return node;
  }

  absl::StatusOr<Json> Value() {
    Skip();
    size_t end = at_;
    if (end < text_.size() && text_[end] == '"') {
      for (++end; end < text_.size() && text_[end] != '"'; ++end) {
        if (text_[end] == '\\') ++end;
      }
      ++end;
    } else {
      while (end < text_.size() &&
             (absl::ascii_isalnum(text_[end]) || text_[end] == '-' ||
              text_[end] == '+' || text_[end] == '.')) {
        ++end;
      }
    }
    if (end > text_.size() || end == at_) return Bad("a value");
    std::string text(text_.substr(at_, end - at_));
    // Clients write True and False.
    if (absl::EqualsIgnoreCase(text, "true") ||
        absl::EqualsIgnoreCase(text, "false")) {
      text = absl::AsciiStrToLower(text);
    }
    auto value = ParseJson(text);
    if (!value.ok()) return Bad("a JSON string, number, true, false or null");
    at_ = end;
    return *std::move(value);
  }

  const absl::string_view text_;
  size_t at_ = 0;
  int terms_ = 0;
};

// Instants compare as instants, however they are written.
std::optional<int> CompareTimes(const std::string& a, const std::string& b) {
  const auto looks_right = [](const std::string& text) {
    return text.size() >= 20 && text.size() <= 40 && text[4] == '-';
  };
  if (!looks_right(a) || !looks_right(b)) return std::nullopt;
  const auto x = ParseTime(a), y = ParseTime(b);
  if (!x.ok() || !y.ok()) return std::nullopt;
  return *x < *y ? -1 : *x > *y ? 1 : 0;
}

bool Holds(absl::string_view op, int order) {
  if (op == "gt") return order > 0;
  if (op == "ge") return order >= 0;
  if (op == "lt") return order < 0;
  if (op == "le") return order <= 0;
  return op == "eq" ? order == 0 : order != 0;
}

bool CompareOne(const Node& node, const Json& value, bool exact) {
  if (value.is_string() && node.value.is_string()) {
    std::string a = value.get<std::string>();
    std::string b = node.value.get<std::string>();
    if (!exact) {
      a = absl::AsciiStrToLower(a);
      b = absl::AsciiStrToLower(b);
    }
    if (node.op == "co") return absl::StrContains(a, b);
    if (node.op == "sw") return absl::StartsWith(a, b);
    if (node.op == "ew") return absl::EndsWith(a, b);
    const auto times =
        CompareTimes(value.get<std::string>(), node.value.get<std::string>());
    return Holds(node.op, times ? *times : a.compare(b));
  }
  if (value.is_number() && node.value.is_number()) {
    const double a = value.get<double>(), b = node.value.get<double>();
    return Holds(node.op, a < b ? -1 : a > b ? 1 : 0);
  }
  if (node.op == "ne") return value != node.value;
  return node.op == "eq" && value == node.value;
}

// A complex value stands for its "value" (RFC 7644: emails co "x").
const Json& Plain(const Json& value) {
  if (!value.is_object()) return value;
  const auto inner = value.find("value");
  return inner == value.end() ? value : *inner;
}

bool IsPresent(const Json* value) {
  if (value == nullptr || value->is_null()) return false;
  if (value->is_string()) return !value->get_ref<const std::string&>().empty();
  return (!value->is_array() && !value->is_object()) || !value->empty();
}

bool Evaluate(const Node& node, const Json& resource);

// Calls `holds` with each value at `path`, the elements of arrays one by one.
template <typename Holds>
bool Any(const Json& resource, const AttributePath& path, Holds holds) {
  const Json* at = ValueAt(resource, {path.schema, path.attribute, ""});
  if (at == nullptr) return false;
  const auto sub = [&](const Json& value) {
    if (path.sub.empty()) return holds(value);
    if (!value.is_object()) return false;
    const Json* inner = FindMember(value, path.sub);
    return inner != nullptr && holds(*inner);
  };
  if (!at->is_array()) return sub(*at);
  return std::any_of(at->begin(), at->end(), sub);
}

bool Evaluate(const Node& node, const Json& resource) {
  switch (node.kind) {
    case Kind::kAnd:
      return Evaluate(*node.left, resource) && Evaluate(*node.right, resource);
    case Kind::kOr:
      return Evaluate(*node.left, resource) || Evaluate(*node.right, resource);
    case Kind::kNot: return !Evaluate(*node.left, resource);
    case Kind::kPresent:
      return Any(resource, node.path,
                 [](const Json& value) { return IsPresent(&value); });
    case Kind::kValuePath:
      return Any(resource, node.path, [&](const Json& value) {
        return Evaluate(*node.left, value);
      });
    case Kind::kCompare: {
      const bool exact = CaseExact(node.path.attribute);
      const auto compare = [&](const Json& value) {
        return CompareOne(node, Plain(value), exact);
      };
      if (node.op != "ne") return Any(resource, node.path, compare);
      // Not equal: none of its values is; an absent one is not.
      return !Any(resource, node.path,
                  [&](const Json& value) { return !compare(value); });
    }
  }
  return false;
}

const std::string* FindDemand(const Node& node, absl::string_view attribute) {
  if (node.kind == Kind::kAnd) {
    const std::string* left = FindDemand(*node.left, attribute);
    return left != nullptr ? left : FindDemand(*node.right, attribute);
  }
  if (node.kind != Kind::kCompare || node.op != "eq" ||
      node.path.attribute != attribute || !node.path.sub.empty() ||
      !node.value.is_string()) {
    return nullptr;
  }
  return node.value.get_ptr<const std::string*>();
}

bool AddDemands(const Node& node, Json& object) {
  if (node.kind == Kind::kAnd) {
    return AddDemands(*node.left, object) && AddDemands(*node.right, object);
  }
  if (node.kind != Kind::kCompare || node.op != "eq" ||
      !node.path.sub.empty()) {
    return false;
  }
  object[node.path.attribute] = node.value;
  return true;
}

}  // namespace

absl::StatusOr<AttributePath> ParseAttributePath(absl::string_view text) {
  const absl::Status bad = ScimError(
      ScimType::kInvalidPath,
      absl::StrCat("\"", text.substr(0, 80), "\" names no attribute"));
  AttributePath path;
  absl::string_view rest = text;
  if (absl::StartsWithIgnoreCase(rest, "urn:")) {
    const Urn urn = SplitUrn(rest);
    path.schema = urn.schema;
    rest = urn.rest;
    if (rest.empty()) return path;  // a whole extension
  }
  const size_t dot = rest.find('.');
  const absl::string_view name = rest.substr(0, dot);
  if (dot != absl::string_view::npos)
    path.sub = std::string(rest.substr(dot + 1));
  const auto good = [](absl::string_view word) {
    return !word.empty() && (absl::ascii_isalpha(word[0]) || word[0] == '$') &&
           std::all_of(word.begin(), word.end(), [](char c) {
             return IsNameCharacter(c) && c != '.' && c != ':';
           });
  };
  if (!good(name)) return bad;
  if (dot != absl::string_view::npos && !good(path.sub)) return bad;
  path.attribute = CanonicalName(path.schema, name);
  return path;
}

const Json* ValueAt(const Json& resource, const AttributePath& path) {
  const Json* at = &resource;
  if (!path.schema.empty()) {
    at = FindMember(*at, path.schema);
    if (at == nullptr || path.attribute.empty()) return at;
  }
  at = FindMember(*at, path.attribute);
  if (at == nullptr || path.sub.empty()) return at;
  return FindMember(*at, path.sub);
}

Filter::Filter(std::unique_ptr<Node> root) : root_(std::move(root)) {}
Filter::~Filter() = default;
Filter::Filter(Filter&&) noexcept = default;
Filter& Filter::operator=(Filter&&) noexcept = default;

absl::StatusOr<Filter> Filter::Parse(absl::string_view text) {
  if (text.size() > kLongest) {
    return ScimError(
        ScimType::kInvalidFilter,
        absl::StrCat("filter: ", text.size(), " bytes; at most ", kLongest));
  }
  ASSIGN_OR_RETURN(auto root, Parser(text).Whole());
  return Filter(std::move(root));
}

bool Filter::Matches(const Json& value) const {
  return Evaluate(*root_, value);
}

std::optional<std::string> Filter::Demands(absl::string_view attribute) const {
  const std::string* demand = FindDemand(*root_, attribute);
  if (demand == nullptr) return std::nullopt;
  return *demand;
}

bool Filter::MakeMatch(Json& object) const {
  return AddDemands(*root_, object);
}

}  // namespace warder::http::scim

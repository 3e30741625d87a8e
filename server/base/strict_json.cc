#include "server/base/strict_json.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"

namespace warder {
namespace {

// Builds the value while the parser reads, and stops at the first thing that
// is not allowed.
class StrictHandler : public nlohmann::json_sax<Json> {
 public:
  explicit StrictHandler(int max_depth) : max_depth_(max_depth) {}

  bool null() override { return Put(nullptr); }
  bool boolean(bool v) override { return Put(v); }
  bool number_integer(number_integer_t v) override { return Put(v); }
  bool number_unsigned(number_unsigned_t v) override { return Put(v); }
  bool number_float(number_float_t v, const string_t&) override {
    return Put(v);
  }
  bool string(string_t& v) override { return Put(std::move(v)); }
  bool binary(binary_t&) override { return Fail("binary value"); }

  bool start_object(size_t) override { return Open(Json::object()); }
  bool end_object() override { return Close(); }
  bool start_array(size_t) override { return Open(Json::array()); }
  bool end_array() override { return Close(); }

  bool key(string_t& name) override {
    if (stack_.back()->contains(name)) {
      return Fail(
          absl::StrCat("duplicate member \"", name.substr(0, 64), "\""));
    }
    key_ = std::move(name);
    return true;
  }

  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return Fail(absl::StrCat("syntax error at byte ", position));
  }

  const std::string& error() const { return error_; }
  Json Take() { return std::move(root_); }

 private:
  bool Fail(absl::string_view why) {
    if (error_.empty()) error_ = std::string(why);
    return false;
  }

  Json* Place(Json value) {
    if (stack_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Json& top = *stack_.back();
    if (top.is_array()) {
      top.push_back(std::move(value));
      return &top.back();
    }
    return &(top[key_] = std::move(value));
  }

  bool Put(Json value) {
    Place(std::move(value));
    return true;
  }

  bool Open(Json value) {
    if (static_cast<int>(stack_.size()) >= max_depth_) {
      return Fail(absl::StrCat("nested deeper than ", max_depth_));
    }
    stack_.push_back(Place(std::move(value)));
    return true;
  }

  bool Close() {
    stack_.pop_back();
    return true;
  }

  const int max_depth_;
  Json root_;
  std::vector<Json*> stack_;
  std::string key_;
  std::string error_;
};

}  // namespace

absl::StatusOr<Json> ParseJson(absl::string_view text,
                               const JsonLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return FieldError("json", absl::StrCat(text.size(), " bytes; at most ",
                                           limits.max_bytes, " are read"));
  }
  StrictHandler handler(limits.max_depth);
  if (!Json::sax_parse(text.begin(), text.end(), &handler)) {
    return FieldError(
        "json", handler.error().empty() ? "not readable" : handler.error());
  }
  return handler.Take();
}

absl::StatusOr<Json> ParseJsonObject(absl::string_view text,
                                     const JsonLimits& limits) {
  ASSIGN_OR_RETURN(Json value, ParseJson(text, limits));
  if (!value.is_object()) {
    return FieldError(
        "json",
        absl::StrCat("a JSON object is wanted, this is a ", value.type_name()));
  }
  return value;
}

std::string WriteJson(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string JsonQuoted(absl::string_view text) {
  for (const char c : text) {
    if (c < 0x20 || c > 0x7e || c == '"' || c == '\\') {
      return WriteJson(std::string(text));
    }
  }
  return absl::StrCat("\"", text, "\"");
}

std::string WriteJsonMembers(std::span<const JsonMember> members) {
  std::string text = "{";
  for (const JsonMember& member : members) {
    absl::StrAppend(&text, text.size() > 1 ? "," : "", JsonQuoted(member.name),
                    ":", JsonQuoted(member.value));
  }
  return text + "}";
}

absl::StatusOr<std::string> JsonString(const Json& object,
                                       absl::string_view name) {
  const auto it = object.find(std::string(name));
  if (it == object.end() || !it->is_string()) {
    return FieldError(name, it == object.end()
                                ? "is missing"
                                : absl::StrCat("a string is wanted, this is a ",
                                               it->type_name()));
  }
  return it->get<std::string>();
}

}  // namespace warder

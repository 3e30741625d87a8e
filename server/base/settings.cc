#include "server/base/settings.h"

#include <yaml-cpp/yaml.h>

#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/time_text.h"

namespace warder {
namespace {

absl::Status Bad(absl::string_view message) {
  return Error(absl::StatusCode::kInvalidArgument, Reason::kConfiguration,
               message);
}

absl::Status At(absl::string_view file, const YAML::Mark& mark,
                absl::string_view message) {
  return Bad(absl::StrCat(file, ":", mark.line + 1, ": ", message));
}

}  // namespace

Setter Text(std::string* out) {
  return [out](const std::string& value) {
    *out = value;
    return absl::OkStatus();
  };
}

Setter Url(std::string* out) {
  return [out](const std::string& value) {
    *out = value.substr(0, value.find_last_not_of('/') + 1);
    return absl::OkStatus();
  };
}

Setter Positive(int* out, int most) {
  return [out, most](const std::string& value) {
    if (absl::SimpleAtoi(value, out) && *out > 0 && *out <= most) {
      return absl::OkStatus();
    }
    return FieldError(
        "value",
        absl::StrCat("\"", value, "\" is not a number from 1 to ", most));
  };
}

Setter Span(absl::Duration* out) {
  return [out](const std::string& value) -> absl::Status {
    ASSIGN_OR_RETURN(*out, ParseDuration(value));
    return absl::OkStatus();
  };
}

Setter Flag(bool* out) {
  return [out](const std::string& value) {
    *out = value == "true";
    if (*out || value == "false") return absl::OkStatus();
    return FieldError("value",
                      absl::StrCat("\"", value, "\" is not true or false"));
  };
}

// Walks one file.
class Settings::Reader {
 public:
  Reader(absl::string_view file, const Settings& settings)
      : file_(file), settings_(settings) {}

  absl::Status Read(const YAML::Node& node, const std::string& prefix) {
    if (!node.IsMap()) {
      return At(file_, node.Mark(),
                absl::StrCat(prefix.empty() ? "the file" : prefix,
                             ": settings are wanted here"));
    }
    std::map<std::string, int> seen;
    for (const auto& entry : node) {
      const std::string name =
          absl::StrCat(prefix, prefix.empty() ? "" : ".",
                       entry.first.IsScalar() ? entry.first.Scalar() : "?");
      if (++seen[name] > 1) {
        return At(file_, entry.first.Mark(), name + ": is set twice");
      }
      RETURN_IF_ERROR(ReadOne(name, entry.first.Mark(), entry.second));
    }
    return absl::OkStatus();
  }

 private:
  bool IsGroup(const std::string& name) const {
    const std::string prefix = name + ".";
    const auto within = [&](const auto& named) {
      const auto it = named.lower_bound(prefix);
      return it != named.end() && absl::StartsWith(it->first, prefix);
    };
    return within(settings_.scalars_) || within(settings_.lists_);
  }

  absl::Status ReadOne(const std::string& name, const YAML::Mark& mark,
                       const YAML::Node& value) {
    if (IsGroup(name)) return Read(value, name);
    if (const auto list = settings_.lists_.find(name);
        list != settings_.lists_.end()) {
      return ReadList(name, value, *list->second);
    }
    const auto setter = settings_.scalars_.find(name);
    if (setter == settings_.scalars_.end()) {
      return At(file_, mark,
                absl::StrCat(name, ": unknown setting; ", settings_.sample_,
                             " lists all there are"));
    }
    if (!value.IsScalar()) {
      return At(file_, value.Mark(), name + ": one value is wanted");
    }
    absl::Status status = setter->second(value.Scalar());
    if (status.ok()) return status;
    return At(file_, value.Mark(), absl::StrCat(name, ": ", status.message()));
  }

  absl::Status ReadList(const std::string& name, const YAML::Node& value,
                        std::vector<std::string>& out) {
    if (!value.IsSequence() || value.size() == 0) {
      return At(file_, value.Mark(), name + ": a list of names is wanted");
    }
    out.clear();
    for (const auto& entry : value) {
      if (!entry.IsScalar()) {
        return At(file_, entry.Mark(), name + ": a name is wanted");
      }
      out.push_back(entry.Scalar());
    }
    return absl::OkStatus();
  }

  const absl::string_view file_;
  const Settings& settings_;
};

void Settings::Add(const std::string& name, Setter setter) {
  scalars_[name] = std::move(setter);
}

void Settings::AddList(const std::string& name, std::vector<std::string>* out) {
  lists_[name] = out;
}

absl::Status Settings::Read(absl::string_view file, const std::string& text) {
  try {
    const YAML::Node root = YAML::Load(text);
    if (root.IsNull()) return absl::OkStatus();
    return Reader(file, *this).Read(root, "");
  } catch (const YAML::Exception& error) {
    return At(file, error.mark, absl::StrCat("not YAML: ", error.msg));
  }
}

absl::Status Settings::Override(absl::string_view flag,
                                const std::string& setting) {
  const size_t equals = setting.find('=');
  if (equals == std::string::npos) {
    return Bad(absl::StrCat(flag, " \"", setting, "\" is not NAME=VALUE"));
  }
  const std::string name = setting.substr(0, equals);
  const auto setter = scalars_.find(name);
  absl::Status status =
      setter == scalars_.end()
          ? FieldError("name", "there is no such setting of one value")
          : setter->second(setting.substr(equals + 1));
  if (status.ok()) return status;
  return Bad(absl::StrCat(flag, " ", name, ": ", status.message(), "; ",
                          sample_, " lists all there are"));
}

absl::StatusOr<std::string> ReadSettingsFile(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  if (!in) {
    return Bad(absl::StrCat(path,
                            ": cannot be read; check the path given with "
                            "--config"));
  }
  return text.str();
}

}  // namespace warder

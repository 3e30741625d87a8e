#include "server/ledger/manifest.h"

#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/ledger/byte_reader.h"

namespace warder::ledger {
namespace {

constexpr size_t kMostBytes = size_t{64} << 20;

Json JsonOf(const MinuteRange& range) {
  return Json::array({range.first, range.last});
}

absl::StatusOr<uint64_t> NumberIn(const Json& json, absl::string_view name,
                                  uint64_t most) {
  const auto it = json.find(std::string(name));
  if (it == json.end() || !it->is_number_unsigned() ||
      it->get<uint64_t>() > most) {
    return Damaged(absl::StrCat("its ", name, " is no such number"));
  }
  return it->get<uint64_t>();
}

absl::StatusOr<MinuteRange> RangeOf(const Json& json) {
  constexpr uint64_t kMost = std::numeric_limits<uint32_t>::max();
  if (!json.is_array() || json.size() != 2 || !json[0].is_number_unsigned() ||
      !json[1].is_number_unsigned() || json[0].get<uint64_t>() > kMost ||
      json[1].get<uint64_t>() > kMost || json[0] > json[1]) {
    return Damaged("a range of minutes in it is none");
  }
  return MinuteRange{json[0].get<uint32_t>(), json[1].get<uint32_t>()};
}

absl::StatusOr<Manifest::File> FileOf(const Json& json) {
  const auto is_boolean = [&](const char* name) {
    return json.contains(name) && json[name].is_boolean();
  };
  if (!json.is_object() || !json.contains("minutes") || !is_boolean("sealed") ||
      !is_boolean("journal_kept")) {
    return Damaged("a file in it is none");
  }
  Manifest::File file;
  ASSIGN_OR_RETURN(file.number, NumberIn(json, "number",
                                         std::numeric_limits<uint64_t>::max()));
  ASSIGN_OR_RETURN(file.minutes, RangeOf(json["minutes"]));
  file.sealed = json["sealed"].get<bool>();
  file.journal_kept = json["journal_kept"].get<bool>();
  return file;
}

}  // namespace

std::string Manifest::File::journal_name() const {
  return absl::StrFormat("%08d.journal", number);
}

std::string Manifest::File::segments_name() const {
  return absl::StrFormat("%08d.segments", number);
}

std::string WriteManifest(const Manifest& manifest) {
  Json files = Json::array(), incomplete = Json::array();
  for (const Manifest::File& file : manifest.files) {
    files.push_back({{"number", file.number},
                     {"minutes", JsonOf(file.minutes)},
                     {"sealed", file.sealed},
                     {"journal_kept", file.journal_kept}});
  }
  for (const MinuteRange& range : manifest.incomplete) {
    incomplete.push_back(JsonOf(range));
  }
  return WriteJson({{"version", 1},
                    {"known_from", manifest.known_from},
                    {"sealed_secret", manifest.sealed_secret},
                    {"next_number", manifest.next_number},
                    {"files", std::move(files)},
                    {"forgotten", manifest.forgotten},
                    {"incomplete", std::move(incomplete)}});
}

absl::StatusOr<Manifest> ReadManifest(absl::string_view text) {
  const auto json = ParseJsonObject(text, {.max_bytes = kMostBytes});
  if (!json.ok()) return Damaged(json.status().message());
  ASSIGN_OR_RETURN(const uint64_t version, NumberIn(*json, "version", ~0u));
  if (version != 1) {
    return Damaged(
        absl::StrCat("its version is ", version, "; this warderd reads 1"));
  }
  Manifest manifest;
  ASSIGN_OR_RETURN(const uint64_t known_from,
                   NumberIn(*json, "known_from", ~uint32_t{0}));
  manifest.known_from = static_cast<uint32_t>(known_from);
  ASSIGN_OR_RETURN(manifest.next_number,
                   NumberIn(*json, "next_number", ~uint64_t{0}));
  const auto secret = JsonString(*json, "sealed_secret");
  const auto files = json->find("files");
  const auto incomplete = json->find("incomplete");
  const auto forgotten = json->find("forgotten");
  if (!secret.ok() || files == json->end() || !files->is_array() ||
      incomplete == json->end() || !incomplete->is_array() ||
      forgotten == json->end() || !forgotten->is_object()) {
    return Damaged("it lacks sealed_secret, files, incomplete or forgotten");
  }
  manifest.sealed_secret = *secret;
  for (const Json& entry : *files) {
    ASSIGN_OR_RETURN(Manifest::File file, FileOf(entry));
    if (file.number >= manifest.next_number ||
        (!manifest.files.empty() &&
         file.number <= manifest.files.back().number)) {
      return Damaged("the numbers of its files are out of order");
    }
    manifest.files.push_back(file);
  }
  for (const auto& [issuer, minute] : forgotten->items()) {
    if (!minute.is_number_unsigned() ||
        minute.get<uint64_t>() > std::numeric_limits<uint32_t>::max()) {
      return Damaged("a minute in it is none");
    }
    manifest.forgotten[issuer] = minute.get<uint32_t>();
  }
  for (const Json& entry : *incomplete) {
    ASSIGN_OR_RETURN(const MinuteRange range, RangeOf(entry));
    manifest.incomplete.push_back(range);
  }
  return manifest;
}

}  // namespace warder::ledger

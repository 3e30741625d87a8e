#include "server/http/scim/discovery.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/http/scim/document.h"

namespace warder::http::scim {
namespace {

Json Attribute(const char* name, const char* type, const char* description,
               bool multi = false) {
  return {{"name", name},
          {"type", type},
          {"multiValued", multi},
          {"description", description},
          {"required", false},
          {"caseExact", false},
          {"mutability", "readWrite"},
          {"returned", "default"},
          {"uniqueness", "none"}};
}

Json Complex(const char* name, const char* description, bool multi,
             Json sub_attributes) {
  Json attribute = Attribute(name, "complex", description, multi);
  attribute["subAttributes"] = std::move(sub_attributes);
  return attribute;
}

Json Schema(const char* id, const char* name, const char* description,
            Json attributes, const std::string& base_url) {
  return {{"schemas", {"urn:ietf:params:scim:schemas:core:2.0:Schema"}},
          {"id", id},
          {"name", name},
          {"description", description},
          {"attributes", std::move(attributes)},
          {"meta",
           {{"resourceType", "Schema"},
            {"location", absl::StrCat(base_url, "/Schemas/", id)}}}};
}

// A list of values with a type, as most of a user's are.
Json Values(const char* name, const char* description) {
  return Complex(name, description, true,
                 {Attribute("value", "string", "The value."),
                  Attribute("display", "string", "For people."),
                  Attribute("type", "string", "work, home, other."),
                  Attribute("primary", "boolean", "The main one.")});
}

Json CoreSchema(const std::string& base_url) {
  Json user_name = Attribute("userName", "string",
                             "Unique in the feed, without regard to case.");
  user_name["required"] = true;
  user_name["uniqueness"] = "server";
  Json external_id =
      Attribute("externalId", "string", "The feed's own ID of the person.");
  external_id["caseExact"] = true;
  Json groups = Values("groups", "Empty: keys are bound to people.");
  groups["mutability"] = "readOnly";
  Json attributes = {
      user_name,
      external_id,
      groups,
      Attribute("active", "boolean",
                "False: the person has left, and his keys die."),
      Complex("name", "The parts of the name.", false,
              {Attribute("formatted", "string", "The whole name."),
               Attribute("givenName", "string", "The given name."),
               Attribute("familyName", "string", "The family name."),
               Attribute("middleName", "string", "The middle name."),
               Attribute("honorificPrefix", "string", "Dr."),
               Attribute("honorificSuffix", "string", "III")}),
      Attribute("timezone", "string",
                "IANA zone in which the last day ends: Europe/Berlin."),
      Complex("addresses", "Postal addresses.", true,
              {Attribute("formatted", "string", "The whole address."),
               Attribute("streetAddress", "string", "Street and number."),
               Attribute("locality", "string", "The town."),
               Attribute("region", "string", "The region."),
               Attribute("postalCode", "string", "The postal code."),
               Attribute("country", "string", "ISO 3166-1 alpha-2."),
               Attribute("type", "string", "work, home, other.")})};
  for (const char* name : {"displayName", "nickName", "profileUrl", "title",
                           "userType", "preferredLanguage", "locale"}) {
    attributes.push_back(Attribute(name, "string", "Kept as the feed says."));
  }
  for (const char* name : {"emails", "phoneNumbers", "ims", "photos",
                           "entitlements", "roles", "x509Certificates"}) {
    attributes.push_back(Values(name, "Kept as the feed says."));
  }
  return Schema(kCoreUser, "User", "A person as HR knows him.",
                std::move(attributes), base_url);
}

Json EnterpriseSchema(const std::string& base_url) {
  return Schema(
      kEnterpriseUser, "EnterpriseUser", "A person in the organisation.",
      {Attribute("employeeNumber", "string", "The number in HR's books."),
       Attribute("costCenter", "string", "Kept as the feed says."),
       Attribute("organization", "string", "Kept as the feed says."),
       Attribute("division", "string", "Kept as the feed says."),
       Attribute("department", "string", "Kept as the feed says."),
       Complex(
           "manager", "Whom the person reports to.", false,
           Json::array({Attribute("value", "string", "The manager's id.")}))},
      base_url);
}

Json EmploymentSchema(const std::string& base_url) {
  return Schema(
      kEmploymentUser, "EmploymentUser", "When a person leaves.",
      // One value in braces is a copy to clang and a list to g++.
      Json::array({Attribute(
          "employmentEndTime", "string",
          "An instant with an offset, or a day, which ends in the user's "
          "timezone. The keys die then.")}),
      base_url);
}

Json Schemas(const std::string& base_url) {
  return {CoreSchema(base_url), EnterpriseSchema(base_url),
          EmploymentSchema(base_url)};
}

Json UserType(const std::string& base_url) {
  const auto extension = [](const char* id) -> Json {
    return {{"schema", id}, {"required", false}};
  };
  return {{"schemas", {"urn:ietf:params:scim:schemas:core:2.0:ResourceType"}},
          {"id", "User"},
          {"name", "User"},
          {"endpoint", "/Users"},
          {"description", "People"},
          {"schema", kCoreUser},
          {"schemaExtensions",
           {extension(kEnterpriseUser), extension(kEmploymentUser)}},
          {"meta",
           {{"resourceType", "ResourceType"},
            {"location", absl::StrCat(base_url, "/ResourceTypes/User")}}}};
}

Json ServiceProviderConfig(const std::string& base_url) {
  return {{"schemas",
           {"urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"}},
          {"patch", {{"supported", true}}},
          {"bulk",
           {{"supported", false}, {"maxOperations", 0}, {"maxPayloadSize", 0}}},
          {"filter", {{"supported", true}, {"maxResults", kMaxResults}}},
          {"changePassword", {{"supported", false}}},
          {"sort", {{"supported", false}}},
          {"etag", {{"supported", true}}},
          {"authenticationSchemes",
           Json::array({{{"type", "oauthbearertoken"},
                         {"name", "Bearer token"},
                         {"description", "Made with warder hr-token create."},
                         {"primary", true}}})},
          {"meta",
           {{"resourceType", "ServiceProviderConfig"},
            {"location", absl::StrCat(base_url, "/ServiceProviderConfig")}}}};
}

}  // namespace

std::optional<Json> DiscoveryDocument(absl::string_view path,
                                      const std::string& base_url) {
  if (path == "/ServiceProviderConfig") return ServiceProviderConfig(base_url);
  if (path == "/ResourceTypes") {
    return ListResponse(Json::array({UserType(base_url)}), 1, 1);
  }
  if (path == "/ResourceTypes/User") return UserType(base_url);
  if (path == "/Schemas") {
    Json schemas = Schemas(base_url);
    const auto total = static_cast<int64_t>(schemas.size());
    return ListResponse(std::move(schemas), total, 1);
  }
  if (absl::ConsumePrefix(&path, "/Schemas/")) {
    for (Json& schema : Schemas(base_url)) {
      if (absl::EqualsIgnoreCase(schema["id"].get<std::string>(), path)) {
        return std::move(schema);
      }
    }
  }
  return std::nullopt;
}

Json ListResponse(Json resources, int64_t total, int64_t start_index) {
  return {{"schemas", {"urn:ietf:params:scim:api:messages:2.0:ListResponse"}},
          {"totalResults", total},
          {"startIndex", start_index},
          {"itemsPerPage", resources.size()},
          {"Resources", std::move(resources)}};
}

}  // namespace warder::http::scim

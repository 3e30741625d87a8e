#include "client/client.h"

#include <fstream>

#include "client/audit_chain.h"
#include "client/cli/context.h"
#include "client/http_get.h"
#include "client/profile.h"
#include "server/crypto/digest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_app.h"

namespace warder::client {

TEST(ProfileTest, EnvironmentOverridesTheFile) {
  TempDir dir;
  std::ofstream(dir.File("p.yaml")) << "address: a:1\ncertificate: c.pem\n";
  ASSERT_OK_AND_ASSIGN(const Profile profile,
                       LoadProfile("", [&](const std::string& name) {
                         if (name == "WARDER_PROFILE")
                           return dir.File("p.yaml");
                         if (name == "WARDER_ADDRESS")
                           return std::string("b:2");
                         return std::string();
                       }));
  EXPECT_EQ(profile.address, "b:2");
  EXPECT_EQ(profile.certificate, "c.pem");
}

TEST(ProfileTest, UnknownSettingsAreRefusedWithTheirLine) {
  TempDir dir;
  std::ofstream(dir.File("p.yaml")) << "address: a:1\nadress: b\n";
  const auto none = [](const std::string&) { return std::string(); };
  EXPECT_THAT(LoadProfile(dir.File("p.yaml"), none),
              FailsWith(Reason::kConfiguration, "line 2"));
  EXPECT_THAT(LoadProfile(dir.File("none"), none),
              FailsWith(Reason::kConfiguration, "cannot be read"));
}

TEST(ClientTest, MissingFilesAreNamed) {
  SeededRandom random(1);
  Profile profile;
  EXPECT_THAT(Client::Connect(profile, random, TestStart(), nullptr),
              FailsWith(Reason::kCertificate, "WARDER_PROFILE"));
  profile.certificate = "/nowhere.pem";
  EXPECT_THAT(Client::Connect(profile, random, TestStart(), nullptr),
              FailsWith(Reason::kCertificate, "/nowhere.pem"));
}

TEST(HttpGetTest, WhatIsNoUrlOrDoesNotAnswerIsNamed) {
  EXPECT_THAT(HttpGet("ftp://x"), FailsWith(Reason::kInvalidField));
  EXPECT_THAT(HttpGet("http://127.0.0.1:1/"),
              FailsWith(Reason::kUnreachable, "connecting"));
}

TEST(AuditChainTest, AgreesWithTheServersOwnChain) {
  TestApp app;
  app.MustSetUp();
  AuditChain chain;
  for (const auto& event : app.Events()) {
    v1::AuditEvent wire;
    wire.set_sequence(event.sequence);
    wire.mutable_time()->set_seconds(absl::ToUnixSeconds(event.time));
    wire.set_actor(event.actor);
    wire.set_action(event.action);
    wire.set_resource(event.resource);
    wire.set_denied(event.denied);
    wire.set_detail(event.detail);
    wire.set_request_id(event.request_id);
    wire.set_previous_hash(event.previous_hash);
    wire.set_hash(event.hash);
    EXPECT_OK(chain.Check(wire));
  }
  v1::AuditEvent gap;
  gap.set_sequence(99);
  EXPECT_THAT(chain.Check(gap), FailsWith(Reason::kStoreCorrupt, "gap"));
}

TEST(CommandLineTest, AKidThatBeginsWithAHyphenIsNoFlag) {
  // An empty profile stops the call before it is made: not a usage error.
  TempDir dir;
  const std::string profile = dir.File("profile.yaml");
  std::ofstream(profile) << "address: 127.0.0.1:1\n";
  for (const char* kid : {"-NQGBBUIZ_mOaDSBGlIsbIFJjitGS4CMKH7_qVVTf6Y",
                          "--GBBUIZ_mOaDSBGlIsbIFJjitGS4CMKH7_qVVTf6YQ"}) {
    const char* argv[] = {"warder",   "--profile",  profile.c_str(), "key",
                          "revoke",   kid,          "--issuer",      "shop",
                          "--reason", "compromised"};
    EXPECT_EQ(cli::RunApp(10, argv), cli::kNotAllowed) << kid;
  }
  const char* unknown[] = {"warder", "key", "revoke", "--nonsense"};
  EXPECT_EQ(cli::RunApp(4, unknown), cli::kUsage);
}

}  // namespace warder::client

#include "server/main/config.h"

#include <fstream>
#include <sstream>

#include "tests/support/status_matchers.h"

namespace warder {

TEST(ConfigTest, TheSampleHoldsTheDefaultsAndNothingElse) {
  ASSERT_OK_AND_ASSIGN(
      const Config sample,
      ReadConfig(WARDER_SOURCE_DIR "/server/main/warderd.sample.yaml"));
  EXPECT_EQ(sample, Config());
  ASSERT_OK_AND_ASSIGN(const Config empty, ParseConfig("f", ""));
  EXPECT_EQ(empty, Config());
}

TEST(ConfigTest, WhatIsWrongIsNamedWithItsLine) {
  const std::pair<const char*, const char*> cases[] = {
      {"log_level: info\ngrpc:\n  adress: x\n", "f:3: grpc.adress: unknown"},
      {"log_level: loud\n", "f:1: log_level: "},
      {"drain: soon\n", "f:1: drain: "},
      {"public:\n  threads: 0\n", "f:2: public.threads: "},
      {"public: 5\n", "f:1: public: settings are wanted"},
      {"grpc:\n  hosts: x\n", "f:2: grpc.hosts: a list"},
      {"log_level: [a]\n", "f:1: log_level: one value"},
      {"log_level: info\nlog_level: info\n", "log_level"},
      {"a: [\n", "not YAML"},
      {"- a\n", "settings are wanted"},
      {"public:\n  tls:\n    certificate: x\n", "come together"},
      {"public:\n  default_issuer: Bad\n", "f:2: public.default_issuer"}};
  for (const auto& [text, message] : cases) {
    EXPECT_THAT(ParseConfig("f", text),
                FailsWith(Reason::kConfiguration, message))
        << text;
  }
}

TEST(ConfigTest, AMissingFileIsNamed) {
  EXPECT_THAT(ReadConfig("/nowhere/x.yaml"),
              FailsWith(Reason::kConfiguration, "/nowhere/x.yaml"));
}

TEST(ConfigTest, ASettingCanBeOverridden) {
  Config config;
  ASSERT_OK(OverrideSetting("grpc.address=127.0.0.1:1", &config));
  EXPECT_EQ(config.grpc_address, "127.0.0.1:1");
  ASSERT_OK(OverrideSetting("public.base_url=https://k.example//", &config));
  EXPECT_EQ(config.public_base_url, "https://k.example");
  ASSERT_OK(OverrideSetting("drain=3s", &config));
  EXPECT_EQ(config.drain, absl::Seconds(3));
  for (const char* bad : {"grpc.address", "surprise=1", "drain=soon",
                          "public.threads=0", "grpc.hosts=a"}) {
    EXPECT_THAT(OverrideSetting(bad, &config),
                FailsWith(Reason::kConfiguration))
        << bad;
  }
  ASSERT_OK(OverrideSetting("public.tls.certificate=x.pem", &config));
  EXPECT_THAT(CheckConfig("the settings", config),
              FailsWith(Reason::kConfiguration, "come together"));
}

}  // namespace warder

#include <filesystem>
#include <fstream>

#include "client/agent/config.h"
#include "client/agent/enforcer.h"
#include "client/agent/identity.h"
#include "client/agent/log_follower.h"
#include "client/agent/log_line.h"
#include "client/agent/tail.h"
#include "server/crypto/private_key.h"
#include "server/jose/jwk.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_app.h"

namespace warder::agent {
namespace {

using testing::HasSubstr;

TEST(AgentConfigTest, TheSampleIsGoodAndSaysTheDefaults) {
  ASSERT_OK_AND_ASSIGN(
      const Config sample,
      ReadConfig(WARDER_SOURCE_DIR "/client/agent/agent.sample.yaml"));
  const Config defaults;
  EXPECT_EQ(sample.http_address, defaults.http_address);
  EXPECT_EQ(sample.server.address, defaults.server.address);
  EXPECT_EQ(sample.verify.types, defaults.verify.types);
  EXPECT_EQ(sample.verify.clock_skew, defaults.verify.clock_skew);
  EXPECT_EQ(sample.verify.max_staleness, defaults.verify.max_staleness);
  EXPECT_EQ(sample.verify.serve_stale, defaults.verify.serve_stale);
  EXPECT_EQ(sample.observe, defaults.observe);
  EXPECT_EQ(sample.log_level, defaults.log_level);
}

TEST(AgentConfigTest, NobodyElseOnTheNetworkMayAsk) {
  TempDir dir;
  for (const char* bad : {"0.0.0.0:7490", "192.0.2.1:7490", "[::]:7490",
                          "localhost:7490", "unix:relative"}) {
    std::ofstream(dir.File("agent.yaml"))
        << "verify: {audiences: [a]}\nhttp_address: \"" << bad << "\"\n";
    EXPECT_THAT(ReadConfig(dir.File("agent.yaml")),
                FailsWith(Reason::kConfiguration, "http_address"))
        << bad;
  }
  for (const char* good : {"127.0.0.1:1", "[::1]:1", "unix:/run/x.sock"}) {
    std::ofstream(dir.File("agent.yaml"))
        << "verify: {audiences: [a]}\nhttp_address: \"" << good << "\"\n";
    EXPECT_OK(ReadConfig(dir.File("agent.yaml")).status()) << good;
  }
}

TEST(AgentConfigTest, WhatAProbeOpensOpensNothingElse) {
  TempDir dir;
  std::ofstream(dir.File("agent.yaml"))
      << "verify: {audiences: [a, p]}\nprobe_audience: p\n";
  EXPECT_THAT(ReadConfig(dir.File("agent.yaml")),
              FailsWith(Reason::kConfiguration, "probe_audience \"p\""));
}

TEST(IdentityTest, TokensAreFoundWhereTheyStandAndNowhereElse) {
  EXPECT_EQ(BearerOf("Bearer abc"), "abc");
  EXPECT_EQ(BearerOf("bearer  abc "), "abc");
  EXPECT_EQ(BearerOf("Basic abc"), "");
  EXPECT_EQ(BearerOf("Bearer"), "");
  EXPECT_EQ(BearerOf(""), "");
  EXPECT_EQ(CookieOf("a=1; session=xyz; b=2", "session"), "xyz");
  EXPECT_EQ(CookieOf("session=a=b", "session"), "a=b");
  EXPECT_EQ(CookieOf("xsession=1", "session"), "");
  EXPECT_EQ(CookieOf("session=1; session=2", "session"), "");
  EXPECT_EQ(CookieOf("", "session"), "");
}

TEST(IdentityTest, NoClaimBreaksOutOfItsHeader) {
  auto token = std::make_shared<client::VerifiedToken>();
  token->claims = {{"iss", "https://i"}, {"sub", "a\r\nX-Admin: 1"}};
  token->kid = "k";
  client::Verdict verdict;
  verdict.token = token;
  for (const auto& [name, value] : IdentityHeaders(verdict)) {
    EXPECT_NE(name, "Warder-Subject");
    EXPECT_EQ(value.find_first_of("\r\n"), std::string::npos) << name;
  }
}

class EnforcerTest : public testing::Test {
 protected:
  EnforcerTest() {
    config_.verify.audiences = {"a"};
    config_.state_directory = dir_.File("");
    const auto key = crypto::PrivateKey::Generate(crypto::KeyType::kP256);
    set_ = {
        .issuer = "issuers/shop",
        .issuer_uri = "https://shop",
        .revision = 3,
        .jwks = "{\"keys\":[" + *jose::WriteJwk(*key->Public(), "ES256") + "]}",
        .max_token_lifetime = absl::Hours(1),
        .fingerprint = "f3",
        .drill = false};
  }
  using Held = std::map<std::string, std::string>;
  Held HeldByANewProcess() {
    Enforcer next(config_, clock_);
    next.Load();
    return next.Held();
  }

  TempDir dir_;
  SimulatedClock clock_{TestStart()};
  Config config_;
  client::PublishedSet set_;
  const Held kThree = {{"issuers/shop", "f3"}};
};

TEST_F(EnforcerTest, ANewProcessBeginsWithWhatWasEnforced) {
  Enforcer enforcer(config_, clock_);
  ASSERT_OK(enforcer.Apply(set_));
  enforcer.Confirm({"issuers/shop"}, absl::ZeroDuration());
  EXPECT_EQ(HeldByANewProcess(), kThree);
  clock_.AdvanceTime(config_.verify.max_staleness + absl::Seconds(1));
  EXPECT_TRUE(HeldByANewProcess().empty());
  config_.verify.serve_stale = true;
  EXPECT_EQ(HeldByANewProcess(), kThree);
  // A clock that was set back makes nothing young again.
  clock_.SetTime(TestStart() - absl::Seconds(1));
  EXPECT_TRUE(HeldByANewProcess().empty());
}

TEST_F(EnforcerTest, NewsThatLayInABufferMakeNothingYounger) {
  Enforcer enforcer(config_, clock_);
  ASSERT_OK(enforcer.Apply(set_));
  const absl::Duration late = config_.verify.max_staleness - absl::Seconds(1);
  enforcer.Confirm({"issuers/shop"}, late);
  EXPECT_EQ(enforcer.verifier().Age(), late);
  clock_.AdvanceTime(absl::Seconds(2));
  EXPECT_TRUE(enforcer.verifier().stale());
  EXPECT_TRUE(HeldByANewProcess().empty());
}

TEST_F(EnforcerTest, AStateThatCannotBeReadIsPassedOver) {
  for (const char* bad :
       {"", "{", "{}", "[1]", R"({"confirmed_us":"x","sets":[]})",
        R"({"confirmed_us":1767225600000000,"sets":[{}]})"}) {
    std::ofstream(dir_.File("key-sets.json")) << bad;
    EXPECT_TRUE(HeldByANewProcess().empty()) << bad;
  }
}

TEST_F(EnforcerTest, WhatIsNoLongerItsGatewaysIsDropped) {
  Enforcer enforcer(config_, clock_);
  ASSERT_OK(enforcer.Apply(set_));
  enforcer.Confirm({"issuers/other"}, absl::ZeroDuration());
  EXPECT_TRUE(enforcer.Held().empty());
}

TEST_F(EnforcerTest, AFileOfAKeySetLivesNoLongerThanItMayBeUsed) {
  config_.key_set_directory = dir_.File("");
  const std::string file = dir_.File("shop.json");
  Enforcer enforcer(config_, clock_);
  ASSERT_OK(enforcer.Apply(set_));
  enforcer.Confirm({"issuers/shop"}, absl::ZeroDuration());
  enforcer.KeepFilesFresh();
  EXPECT_TRUE(std::filesystem::exists(file));
  clock_.AdvanceTime(config_.verify.max_staleness + absl::Seconds(1));
  enforcer.KeepFilesFresh();
  EXPECT_FALSE(std::filesystem::exists(file));
  enforcer.Confirm({"issuers/shop"}, absl::ZeroDuration());
  enforcer.KeepFilesFresh();
  EXPECT_TRUE(std::filesystem::exists(file));
  // One that came after that, and was not confirmed, goes as well.
  clock_.AdvanceTime(config_.verify.max_staleness + absl::Seconds(1));
  enforcer.KeepFilesFresh();
  ASSERT_OK(enforcer.Apply(set_));
  enforcer.KeepFilesFresh();
  EXPECT_FALSE(std::filesystem::exists(file));
  enforcer.Confirm({"issuers/shop"}, absl::ZeroDuration());
  // The next process finds the state, and not the file.
  std::filesystem::remove(file);
  Enforcer next(config_, clock_);
  next.Load();
  next.KeepFilesFresh();
  EXPECT_TRUE(std::filesystem::exists(file));
  next.WithdrawFiles();
  EXPECT_FALSE(std::filesystem::exists(file));
  ASSERT_OK(next.Apply(set_));
  next.KeepFilesFresh();
  EXPECT_FALSE(std::filesystem::exists(file));
}

TEST_F(EnforcerTest, AFileOfADroppedIssuerGoes) {
  config_.key_set_directory = dir_.File("");
  Enforcer enforcer(config_, clock_);
  ASSERT_OK(enforcer.Apply(set_));
  EXPECT_TRUE(std::filesystem::exists(dir_.File("shop.json")));
  enforcer.Confirm({"issuers/other"}, absl::ZeroDuration());
  EXPECT_FALSE(std::filesystem::exists(dir_.File("shop.json")));
}

TEST_F(EnforcerTest, AClockThatIsSetRightIsRightOnTheDiskToo) {
  Enforcer enforcer(config_, clock_);
  ASSERT_OK(enforcer.Apply(set_));
  clock_.SetTime(TestStart() + absl::Hours(1));
  enforcer.Confirm({"issuers/shop"}, absl::ZeroDuration());
  clock_.SetTime(TestStart());
  enforcer.Confirm({"issuers/shop"}, absl::ZeroDuration());
  // Else it would be young again when that hour has passed.
  clock_.SetTime(TestStart() + absl::Hours(1));
  EXPECT_TRUE(HeldByANewProcess().empty());
}

TEST_F(EnforcerTest, WhatCannotBeKeptIsNotAcknowledged) {
  config_.state_directory = dir_.File("missing");
  Enforcer enforcer(config_, clock_);
  EXPECT_THAT(enforcer.Apply(set_), FailsWith(Reason::kStoreUnavailable));
  // Nor when it connects again.
  EXPECT_TRUE(enforcer.Held().empty());
}

std::optional<LoggedToken> MustRead(absl::string_view line) {
  const auto logged = ReadLogLine(line, LogFields());
  EXPECT_TRUE(logged.ok()) << logged.status();
  return logged.ok() ? *logged : std::nullopt;
}

TEST(LogLineTest, NginxAndEnvoyAreUnderstood) {
  const auto nginx = MustRead(
      R"({"time":"1767225600.250","status":200,"remote_addr":"192.0.2.7",)"
      R"("token":"Bearer a.b.c"})");
  ASSERT_TRUE(nginx);
  EXPECT_EQ(nginx->token, "a.b.c");
  EXPECT_EQ(nginx->status, 200);
  EXPECT_EQ(nginx->source, "192.0.2.7");
  EXPECT_EQ(nginx->time, TestStart() + absl::Milliseconds(250));
  const auto envoy = MustRead(
      R"({"status":"401","time":"2026-01-01T00:00:00Z","token":"a.b"})");
  ASSERT_TRUE(envoy);
  EXPECT_EQ(envoy->token, "a.b");
  EXPECT_EQ(envoy->status, 401);
  EXPECT_EQ(envoy->time, TestStart());
}

TEST(LogLineTest, WithoutATokenThereIsNothing) {
  for (const char* line :
       {"{}", R"({"token":""})", R"({"token":"-"})", R"({"token":null})",
        R"({"token":"Basic abc"})", R"({"token":7})"}) {
    EXPECT_FALSE(MustRead(line)) << line;
  }
  const auto odd = MustRead(
      R"({"token":"a.b.c","status":"-","time":"yesterday","remote_addr":[1]})");
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->status, 0);
  EXPECT_FALSE(odd->time);
  for (const char* line : {"", "GET / 200", "[]", R"({"token":"a.b.c")"}) {
    EXPECT_FALSE(ReadLogLine(line, LogFields()).ok()) << line;
  }
  EXPECT_FALSE(
      ReadLogLine(std::string(kLongestLogLine + 1, ' '), LogFields()).ok());
}

class LogFollowerTest : public testing::Test {
 protected:
  void Append(const std::string& text) {
    std::ofstream(path_, std::ios::app) << text;
  }
  std::vector<std::string> Lines(LogFollower& follower) {
    std::vector<std::string> lines;
    const auto read = follower.Read(
        [&](absl::string_view line) { lines.emplace_back(line); });
    EXPECT_TRUE(read.ok()) << read.status();
    return lines;
  }

  TempDir dir_;
  const std::string path_ = dir_.File("access.json");
};

using Texts = std::vector<std::string>;

TEST_F(LogFollowerTest, BeginsAtTheEndAndTakesWholeLines) {
  Append("old\n");
  LogFollower follower(path_);
  EXPECT_EQ(Lines(follower), Texts());
  Append("a\nb\nhal");
  EXPECT_EQ(Lines(follower), (Texts{"a", "b"}));
  Append("f\n\nc\n");
  EXPECT_EQ(Lines(follower), (Texts{"half", "c"}));
}

TEST_F(LogFollowerTest, GoesOnAcrossRotationAndTruncation) {
  Append("old\n");
  LogFollower follower(path_);
  Lines(follower);
  Append("last of the former\n");
  std::filesystem::rename(path_, path_ + ".1");
  Append("first of the next\n");
  EXPECT_EQ(Lines(follower),
            (Texts{"last of the former", "first of the next"}));
  std::ofstream(path_, std::ios::trunc) << "anew\n";
  EXPECT_EQ(Lines(follower), Texts{"anew"});
}

TEST_F(LogFollowerTest, ARestartGoesOnWhereItWas) {
  Append("old\n");
  LogPosition position;
  {
    LogFollower follower(path_);
    Lines(follower);
    Append("a\nhal");
    EXPECT_EQ(Lines(follower), Texts{"a"});
    position = follower.position();
  }
  Append("f\n");
  LogFollower next(path_, position);
  EXPECT_EQ(Lines(next), Texts{"half"});
  // Rotated while nobody looked: what is left of the former, and all of the new
  // one; twice rotated: of the new one.
  position = next.position();
  Append("left\n");
  std::filesystem::rename(path_, path_ + ".1");
  Append("new\n");
  LogFollower later(path_, position);
  EXPECT_EQ(Lines(later), (Texts{"left", "new"}));
  std::filesystem::rename(path_ + ".1", path_ + ".2");
  LogFollower last(path_, position);
  EXPECT_EQ(Lines(last), Texts{"new"});
}

TEST_F(LogFollowerTest, AnEndlessLineTakesNoMemory) {
  Append("");
  LogFollower follower(path_);
  Lines(follower);
  Append(std::string(300 * 1024, 'x'));
  EXPECT_EQ(Lines(follower), Texts());
  Append(std::string(300 * 1024, 'x') + "\nafter\n");
  EXPECT_EQ(Lines(follower), Texts{"after"});
  EXPECT_EQ(follower.left_out(), 1);
}

TEST_F(LogFollowerTest, AFileThatIsNotThereIsTriedAgain) {
  LogFollower follower(path_);
  EXPECT_FALSE(follower.Read([](absl::string_view) {}).ok());
  Append("a\n");
  Lines(follower);  // begins at its end
  Append("b\n");
  EXPECT_EQ(Lines(follower), Texts{"b"});
}

TEST(TailConfigTest, TheSampleIsGoodAndMistakesAreNamed) {
  EXPECT_TRUE(
      ReadTailConfig(WARDER_SOURCE_DIR "/client/agent/tail.sample.yaml").ok());
  TempDir dir;
  const std::string path = dir.File("tail.yaml");
  const struct {
    const char* text;
    const char* what;
  } kBad[] = {{"files: [a]\nissuers: [shop]\naudiences: [x]\n", "ID=URL"},
              {"files: [a]\naudiences: [x]\n", "issuers"},
              {"issuers: [shop=http://x]\naudiences: [x]\n", "files"},
              {"files: [a]\nissuers: [shop=http://x]\n", "audiences"},
              {"file: a\n", "file"}};
  for (const auto& bad : kBad) {
    std::ofstream(path, std::ios::trunc) << bad.text;
    const auto config = ReadTailConfig(path);
    ASSERT_FALSE(config.ok()) << bad.text;
    EXPECT_THAT(std::string(config.status().message()),
                testing::HasSubstr(bad.what));
  }
}

}  // namespace
}  // namespace warder::agent

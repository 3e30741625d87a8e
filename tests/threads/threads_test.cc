// Everything below gRPC at once, for ThreadSanitizer: signers, readers,
// revocations, departures, rotation, on the real store and vault.
#include <thread>

#include "server/crypto/system_random.h"
#include "server/storage/sql_store.h"
#include "server/vault/software_vault.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_app.h"

namespace warder {

TEST(ThreadsTest, SignersReadersRevocationsAndRotationTogether) {
  TempDir dir;
  ASSERT_OK_AND_ASSIGN(
      auto store,
      storage::SqlStore::Open({.path = dir.File("warder.db")}, TestStart()));
  const crypto::Sealer sealer{SecretBytes(crypto::kKeyEncryptionKeyBytes)};
  vault::SoftwareVault vault(sealer);
  TestApp app(store.get(), &vault);
  app.runner.SetWaker([&] { app.loop.Wake(); });
  constexpr int kIssuers = 4;
  for (int i = 0; i < kIssuers; ++i) app.MustSetUp("i" + std::to_string(i));
  app.loop.Start();

  std::atomic<bool> stop = false;
  std::atomic<int> signed_tokens = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      crypto::SystemRandom random;
      app::TokenSigner signer(app.runner, random, *app.ledger,
                              app.signer_usage);
      while (!stop) {
        app::SignJwtCommand command;
        command.issuer = IssuerId("i" + std::to_string(t));
        command.audiences = {"api"};
        const auto token = signer.Sign(app.As("signer/checkout"), command);
        if (token.ok()) ++signed_tokens;
      }
    });
  }
  threads.emplace_back([&] {
    while (!stop) {
      for (int i = 0; i < kIssuers; ++i) {
        EXPECT_NE(app.KeySet("i" + std::to_string(i)), "");
      }
    }
  });
  for (int round = 0; round < 15; ++round) {
    for (int i = 0; i < kIssuers; ++i) {
      const std::string id = "i" + std::to_string(i);
      for (const auto& key : app.Keys(id)) {
        if (key.state != domain::KeyState::kActive) continue;
        EXPECT_OK(app.keys.Revoke(app.As("security/sam"),
                                  {.issuer = IssuerId(id), .key = key.id}));
        EXPECT_THAT(app.KeySet(id),
                    testing::Not(testing::HasSubstr(key.id.value())));
      }
    }
    app.clock.AdvanceTime(absl::Minutes(5));
  }
  EXPECT_OK(app.Depart("hr/hook", "alice"));
  stop = true;
  for (auto& thread : threads) thread.join();
  app.loop.Stop();
  EXPECT_GT(signed_tokens, 0);
}

}  // namespace warder

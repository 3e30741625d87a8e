#include "server/base/secret_bytes.h"

#include <type_traits>

#include "server/base/log.h"
#include "tests/support/status_matchers.h"

namespace warder {

TEST(SecretBytesTest, MovesAndShrinks) {
  SecretBytes a(100);
  a.data()[0] = 7;
  a.data()[99] = 9;
  a.Shrink(50);
  EXPECT_EQ(a.size(), 50u);
  const uint8_t* where = a.data();
  SecretBytes b = std::move(a);
  EXPECT_EQ(b.data(), where);
  EXPECT_EQ(a.size(), 0u);
  EXPECT_EQ(where[99], 0);  // beyond the visible size: overwritten
}

TEST(SecretBytesTest, NoLogLineCanHoldOne) {
  static_assert(!std::is_copy_constructible_v<SecretBytes>);
  static_assert(!std::is_convertible_v<SecretBytes, std::string>);
  static_assert(!std::is_constructible_v<LogField, const char*, SecretBytes>);
}

}  // namespace warder

#include "server/base/base64url.h"

#include "server/base/random.h"
#include "tests/support/status_matchers.h"

namespace warder {

TEST(Base64UrlTest, KnownVectors) {
  EXPECT_EQ(Base64UrlEncode(""), "");
  EXPECT_EQ(Base64UrlEncode("f"), "Zg");
  EXPECT_EQ(Base64UrlEncode("fo"), "Zm8");
  EXPECT_EQ(Base64UrlEncode("foo"), "Zm9v");
  EXPECT_EQ(Base64UrlEncode("\xff\xfe\xfd"), "__79");
}

TEST(Base64UrlTest, EveryLengthComesBack) {
  SeededRandom random(7);
  for (size_t size = 0; size < 100; ++size) {
    std::string bytes(size, '\0');
    random.Fill({reinterpret_cast<uint8_t*>(bytes.data()), size});
    ASSERT_OK_AND_ASSIGN(const std::string back,
                         Base64UrlDecode(Base64UrlEncode(bytes)));
    EXPECT_EQ(back, bytes);
  }
}

TEST(Base64UrlTest, OneValueHasOneText) {
  for (const char* bad :
       {"Zg==", "Zh", "Z", "Zm9v\n", "Zm 9", "Zm+v", "Zm/v"}) {
    EXPECT_THAT(Base64UrlDecode(bad), FailsWith(Reason::kInvalidField)) << bad;
  }
}

}  // namespace warder

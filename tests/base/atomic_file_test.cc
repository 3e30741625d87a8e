#include "server/base/atomic_file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace warder {

TEST(AtomicFileTest, AFailureLeavesWhatWasThere) {
  TempDir dir;
  const std::string path = dir.File("f");
  ASSERT_OK(WriteAtomically(path, "one", FileMode::kForAll));
  ASSERT_OK(WriteAtomically(path, "two", FileMode::kForAll));
  std::string text;
  std::ifstream(path) >> text;
  EXPECT_EQ(text, "two");
  EXPECT_THAT(WriteAtomically(dir.File("no/such"), "x", FileMode::kForAll),
              FailsWith(Reason::kStoreUnavailable, "no/such"));
}

}  // namespace warder

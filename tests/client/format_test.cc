#include "client/cli/format.h"

#include "client/cli/context.h"
#include "tests/support/status_matchers.h"

namespace warder::cli {

TEST(TableTest, FitsTheTerminalByCuttingItsWidestColumn) {
  Table table({"NAME", "DETAIL"});
  table.Add({"shop", std::string(200, 'x')});
  const std::string text = table.Text({.columns = 40, .color = false});
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) EXPECT_LE(line.size(), 42u);  // … is 3
  EXPECT_THAT(text, testing::HasSubstr("shop"));
  EXPECT_THAT(table.Text({}), testing::HasSubstr(std::string(200, 'x')));
}

TEST(TableTest, ColourOnlyWhereTheTerminalShowsIt) {
  Table table({"STATE"});
  table.Add({"REVOKED"});
  EXPECT_THAT(table.Text({.columns = 80, .color = true}),
              testing::HasSubstr("\033[31mREVOKED"));
  EXPECT_THAT(table.Text({}), testing::Not(testing::HasSubstr("\033")));
}

TEST(SafeTest, ControlCharactersFromTheServerDoNotReachTheTerminal) {
  EXPECT_EQ(Safe("a\033[2Jb\n"), "a\\x1b[2Jb\\x0a");
}

TEST(ExitCodeTest, EachKindOfFailureHasItsOwn) {
  EXPECT_EQ(ExitCodeOf(absl::OkStatus()), 0);
  EXPECT_EQ(ExitCodeOf(absl::InternalError("")), 1);
  EXPECT_EQ(ExitCodeOf(absl::InvalidArgumentError("")), 2);
  EXPECT_EQ(ExitCodeOf(absl::NotFoundError("")), 3);
  EXPECT_EQ(ExitCodeOf(absl::PermissionDeniedError("")), 4);
  EXPECT_EQ(ExitCodeOf(absl::FailedPreconditionError("")), 5);
  EXPECT_EQ(ExitCodeOf(absl::UnavailableError("")), 6);
  EXPECT_EQ(ExitCodeOf(absl::DataLossError("")), 7);
}

}  // namespace warder::cli

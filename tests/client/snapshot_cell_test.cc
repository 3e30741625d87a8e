#include "client/verify/snapshot_cell.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace warder::client {
namespace {

// Counts itself, and is torn when it is read after its end.
struct Value {
  explicit Value(int n) : a(n), b(n) { ++living; }
  ~Value() {
    a = -1;
    --living;
  }
  int a, b;
  static inline std::atomic<int> living = 0;
};

TEST(SnapshotCellTest, ReadersSeeWholeValuesWhileOneReplacesThem) {
  {
    SnapshotCell<Value> cell(std::make_unique<Value>(0));
    std::atomic<bool> stop = false;
    std::atomic<int64_t> torn = 0;
    std::vector<std::thread> readers;
    for (int i = 0; i < 6; ++i) {
      readers.emplace_back([&] {
        int last = 0;
        while (!stop) {
          const SnapshotCell<Value>::Reader value(cell);
          if (value->a != value->b || value->a < last) ++torn;
          last = value->a;
        }
      });
    }
    for (int n = 1; n <= 5000; ++n) cell.Store(std::make_unique<Value>(n));
    stop = true;
    for (std::thread& reader : readers) reader.join();
    EXPECT_EQ(torn, 0);
    cell.Store(std::make_unique<Value>(5001));
    EXPECT_EQ(Value::living, 1);
  }
  EXPECT_EQ(Value::living, 0);
}

TEST(SnapshotCellTest, AValueStaysWhileItIsRead) {
  SnapshotCell<Value> cell(std::make_unique<Value>(1));
  {
    const SnapshotCell<Value>::Reader old(cell);
    cell.Store(std::make_unique<Value>(2));
    EXPECT_EQ(old->a, 1);
    const SnapshotCell<Value>::Reader fresh(cell);
    EXPECT_EQ(fresh->a, 2);
  }
  cell.Store(std::make_unique<Value>(3));
  EXPECT_EQ(Value::living, 1);
}

}  // namespace
}  // namespace warder::client

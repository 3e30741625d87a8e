// An immutable value that one thread replaces now and then and many read all
// the time, without a lock: hazard pointers (Maged M. Michael, "Hazard
// Pointers: Safe Memory Reclamation for Lock-Free Objects", IEEE TPDS 15(6),
// 2004).
//
//   SnapshotCell<KeySets>::Reader sets(cell);
//   sets->Find(kid);                            // safe while `sets` lives
#ifndef WARDER_CLIENT_VERIFY_SNAPSHOT_CELL_H_
#define WARDER_CLIENT_VERIFY_SNAPSHOT_CELL_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "server/base/mutex.h"

namespace warder::client {

// Thread-safe. T is destroyed by a writer, or with the cell.
template <typename T>
class SnapshotCell {
  // What one reader announces. Declared here for Reader.
  struct alignas(64) Place {
    std::atomic<bool> taken = false;
    std::atomic<const T*> hazard = nullptr;
  };

 public:
  // At most this many readers at one instant; one more waits for a free place.
  static constexpr size_t kPlaces = 256;

  explicit SnapshotCell(std::unique_ptr<const T> first)
      : current_(first.release()) {}
  ~SnapshotCell() { delete current_.load(); }
  SnapshotCell(const SnapshotCell&) = delete;
  SnapshotCell& operator=(const SnapshotCell&) = delete;

  // Keeps the value it found alive. Never waits for a writer.
  class Reader {
   public:
    explicit Reader(const SnapshotCell& cell) : place_(cell.Claim()) {
      const T* seen = cell.current_.load();
      while (true) {
        place_.hazard.store(seen);
        // Announced; was it still the current one then?
        const T* again = cell.current_.load();
        if (again == seen) break;
        seen = again;
      }
      value_ = seen;
    }
    ~Reader() {
      place_.hazard.store(nullptr, std::memory_order_release);
      place_.taken.store(false, std::memory_order_release);
    }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    const T& operator*() const { return *value_; }
    const T* operator->() const { return value_; }

   private:
    Place& place_;
    const T* value_;
  };

  // Replaces the value. The former one goes when its last reader has. Frees
  // what nobody reads any more; waits for no reader.
  void Store(std::unique_ptr<const T> next) {
    MutexLock lock(&mu_);
    retired_.emplace_back(current_.exchange(next.release()));
    std::erase_if(retired_, [this](const std::unique_ptr<const T>& old) {
      return std::none_of(
          places_.begin(), places_.end(),
          [&](const Place& place) { return place.hazard.load() == old.get(); });
    });
  }

 private:
  Place& Claim() const {
    size_t i = std::hash<std::thread::id>()(std::this_thread::get_id());
    for (size_t tries = 1;; ++tries, ++i) {
      Place& place = places_[i % kPlaces];
      if (!place.taken.load(std::memory_order_relaxed) &&
          !place.taken.exchange(true, std::memory_order_acquire)) {
        return place;
      }
      if (tries % kPlaces == 0) std::this_thread::yield();
    }
  }

  std::atomic<const T*> current_;
  mutable std::array<Place, kPlaces> places_;
  Mutex mu_;
  std::vector<std::unique_ptr<const T>> retired_ ABSL_GUARDED_BY(mu_);
};

}  // namespace warder::client

#endif  // WARDER_CLIENT_VERIFY_SNAPSHOT_CELL_H_

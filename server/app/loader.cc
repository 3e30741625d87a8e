#include "server/app/loader.h"

#include <condition_variable>
#include <deque>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "server/base/mutex.h"

namespace warder::app {
namespace {

using Batch = std::vector<domain::IssuerDraft>;

constexpr size_t kBatch = 500;
constexpr size_t kLoadAhead = 8 * kBatch;

// A bounded queue between the two threads.
class Queue {
 public:
  void Push(Batch batch) {
    MutexLock lock(&mu_);
    while (batches_.size() >= kLoadAhead / kBatch) changed_.wait(mu_);
    batches_.push_back(std::move(batch));
    changed_.notify_all();
  }

  // Returns false once the queue is closed and empty.
  bool Pop(Batch* batch) {
    MutexLock lock(&mu_);
    while (batches_.empty() && !closed_) changed_.wait(mu_);
    if (batches_.empty()) return false;
    *batch = std::move(batches_.front());
    batches_.pop_front();
    changed_.notify_all();
    return true;
  }

  void Close() {
    MutexLock lock(&mu_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  Mutex mu_;
  std::condition_variable_any changed_;
  std::deque<Batch> batches_ ABSL_GUARDED_BY(mu_);
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace

absl::Status LoadPublished(Store& store, Publisher& publisher,
                           const Sha256& sha256) {
  Queue queue;
  std::thread maker([&] {
    Batch batch;
    while (queue.Pop(&batch)) {
      for (const domain::IssuerDraft& draft : batch) {
        publisher.Install(MakeSnapshot(draft, sha256));
      }
    }
  });
  Batch batch;
  absl::Status status = store.Read([&](ReadTransaction& txn) {
    return txn.VisitPublished([&](domain::IssuerDraft draft) {
      batch.push_back(std::move(draft));
      if (batch.size() < kBatch) return;
      queue.Push(std::move(batch));
      batch = Batch();
    });
  });
  queue.Push(std::move(batch));
  queue.Close();
  maker.join();
  return status;
}

absl::Status LoadHistory(Store& store, Publisher& publisher) {
  IssuerId issuer;
  History ended;
  const auto flush = [&] {
    if (!ended.empty()) publisher.AddHistory(issuer, ended);
    ended.clear();
  };
  absl::Status status = store.Read([&](ReadTransaction& txn) {
    return txn.VisitEndedKeys([&](const domain::Key& key) {
      if (key.issuer != issuer) {
        flush();
        issuer = key.issuer;
      }
      ended.push_back(std::make_shared<const EndedKey>(EndedKey::Of(key)));
    });
  });
  flush();
  return status;
}

}  // namespace warder::app
